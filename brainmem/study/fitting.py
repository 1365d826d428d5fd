"""Teach a model to repeat recorded activity, and keep the best that it showed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from brainmem.engine.device import Device
from brainmem.errors import RuleError, number_of
from brainmem.intake.arguments import ANYTHING, CALLABLE, TEXT, count, optional, takes
from brainmem.model.choices import choose, split_choices
from brainmem.model.memory import MemoryModel
from brainmem.model.parameters import resolve_parameters
from brainmem.models import get_model
from brainmem.numbers.loading import RUN
from brainmem.recordings import Recording, read_recording
from brainmem.study.fit_run import FitArguments, learned
from brainmem.study.fitted import Fit

__all__ = ["Fit", "fit"]

_SEQUENCES, _REGIONAL = "rajan2016", "rajan2016/regions"
_STEPS_OF_TAU = 10  # steps in a time constant of the units, at least
_READING = ("step", "units_first", "negative", "normalise", "missing", "resets", "kinds", "spikes", "width", "series")


@takes(
    RuleError,
    **{name: RUN[name] for name in ("parameters", "seed", "device", "protocol")},
    model=optional(RUN["model"]),
    **dict.fromkeys(("target", "test"), TEXT),
    progress=optional(CALLABLE),
    steps=optional(count(1)),
    **dict.fromkeys(("regions", "holdout", *_READING), ANYTHING),
)
def fit(
    recording: Any,
    model: MemoryModel | str | None = None,
    *,
    target: str = "R",
    test: str = "test",
    regions: Any = None,
    holdout: Any = None,
    steps: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: Device | str | None = None,
    protocol: str | None = None,
    progress: Callable[[float], None] | None = None,
    **reading: Any,
) -> Fit:
    """Teach a model to repeat recorded activity.

    ``fit("cells.csv").save("folder")`` reads a table with a column of times, trains a network, and writes the fit, its
    page and its figures. Activity of both signs is learned by units with rates between -1 and 1, where the model offers
    them (``transfer = tanh``), and the report says so.

    Parameters
    ----------
    recording : Recording, path, array, or objects of Neo
        What `read_recording` reads; further arguments (``step=``, ``negative=``, ``resets=``, ...) are passed on to it.
    model : MemoryModel or str, optional
        A model that learns a target with frames; its numbers of units and of items are parameters, ``T`` is the
        duration of a pass. When not given, ``"rajan2016/regions"`` for activity of both signs, or whose regions are
        known: all synapses learn; else ``"rajan2016"``: the synapses that leave a part ``p`` of the units, 0.08 of
        them as published, unless `parameters` says another; few units need more.
    target : str
        The stimulus that the recording takes the place of.
    test : str
        The phase that runs a pass without learning; observable ``misfit`` holds its mean squared error.
    regions : mapping, sequence or path, optional
        The region of each unit, see `Recording.with_regions`: `Fit.currents` tells what each receives from each.
    holdout : float, int or sequence of int, optional
        Trials that are only tested: a part of them below 1, how many, or which. The fit tells their pVar apart. They
        start from their own first sample, and have the input of the trials of their kind, of which one or more is
        learned. The recording is normalised by the trials that are learned alone.
    steps : int, optional
        Steps of the network between two samples of the recording; it learns at samples alone. When not given, the
        model's own time step and period of learning, between which samples are interpolated; without `model`, for
        activity of both signs or of regions, so many that a step is a tenth of the units' time constant or less.
    parameters : mapping, optional
        As in `simulate`, except for what the recording decides: number of units and of items, and ``T``.
    seed, device, protocol, progress
        As in `simulate`; the seed decides which units have plastic synapses, and which trials are held out.

    Returns
    -------
    Fit

    Raises
    ------
    ResultError
        For a recording that cannot be used.
    RuleError
        For a model without such a target, one that cannot follow the recording, and parameters that it decides.
    """
    if not isinstance(recording, Recording):
        recording = read_recording(recording, regions=regions, **reading)
    elif reading:
        verb = "concerns" if len(reading) == 1 else "concern"
        raise RuleError(f"fit(): {', '.join(reading)} {verb} reading, and the recording has been read already.")
    elif regions is not None:
        recording = recording.with_regions(regions)
    given, notes = parameters or {}, ()
    if model is None:
        model, steps, notes = _suited(recording, given, steps)
    model = get_model(model) if isinstance(model, str) else model
    asked = FitArguments(model, target, test, given, steps, holdout, seed, device, protocol, notes)
    return Fit(**learned(recording, asked, progress))


def _suited(
    recording: Recording, parameters: Mapping[str, Any], steps: int | None
) -> tuple[str, int | None, tuple[str, ...]]:
    """Return the model for a recording, its steps between samples, and a note on both where they are not the usual."""
    if not (recording.signed or recording.regions):
        return _SEQUENCES, steps, ()
    why = "there are values below 0" if recording.signed else "regions are known"
    said = f"{why}, so the model is {_REGIONAL}, all of whose synapses learn"
    model = get_model(_REGIONAL)
    own = {item.name for item in model.parameters} & parameters.keys()
    if steps is None and not own & {"rate_step", "learn_step"}:
        options, _ = split_choices(model, {k: v for k, v in parameters.items() if k in {c.name for c in model.choices}})
        tau = resolve_parameters(choose(model, **options), {name: parameters[name] for name in own})["tau"]
        steps = max(1, int(np.ceil(_STEPS_OF_TAU * recording.step / float(np.asarray(tau)) * (1 - 1e-9))))
        said += f", with {number_of(steps, 'step')} between samples"
    return _REGIONAL, steps, (said,)
