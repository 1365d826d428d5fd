"""Which operation runs when, within one time step.

All updates of a step read the state at its beginning (simultaneous Euler), which is what the
papers' own simulations do; Brian2's defaults would let synapses see neurons already advanced.
What runs at the end of a step (observables, averages, recordings, episodic rules) reads the state at its end; the sums
that it reads are formed again there (`moments`).
Every order that brainmem gives to a Brian2 object is named here.

Brian2 sorts objects of one slot and order by their names. So whatever must keep its place has an order of its own:
rules are ranked by `LearningRule.order`, then as listed, over all projections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from brainmem.errors import TranslationError
from brainmem.model.nouns import LearningRule
from brainmem.text.statistics import parts_in

__all__ = [
    "ADVANCE",
    "AVERAGE",
    "BEGIN",
    "BOUNDS",
    "CARRY",
    "CLEAR",
    "CLOSE",
    "CLOSE_SAMPLED",
    "CLOSE_WATCHED",
    "COUNT",
    "COUNT_LOOPS",
    "COUNT_TRIALS",
    "DUE",
    "ENDED",
    "END_STATEMENTS",
    "EPISODE",
    "EPOCH_END",
    "FIRST",
    "FORM_SWEPT",
    "GUARD",
    "HALT",
    "LATE",
    "LATE_BEGIN",
    "NEXT",
    "OBSERVE",
    "OBSERVE_LATE",
    "PERIODIC",
    "PHASE_BEGIN",
    "PHASE_STATEMENTS",
    "PLASTICITY",
    "RECORD",
    "REFRESH",
    "RESTART",
    "RESTART_BEFORE",
    "RULE_EVENT",
    "SETTLE",
    "SETTLE_CELLS",
    "SHOW",
    "SLOTS",
    "SNAPSHOT",
    "START_DRIVE",
    "STATISTICS",
    "STOP_TRIALS",
    "STORE",
    "STORE_COUNT",
    "SUM",
    "SWEEP",
    "TRACE",
    "UNITS",
    "UNIT_EVENT",
    "WATCHED",
    "RuleSlots",
    "rule_slots",
    "sum_orders",
]

PHASE_BEGIN = ("before_start", -3)  # before variables are set
DUE = ("before_start", -3)  # events at which values are formed, in the phases in which they are
SHOW = ("before_start", -2)  # before populations store what they are shown
RESTART = ("before_start", -1)
RESTART_BEFORE = ("before_start", -2)  # of populations on which phases run statements, which come behind
PHASE_STATEMENTS = ("before_start", -1)  # what phases run when they begin
FIRST = ("before_start", 1)  # Brian2 stores what is constant over dt at 0
BEGIN = ("before_start", 2)  # of stored rates
LATE_BEGIN = ("before_start", 3)  # of what synapses with a delay read
SUM = ("groups", -400)
STORE = ("groups", -312)  # of what synapses with a delay read later: after the sums, which it may follow
START_DRIVE = ("groups", -305)  # of drives that a phase sets, less the sums that they hold
FORM_SWEPT = ("groups", -311)  # of sums that follow visits, for many trials
SETTLE_CELLS = ("groups", -50)  # after the sums, before the cells' update at 0
SWEEP = ("groups", -310)  # before weights change, so that fields fit them exactly
GUARD = ("groups", -302)  # events of rules that are not evaluated where their gates are shut
STATISTICS = ("groups", -301)  # over synapses, which continuous rules read; those of statements stand between them
PLASTICITY = ("groups", -300)
BOUNDS = ("groups", -299)  # one order for each rule
PERIODIC = ("groups", -100)  # one order for each rule, up to the units' update at 0
COUNT = ("synapses", -3)
UNIT_EVENT = ("synapses", -2)
RULE_EVENT = ("synapses", 0)  # two orders for each rule: at presynaptic spikes, then at postsynaptic ones
STORE_COUNT = ("resets", -1)  # of spikes, before the traces take them
UNITS = ("resets", 0)  # after all readings, so that events too see the traces at the step's beginning
TRACE = ("resets", 1)
LATE = ("end", -403)  # what synapses with a delay read in the state at the step's end, and in the next step
REFRESH = ("end", -402)  # of stored rates: what runs at the end of a step reads the state at its end
WATCHED = ("end", -401)
CLOSE_WATCHED = ("end", -400)  # of sums that end conditions read; two orders for each level of sums
CLOSE_SAMPLED = ("end", -200)  # of sums that are recorded in time; one order for each level
OBSERVE = ("end", -2)
STOP_TRIALS = ("end", -1)  # of trials that each have a stop of their own
COUNT_TRIALS = ("end", 0)
ADVANCE = ("end", 1)
AVERAGE = ("end", 2)
ENDED = ("end", 3)
SETTLE = ("end", 4)  # changes of weights that wait, before anything records them
CLOSE = ("end", 5)  # of sums that are read where a step of the protocol ends
END_STATEMENTS = ("end", 201)  # what phases run when they end
CARRY = ("end", 202)  # what these set in a single unit, to what reads it; two orders
OBSERVE_LATE = ("end", 204)
COUNT_LOOPS = ("end", 205)  # of trials in which the condition of a repetition holds
EPOCH_END = ("end", 206)  # conditions of repetitions are read
RECORD = ("end", 207)
EPISODE = ("end", 208)  # one order for each rule
SNAPSHOT = ("end", 308)  # of weights, after the changes that episodic rules make
CLEAR = ("end", 309)
NEXT = ("end", 310)
HALT = ("end", 311)

SLOTS = ("before_start", "start", "groups", "thresholds", "synapses", "resets", "end")

ROOM = {"periodic": -PERIODIC[1], "episodic": SNAPSHOT[1] - EPISODE[1], "bounded": PERIODIC[1] - BOUNDS[1]}


@dataclass(frozen=True)
class RuleSlots:
    """When the parts of one rule run, each as (when, order).

    Attributes
    ----------
    text : (str, int)
        The rule as written: its derivatives, or its statements.
    bounds : (str, int)
        The limits of variables that derivatives change.
    events : mapping of str to (str, int)
        By side, ``"pre"`` or ``"post"``, what runs at the spikes of that unit.
    """

    text: tuple[str, int]
    bounds: tuple[str, int]
    events: Mapping[str, tuple[str, int]]


def rule_slots(rules: Iterable[LearningRule]) -> dict[str, RuleSlots]:
    """Return when each rule runs, by name: rules of one form by their `order`, then as listed.

    Raises
    ------
    TranslationError
        When there are more rules than places in a time step.
    """
    ranked = sorted(rules, key=lambda rule: rule.order)
    forms = {form: [rule for rule in ranked if rule.form == form] for form in ("continuous", "periodic", "episodic")}
    bounded = [rule for rule in ranked if rule.bounds]
    first_part = {form: dict(_first_parts(found)) for form, found in forms.items() if form != "continuous"}
    for kind, found in {**forms, "bounded": bounded}.items():
        parts = sum(map(_width, found)) if kind in first_part else len(found)
        if parts > ROOM.get(kind, parts):
            several = "" if parts == len(found) else f" in {parts} parts, between which statistics are formed"
            raise TranslationError(
                f"There are {len(found)} {kind} rules{several}, and a time step has room for {ROOM[kind]}. "
                f"Write the statements of those of one projection as one rule, e.g. those of {found[-1].projection!r}."
            )
    first = {"continuous": PLASTICITY, "periodic": PERIODIC, "episodic": EPISODE}
    return {
        rule.name: RuleSlots(
            text=_later(first[rule.form], 0 if rule.continuous else first_part[rule.form][rule.name]),
            bounds=_later(BOUNDS, bounded.index(rule) if rule.bounds else 0),
            events={side: _later(RULE_EVENT, 2 * ranked.index(rule) + k) for k, side in enumerate(("pre", "post"))},
        )
        for rule in ranked
    }


def _width(rule: LearningRule) -> int:
    """Return how many orders the statements of a rule take: one, or one for each run of lines."""
    return len(parts_in(rule.text))


def _first_parts(rules: Iterable[LearningRule]) -> Iterator[tuple[str, int]]:
    """Yield the name of each rule and the orders before its first part."""
    order = 0
    for rule in rules:
        yield rule.name, order
        order += _width(rule)


def _later(slot: tuple[str, int], by: int) -> tuple[str, int]:
    return slot[0], slot[1] + by


def sum_orders(depends: dict[str, set[str]]) -> dict[str, tuple[str, int]]:
    """Order summed variables so that each is formed after those it reads.

    Parameters
    ----------
    depends : dict of str to set of str
        ``"target.variable"`` of each summed variable and those it depends on.

    Raises
    ------
    TranslationError
        When a summed variable reads itself, or two depend on each other: no order can serve them.
    """
    sorter = TopologicalSorter(depends)
    try:
        ranked = tuple(sorter.static_order())
    except CycleError as error:
        raise TranslationError(_circle(error.args[1])) from error
    level: dict[str, int] = {}
    for name in ranked:
        level[name] = 1 + max((level[other] for other in depends.get(name, ())), default=-1)
    return {name: (SUM[0], SUM[1] + level[name]) for name in depends}


def _circle(ring: list[str]) -> str:
    if len(set(ring)) == 1:
        return (
            f"The summed variable {ring[0]} reads itself within one time step, while it is still being formed. "
            "Let it read a state variable (dx/dt) instead."
        )
    return (
        f"The summed variables {' -> '.join(ring)} depend on each other within one time step. "
        "Let one of them read a state variable (dx/dt) instead."
    )
