"""Teach a model to repeat recorded activity, and keep the best that it showed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brainmem.engine.device import Device
from brainmem.errors import RuleError
from brainmem.intake.arguments import ANYTHING, CALLABLE, TEXT, count, optional, takes
from brainmem.model.memory import MemoryModel
from brainmem.models import get_model
from brainmem.numbers.loading import RUN
from brainmem.recordings import Recording, read_recording
from brainmem.study.fit_run import Asked, learned
from brainmem.study.fitted import Fit

__all__ = ["Fit", "fit"]

_READING = ("step", "units_first", "negative", "normalise", "missing", "resets", "kinds", "spikes", "width", "series")


@takes(
    RuleError,
    **{name: RUN[name] for name in ("model", "parameters", "seed", "device", "protocol")},
    **dict.fromkeys(("target", "test"), TEXT),
    progress=optional(CALLABLE),
    steps=optional(count(1)),
    **dict.fromkeys(("regions", "holdout", *_READING), ANYTHING),
)
def fit(
    recording: Any,
    model: MemoryModel | str = "rajan2016",
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

    ``fit("cells.csv").save("folder")`` reads a table with a column of times, trains the network of Rajan et al. (2016),
    and writes the fit, its page and its figures. Activity of both signs is learned by units with rates between -1 and
    1, where the model offers them (``transfer = tanh``), and the report says so.

    Parameters
    ----------
    recording : Recording, path, array, or objects of Neo
        What `read_recording` reads; further arguments (``step=``, ``negative=``, ``resets=``, ...) are passed on to it.
    model : MemoryModel or str
        A model that learns a target with frames; its numbers of units and of items are parameters, ``T`` is the
        duration of a pass.
    target : str
        The stimulus that the recording takes the place of.
    test : str
        The phase that runs a pass without learning; observable ``misfit`` holds its mean squared error.
    regions : mapping, sequence or path, optional
        The region of each unit, see `Recording.with_regions`: `Fit.currents` tells what each receives from each.
    holdout : float, int or sequence of int, optional
        Trials that are only tested: a part of them, how many, or which. The fit tells their pVar apart. They start from
        their own first sample, and have the input of the trials of their kind.
    steps : int, optional
        Steps of the network between two samples of the recording; it learns at samples alone. Its own time step and
        period of learning when not given, between which samples are interpolated.
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
    model = get_model(model) if isinstance(model, str) else model
    if not isinstance(recording, Recording):
        recording = read_recording(recording, regions=regions, **reading)
    elif reading:
        raise RuleError(f"fit(): {', '.join(reading)} concern reading, and the recording has been read already.")
    elif regions is not None:
        recording = recording.with_regions(regions)
    asked = Asked(model, target, test, parameters or {}, steps, holdout, seed, device, protocol)
    return Fit(**learned(recording, asked, progress))
