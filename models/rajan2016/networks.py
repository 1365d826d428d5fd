"""Networks that the claims of Rajan, Harvey & Tank (2016) are tested on: trained once, then run in many ways."""

from dataclasses import replace

import numpy as np
from brian2 import ms

from brainmem import Spiking, fit, freeze, get_model, measure, surrogate
from brainmem.claims import Experiment

SAMPLE = 10 * ms  # between recorded rates
SMALL = {"N": 150, "T": "2*second", "sigma": "0.12*second"}


WIDTHS = {"0.3": "sqrt(0.3)*second", "0.09": "0.3*second"}  # variance of the bumps in s^2: sigma
LOAD_LAW = {0.15: 0.1, 0.3: 0.25, 0.5: 0.38, 1.0: 0.74, 1.15: 0.87, 2.0: 0.92, 3.0: 0.95}  # pVar by p N sigma/(N_s T)


class Network:
    """A network trained at rates, with the weights of its best test."""

    def __init__(self, experiment: Experiment, seed: int, *, task: str = "rajan2016", **parameters):
        self.model = get_model(task)
        self.experiment = replace(experiment, variant="rate", model=self.model)
        self.parameters, self.seed = parameters, seed
        result = self.experiment.trained(seed, **parameters)
        pvars = measure.pvar_of_tests(result).mean(["item", "repeat"]).values
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
        return float(measure.pvar_of_tests(self.run(**options)).mean())

    def rates(self, **options) -> np.ndarray:
        """Return the rates of such a pass, (sequence, time, unit), every `SAMPLE`."""
        rates = self.run(record=("r",), **options).r.values
        sequences = self.result.R.shape[0]
        return rates[: len(rates) // sequences * sequences].reshape(sequences, -1, rates.shape[-1])

    def change(self) -> dict[str, float]:
        """Return how much a plastic synapse changed over the mean start weight, and all synapses together."""
        total, start = (np.abs(matrix).sum(axis=0).mean() for matrix in (self.weights - self.start, self.start))
        magnitude = measure.magnitude_of_change(self.weights, self.start)
        return {"each": total * len(self.start) / self.plastic / start, "magnitude": magnitude}

    def bands(self) -> dict[str, float]:
        """Return mean weights near the diagonal and far from it, and the sd of a band over its mean."""
        width = max(1, len(self.weights) // 25)
        found = measure.band_structure(self.weights, self.place, width=width)
        offset = np.abs(found.offset)
        near, far = offset <= 2 * width, offset > len(self.weights) // 5
        ratio = found.sd.mean() / np.abs(found.mean).mean()
        return {"near": found.mean[near].mean(), "far": found.mean[far].mean(), "sd": ratio}

    def pvar_of_parts(self) -> dict[str, float]:
        """Return pVar with the means of the bands alone, with the rest alone, and with the rest shuffled."""
        means = measure.band_structure(self.weights, self.place).means
        rest = self.weights - means
        shuffled = means + np.random.default_rng(5).permuted(rest, axis=0)
        parts = {"band means alone": means, "fluctuations alone": rest, "means and shuffled fluctuations": shuffled}
        return {name: self.pvar_with(weights=matrix) for name, matrix in parts.items()}

    def pvar_of_random_starts(self) -> list[float]:
        """Return pVar from three random states."""
        starts = np.random.default_rng(7).normal(size=(3, 1, len(self.weights)))
        return [self.pvar_with(onset=start) for start in starts]

    def _choices(self) -> dict[str, str]:
        return {name: value for name, value in self.parameters.items() if name == "error_on"}


def _with_noise(model):
    """Return the model with fresh noise in its tests too."""
    return model.replace(*(replace(phase, gates={**phase.gates, "noisy": 1}) for phase in model.protocol.phases))


def best_pvar(experiment: Experiment, seed: int, **parameters) -> float:
    """Return the best pVar of a network that is not kept."""
    return Network(replace(experiment, trained_runs={}), seed, **parameters).pvar


def on_curve(experiment: Experiment, seed: int, variance: str, p: float) -> float:
    """Return the best pVar at one fraction of plastic synapses; many of them learn less often."""
    slow = {0.5: {"learn_step": "4*ms"}, 1.0: {"learn_step": "8*ms"}}.get(p, {})
    tests = 2 if p == 0 else 8 if slow else 20 if (p, variance) == (0.08, "0.3") else 15
    return best_pvar(experiment, seed, p=p, tests=tests, sigma=WIDTHS[variance], **slow)


def off_the_law(table) -> float:
    """Return the root mean square distance of pVar, (p, sequences, seed), from what the load predicts."""
    law = np.interp(table.p * 200 * 0.25 / (table.sequences * 4), list(LOAD_LAW), list(LOAD_LAW.values()))
    return float(np.sqrt(np.mean(np.square(table[..., 0] - law))))


def headline(experiment: Experiment, seed: int, p: float = 0.08) -> Network:
    """Train the network of the claims: the paper's size, or a small one."""
    if not experiment.full:
        return Network(experiment, seed, p=max(p, 0.3), tests=4, **SMALL)
    slow = {"learn_step": "8*ms", "tests": 8} if p == 1 else {"tests": 15}
    return Network(experiment, seed, p=p, **slow)


def activity(experiment: Experiment, seed: int, **parameters) -> dict[str, float]:
    """Return how well rates follow the target, their dimensions, and how much of them is a bump."""
    net = headline(experiment, seed, **parameters)
    rates, target = net.rates()[0], net.result.R.values[0]
    frames = target[::10]
    return {
        "pVar": measure.pvar(frames[: len(rates)], rates[: len(frames)]),
        "dimension of target": measure.dimension(target),
        "excess": measure.dimension(rates) - measure.dimension(target),
        "bVar of target": measure.bvar(target, 1e-3),
        "bVar of rates": measure.bvar(rates, 0.01),
    }


def with_inputs(experiment: Experiment, seed: int, p: float) -> dict[str, float]:
    """Return pVar without the frozen input, with that of another network, and with a tenth of it added."""
    net, other = (headline(experiment, number, p) for number in (seed, 1 - seed))
    own, foreign = net.result.h.values, other.result.h.values
    inputs = {"its own input": own, "h=0": 0 * own, "another input": foreign}
    inputs["a tenth of another added"] = own + 0.1 * foreign
    return {name: net.pvar_with(h=h) for name, h in inputs.items()}


def chosen(experiment: Experiment) -> tuple[Network, np.ndarray]:
    """Train the delayed choice; return the network and the trial that each unit prefers, -1 for none."""
    sizes = {} if experiment.full else {"N": 200, "p": 0.3}
    net = Network(experiment, 0, task="rajan2016/choice", tests=30 if experiment.full else 6, **sizes)
    preferred = net.result.preferred.values.reshape(-1)
    return net, np.where(preferred == 2, -1, preferred)


def choosing(experiment: Experiment, seed: int) -> dict[str, float]:
    """Return how well one network runs two trials, and how alike units of each kind are in them."""
    net, preferred = chosen(experiment)
    goal = np.clip(net.result.R.values, 0.01, 0.99)[:, 6500:7000]
    both = measure.pearson(*net.rates(), axis=0)  # of a unit's rates in the two trials
    return {
        "pVar": net.pvar,
        "target": measure.selectivity(goal, preferred),
        "shared": both[preferred == -1].mean(),
        "specific": both[preferred >= 0].mean(),
    }


def holding(experiment: Experiment, seed: int, noise: float) -> float:
    """Return the selectivity at the end of the delay, with noise at test."""
    net, preferred = chosen(experiment)
    return measure.selectivity(net.rates(noise_sd=noise, seed=seed)[:, 650:700], preferred)


def recorded(experiment: Experiment, seed: int, p: float, tests: int, **sizes) -> dict[str, float]:
    """Return pVar and bVar of a fit to a surrogate of recorded activity, of which a travelling bump explains 40 %."""
    recording = surrogate(**sizes, bvar=0.4, seed=seed)
    found = fit(recording, parameters={"p": p, "tests": tests}, seed=seed, device=experiment.device)
    return {"pvar": found.pvar, "bvar": measure.bvar(found.rates[0], found.interval)}
