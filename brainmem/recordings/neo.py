"""Read the objects of Neo: signals, spike trains, and segments and blocks of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from brainmem.errors import ResultError, number_of
from brainmem.recordings.labelled import LABEL
from brainmem.recordings.raw import Raw, raw_of
from brainmem.recordings.spikes import Spikes, spikes_of_trains

__all__ = ["are_trains", "is_neo", "neo_trials", "read_neo"]


def is_neo(given: Any) -> bool:
    """Tell whether a value is a signal, a spike train, spike trains, or a segment of Neo."""
    return _is_signal(given) or _is_segment(given) or are_trains(given)


def neo_trials(given: Any) -> list[Any]:
    """Return the segments of a block, each of which is a trial; other values alone."""
    segments = getattr(given, "segments", None)
    return list(segments) if segments is not None and hasattr(given, "annotations") else [given]


def _is_signal(given: Any) -> bool:
    return hasattr(given, "magnitude") and hasattr(given, "times")


def _is_segment(given: Any) -> bool:
    return hasattr(given, "spiketrains") and hasattr(given, "analogsignals")


def _is_train(given: Any) -> bool:
    return _is_signal(given) and hasattr(given, "t_stop") and hasattr(given, "waveforms")


def are_trains(given: Any) -> bool:
    """Tell whether a value is a list of spike trains of Neo, which are the units of one recording."""
    several = isinstance(given, list | tuple) or type(given).__name__ == "SpikeTrainList"
    return several and len(given) > 0 and all(map(_is_train, given))


def read_neo(given: Any) -> Raw | Spikes:
    """Return what an object of Neo holds, with names and regions of units where they are annotated.

    Raises
    ------
    ResultError
        For a segment that holds nothing, or several things of which one has to be meant.
    """
    if _is_train(given) or are_trains(given):
        return _trains([given] if _is_train(given) else given)
    if _is_signal(given):
        return _signal(given)
    signals = [*given.analogsignals, *given.irregularlysampledsignals]
    if len(given.spiketrains) + bool(signals) > len(given.spiketrains) and (len(signals) > 1 or given.spiketrains):
        raise ResultError(
            f"Segment: it holds {number_of(len(signals), 'signal')} and "
            f"{number_of(len(given.spiketrains), 'spike train')}. Give one of its signals, segment.analogsignals[0], "
            "or segment.spiketrains."
        )
    if given.spiketrains:
        return _trains(given.spiketrains)
    if not signals:
        raise ResultError("Segment: it holds neither signals nor spike trains.")
    return _signal(signals[0])


def _signal(signal: Any) -> Raw:
    times = np.asarray(signal.times.rescale("s").magnitude, dtype=float)
    held = dict(getattr(signal, "array_annotations", {}) or {})
    regions = next((tuple(map(str, values)) for name, values in held.items() if LABEL.fullmatch(name)), ())
    names = tuple(map(str, held.get("channel_names", ())))
    return raw_of(np.asarray(signal.magnitude), type(signal).__name__, times=times, names=names, regions=regions)


def _trains(trains: Sequence[Any]) -> Spikes:
    seconds = [np.asarray(train.rescale("s").magnitude, dtype=float) for train in trains]
    start = min(float(train.t_start.rescale("s")) for train in trains)
    stop = max(float(train.t_stop.rescale("s")) for train in trains)
    names = [str(train.name or train.annotations.get("id", k)) for k, train in enumerate(trains)]
    names = names if len(set(names)) == len(names) else [str(k) for k in range(len(trains))]
    found = spikes_of_trains(seconds, names, start=start, stop=stop, source="SpikeTrain")
    regions = [next((str(v) for k, v in train.annotations.items() if LABEL.fullmatch(str(k))), "") for train in trains]
    return replace(found, regions=tuple(regions)) if all(regions) else found
