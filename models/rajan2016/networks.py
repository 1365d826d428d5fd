"""Networks that the claims of Rajan, Harvey & Tank (2016) are tested on: trained once, then run in many ways."""

from dataclasses import replace

import numpy as np
from brian2 import ms

from brainmem import Spiking, freeze, get_model, measure
from brainmem.claims import Experiment

SAMPLE = 10 * ms  # between recorded rates
SMALL = {"N": 150, "T": "2*second", "sigma": "0.12*second"}


class Network:
    """A network trained at rates, with the weights of its best test."""

    def __init__(self, experiment: Experiment, seed: int, *, task: str = "rajan2016", **parameters):
        self.model = get_model(task)
        self.experiment = replace(experiment, variant="rate", model=self.model)
        self.parameters, self.seed = parameters, seed
        result = self.experiment.trained(seed, **parameters)
        pvars = measure.pvar_of_tests(result).reshape(-1, result.R.shape[0]).mean(axis=1)
        best = int(np.argmax(pvars)) + 1
        self.result, self.pvar = result, float(pvars[best - 1])
        self.plastic = result.plastic_w.shape[-1]
        self.start, self.weights = (
            np.hstack([result.plastic_w.values[k], result.fixed_w.values[k]]) for k in (0, best)
        )

    @property
    def place(self) -> np.ndarray:
        """The position of each unit in the first sequence."""
        return self.result.place.values.reshape(-1, len(self.weights))[0]

    def run(
        self, *, variant="rate", seed=0, weights=None, noise_sd=0.0, changes=None, record=(), neuron=None, **inputs
    ):
        """Run a test pass through every sequence, without learning, with other inputs, weights or noise."""
        model = self.model.choose(noise="white" if noise_sd else "none", **self._choices())
        model = freeze(_with_noise(model) if noise_sd else model, "test", items="sequences")
        known = {item.name for item in model.parameters} - {"tests", "passes", "learn_step", "noise_sd"}
        parameters = {name: value for name, value in self.parameters.items() if name in known}
        matrix = self.weights if weights is None else weights
        shown = {name: self.result.data[name].values for name in ("R", "h", "onset")}
        spiking = Spiking(neuron=neuron) if neuron else self.experiment.spiking
        return replace(self.experiment, variant=variant, spiking=spiking, model=model).simulate(
            seed=seed,
            parameters={**parameters, **({"noise_sd": noise_sd} if noise_sd else {}), **(changes or {})},
            inputs={**shown, **inputs},
            weights={"plastic": matrix[:, : self.plastic], "fixed": matrix[:, self.plastic :]},
            record=record,
            interval=SAMPLE,
        )

    def pvar_with(self, **options) -> float:
        """Return pVar of a test pass with other inputs, weights or noise."""
        return float(np.mean(measure.pvar_of_tests(self.run(**options))))

    def rates(self, **options) -> np.ndarray:
        """Return the rates of such a pass, (sequence, time, unit), every `SAMPLE`."""
        rates = self.run(record=("r",), **options).r.values
        sequences = self.result.R.shape[0]
        return rates[: len(rates) // sequences * sequences].reshape(sequences, -1, rates.shape[-1])

    def _choices(self) -> dict[str, str]:
        return {name: value for name, value in self.parameters.items() if name == "error_on"}


def _with_noise(model):
    """Return the model with fresh noise in its tests too."""
    phases = tuple(replace(phase, gates={**phase.gates, "noisy": 1}) for phase in model.protocol.phases)
    return model.replace(protocol=replace(model.protocol, phases=phases))


def best_pvars(experiment: Experiment, seeds: int, *, task: str = "rajan2016", **parameters) -> tuple[float, ...]:
    """Return the best pVar for each seed; runs are not kept."""

    def run(seed: int) -> float:
        apart = replace(experiment, trained_runs={})
        return Network(apart, seed, task=task, **parameters).pvar

    return tuple(experiment.each(run, range(seeds)))
