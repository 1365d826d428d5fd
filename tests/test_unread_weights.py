"""Rules whose weights no current reads, between populations that read no rates of others."""

from __future__ import annotations

import sys

from brian2 import ms
from brian2.utils.logger import brian_excepthook

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Stimulus,
    explain,
)
from brainmem.errors import plain_tracebacks
from brainmem.freezing import acts

UNITS = "drive = {} : 1\nphi = clip(drive, 0, 1) : 1\ndx/dt = (phi - x)/tau : 1"


def feedforward() -> MemoryModel:
    """Return two populations that see a stimulus each, and weights between them that only learn."""
    names = {"first": "shown", "second": "asked"}
    return MemoryModel(
        "feedforward",
        parameters=(Parameter("N", 2), Parameter("tau", 20 * ms), Parameter("eta", "0.1/second")),
        populations=tuple(
            Population(name, UNITS.format(stimulus), rate="x", drive="drive", transfer="phi")
            for name, stimulus in names.items()
        ),
        projections=(Projection("weights", "first", "second", initial={"w": "zeros()"}),),
        rules=(LearningRule("hebb", "weights", continuous="dw/dt = eta*x_pre*x_post : 1"),),
        stimuli=tuple(Stimulus(stimulus, name, items=1, draw="zeros() + 0.5") for name, stimulus in names.items()),
        protocol=Protocol((Phase("learn", duration="20*ms", stimuli=("shown", "asked")),), (Each("learn", items=1),)),
        rate_dt="1*ms",
        spiking={"spike_dt": 1 * ms},
    )


def test_a_rule_acts_on_weights_that_no_current_reads():
    model = feedforward()
    given = (model, model.rules[0], model.protocol.phases[0], {})
    assert acts(*given, unread=True)
    assert not acts(*given)  # what the network does is not changed by it


def test_its_bias_is_told_where_drives_read_no_rates():
    """Such drives are the same in the rate network beside the cells, so that there is nothing to replay."""
    said = explain(feedforward(), "spiking", device="runtime")
    assert "rule 'hebb', w: " in said


def test_tracebacks_come_without_a_request_to_report_them(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", brian_excepthook)
    plain_tracebacks()
    assert sys.excepthook is sys.__excepthook__
    own = print
    monkeypatch.setattr(sys, "excepthook", own)
    plain_tracebacks()
    assert sys.excepthook is own
