"""A stream of memories: one is learned in every epoch, then all that have come are tested."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from brainmem import Each, LearningRule, MemoryModel, Parameter, Phase, Protocol, Repeat, Stimulus
from tests.support.hopfield_models import hopfield

__all__ = ["STREAM", "stream"]

LEARN = Phase("learn", duration="0.1*tau", stimuli=("memory",))
STREAM = (Each("learn", items=("epoch - 1", "epoch")), Each("recall", items="epoch"))


def stream(*body: Each, times: str | int = "P", **changes: Any) -> MemoryModel:
    """Return a palimpsest: with each memory that is learned, the others fade."""
    model, rule = hopfield(), "w = kept*w + memory_post*memory_pre/N_pre"
    return hopfield(
        patterns=model.patterns[:1],
        stimuli=(Stimulus("memory", "units", items="P", values=(-1, 1)),),
        parameters=(*model.parameters, Parameter("kept", 0.6)),
        projections=(replace(model.projections[0], initial={"w": "zeros()"}),),
        rules=(LearningRule("store", "recurrent", episodic=rule, at=("learn",)),),
        protocol=Protocol((LEARN, model.protocol.phases[0]), (Repeat(times, body or STREAM),)),
        **changes,
    )
