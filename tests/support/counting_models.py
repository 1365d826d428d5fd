"""Models whose schedules end by conditions: counters that reach their goals, a perceptron that learns its labels."""

from __future__ import annotations

from brian2 import ms

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    Stimulus,
)

__all__ = ["counting", "perceptron"]

RESET = Phase("reset", duration="time_step", begin={"units": "err = 0"})
COUNT = Phase("count", duration="2*time_step", end={"units": "n += 0.5; err = err + int(n < goal)"})
PROBE = Phase("probe", duration="time_step", begin={"units": "n = 100"}, restore=True)
REST = Phase("rest", duration="3*time_step")
AFTER = (Each("rest", items=2),)
EPOCH = (Each("reset", items=1), Each("count", items=2))


def counting(*, body=EPOCH, before=(), after=AFTER, until="errors < allowed", **changes):
    """Return units that count up to goals of their own; an epoch is without error once all have reached theirs."""
    return MemoryModel(
        "counting",
        parameters=(
            Parameter("n_units", 4),
            Parameter("rounds", 12),
            Parameter("allowed", 0.5),
            Parameter("time_step", 1 * ms),
        ),
        populations=(
            Population(
                "units", "goal : 1\nn : 1\nerr : 1", size="n_units", initial={"goal": "uniform(3, 9)", "n": "zeros()"}
            ),
        ),
        observables=(Observable("errors", "err", population="units", reduce="sum"),),
        protocol=Protocol(
            (RESET, COUNT, PROBE, REST), (*before, Repeat("rounds", body, until=until, **changes), *after)
        ),
        rate_dt="time_step",
    )


def perceptron() -> MemoryModel:
    """Return binary outputs that learn random labels of random cues, item by item, until an epoch has no error."""
    answer = "miss = int(h*label <= 0)\nwrong = wrong + miss"
    return MemoryModel(
        "perceptron",
        parameters=(
            Parameter("n_inputs", 20),
            Parameter("n_outputs", 3),
            Parameter("M", 8),
            Parameter("rounds", 40),
            Parameter("rate", 0.1),
            Parameter("time_step", 1 * ms),
        ),
        populations=(
            Population("inputs", "seen = cue : 1", size="n_inputs"),
            Population("outputs", "h : 1\nmiss : 1\nwrong : 1", size="n_outputs"),
        ),
        projections=(
            Projection(
                "forward",
                "inputs",
                "outputs",
                current="h_post = w*seen_pre : 1 (summed)",
                variables="changes : 1",
                initial={"w": "zeros()", "changes": "zeros()"},
            ),
        ),
        rules=(
            LearningRule(
                "correct",
                "forward",
                episodic="w += rate*miss_post*label_post*seen_pre\nchanges += miss_post",
                at=("show",),
            ),
        ),
        stimuli=(Stimulus("cue", "inputs"), Stimulus("label", "outputs")),
        observables=(Observable("errors", "wrong", population="outputs", reduce="sum"),),
        protocol=Protocol(
            (
                Phase("reset", duration="time_step", begin={"outputs": "wrong = 0"}),
                Phase("show", duration="2*time_step", stimuli=("cue", "label"), end={"outputs": answer}),
            ),
            (Repeat("rounds", (Each("reset", items=1), Each("show")), until="errors < 0.5"),),
        ),
        rate_dt="time_step",
    )
