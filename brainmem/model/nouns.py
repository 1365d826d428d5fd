"""The frozen nouns in which a paper's network and learning rule are written.

Every field that holds equations holds Brian2 text. Nothing here imports Brian2's
objects, draws a random number, or knows a device.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, cast

from brainmem.model.curves import Curve

__all__ = [
    "Choice",
    "Curve",
    "Each",
    "LearningRule",
    "Limit",
    "Model",
    "Observable",
    "Parameter",
    "Pattern",
    "Phase",
    "Population",
    "Projection",
    "Protocol",
    "Recalled",
    "Reference",
    "Repeat",
    "SpikingRule",
    "Stimulus",
]


_RANDOM = re.compile(r"\b(signs|normal|uniform|binary|permutation)\s*\(")  # the draws of start values


@dataclass(frozen=True)
class Reference:
    """The publication that a model comes from."""

    authors: str
    title: str
    journal: str
    year: int
    doi: str = ""
    arxiv: str = ""


@dataclass(frozen=True)
class Parameter:
    """One number of a model: its value with unit, its meaning and where it comes from.

    Parameters
    ----------
    name : str
        The name that equations use.
    value : Quantity, float, int, tuple of int, or str
        A number with unit, or text over other parameters (``"0.03/N"``), evaluated when a
        run is prepared. Integers stay integers: they size populations and count repetitions.
    meaning : str
        One line for a reader.
    source : str
        ``"eq. 4"``, ``"table 1"``, ``"reconstruction"``, ``"ours"``.
    """

    name: str
    value: Any
    meaning: str = field(default="", kw_only=True)
    source: str = field(default="ours", kw_only=True)


@dataclass(frozen=True)
class Choice:
    """A part of a model's text that it offers in several forms.

    ``Choice("error_on", {"current": "z - f", "rate": "r - R"})`` puts ``(z - f)`` where equations name ``error_on``.
    ``simulate(model, parameters={"error_on": "rate"})`` and ``model.choose(error_on="rate")`` choose another form.
    Every form is checked when the model is made.

    Where one decision changes several texts, a form is a mapping from names to texts, and each name stands for its
    own: ``Choice("transfer", {"tanh": {"phi": "tanh(x)", "lowest": "-1"}, ...})``.

    Parameters
    ----------
    name : str
        The name that stands in the model's texts, and by which a form is chosen.
    options : mapping of str to str, or of str to mappings of str to str
        The text of each form: an expression, without spiking texts of its own. Of a form with several texts, these by
        name; every form has the same names.
    default : str
        The form taken when none is chosen; the first when empty.
    meaning, source : str
        See `Parameter`.
    """

    name: str
    options: Mapping[str, str | Mapping[str, str]]
    default: str = field(default="", kw_only=True)
    meaning: str = field(default="", kw_only=True)
    source: str = field(default="ours", kw_only=True)

    @property
    def preset(self) -> str:
        """The name of the form taken when none is chosen."""
        return self.default or next(iter(self.options), "")

    def texts(self, option: str) -> dict[str, str]:
        """Return the texts of a form, by the names that they take the place of."""
        found = self.options[option]
        return {self.name: found} if isinstance(found, str) else dict(found)


@dataclass(frozen=True)
class Pattern:
    """A table of vectors, one row per item, drawn or given: memories, places of targets, start states.

    ``Pattern("memory", "units", items="P")``. Draws of other patterns and of stimuli read the whole table, as do start
    weights (``initial=`` of a projection); a phase's `start` reads the row of its item. It may be what is `Recalled`,
    is kept in the result under its name, and ``simulate(model, inputs={"memory": array})`` gives another table. Nobody
    is shown it: equations and rules cannot read it. A `Stimulus` is a pattern that phases show.

    Parameters
    ----------
    name : str
    population : str
        Whose units the columns are.
    items : str or int
        How many rows, a number or a parameter's name.
    draw : str
        Default values, as text over ``signs()``, ``normal(mean, sd)``, ``uniform(lo, hi)``, ``binary(p)``,
        ``zeros()``, ``eye()``, ``permutation()`` (0 to N - 1 in random order, for each item), parameters, ``item`` and
        ``unit`` (numbers from 0), other patterns and stimuli (in any order, but not in a circle), ``first(x)``, the
        first frame of one that has frames, ``ranks(x)``, how many values of the row are smaller (of equal ones, those
        before it too; ``ranks(uniform(0, 1)) < K`` has exactly K ones in every row), ``row(x, n)``, for each item the
        row n of x, which may have others (``row(prototype, floor(item/4))``), ``shifted(x, n)``, whose row k is row
        k + n of x (the first again behind the last), and ``ring(x, n)``, x brought to -n/2 ... n/2 by whole turns;
        shape (items, unit). With frames also over ``time``, that of each
        frame, and ``filtered_noise(tau)``: low-pass filtered white noise, one trace per unit and item, of standard
        deviation 1/sqrt(2), which starts at 1.
    values : tuple of float, optional
        The only values allowed in a user's own table, e.g. ``(-1, 1)``; None allows any finite value.
    distinct : bool
        Whether two equal rows are an error (a cue that stands for two memories).
    unit : str
        Brian2 unit text, ``"1"`` for none.
    frames : str or int
        For a pattern in time: how many rows an item has, a number or text over parameters
        (``"round(T/every_frame)"``). The table has shape (items, frames, unit).
    every : str
        How long a frame lasts: a parameter or text with unit of time.
    """

    name: str
    population: str
    items: str | int = field(default="M", kw_only=True)
    draw: str = field(default="signs()", kw_only=True)
    values: tuple[float, ...] | None = field(default=None, kw_only=True)
    distinct: bool = field(default=False, kw_only=True)
    unit: str = field(default="1", kw_only=True)
    frames: str | int = field(default="", kw_only=True)
    every: str = field(default="", kw_only=True)

    @property
    def kind(self) -> str:
        """The word for it in messages, ``"pattern"`` or ``"stimulus"``."""
        return "pattern"


@dataclass(frozen=True)
class Stimulus(Pattern):
    """A pattern that phases show: equations and rules of its population read its row under its name.

    The row is that of the step's item, and zero in phases that do not show it (`Phase.stimuli`). One with `frames`
    changes while it is shown: a phase shows them one after the other, from its beginning, and holds the last. All
    fields are those of `Pattern`.
    """

    @property
    def kind(self) -> str:
        """The word for it in messages."""
        return "stimulus"


@dataclass(frozen=True)
class Population:
    """Rate units, as Brian2 neuron equations, or units that are updated one at a time.

    Parameters
    ----------
    name : str
    equations : str
        Brian2 equations. A variable that a projection sums into is declared as a parameter
        (``u : 1``). Names of stimuli, gates and parameters may be used without declaration.
    size : str or int
        Number of units, or the parameter that holds it.
    rate : str, optional
        The variable other units and rules see as this unit's rate. It is either a differential
        variable that relaxes to `transfer` (rate form, ``tau*dr/dt = -r + phi(drive)``), or the
        transfer subexpression itself (current form, ``tau*du/dt = -u + J*phi(u) + h``).
        None for helper populations, which both variants take verbatim.
    drive : str, optional
        The variable or subexpression that `transfer` is a function of.
    transfer : str, optional
        The subexpression that holds phi(drive).
    rate_range : (float or text, float or text)
        The rates that mean silence and the highest rate used, in the unit of `rate`
        (``(-1, 1)`` for tanh). The spiking variant maps it to 0 ... `rate_max`.
    sequential : str
        The statement that sets a unit's state, ``"S = sign(h)"``. In every time step all units are visited once, in a
        fresh random order; each visit reads the fields as the visits before have left them, because every sum of a
        projection from the population to itself follows a change of the state at once. The state is declared
        (``S : 1``), may be the `rate`, and needs neither `drive` nor `transfer`. With the equation of a continuous
        unit (``dS/dt = (phi - S)/tau : 1``, `rate`, `drive` and `transfer`) one text serves both variants: in the rate
        variant visits set the state in place of its equation, which is left out; in the spiking variant cells follow
        the equation, and there are no visits. ``S_change``, rate variant only, is how far the last visit moved the
        unit. ``sign(x)`` keeps the state where ``x`` is exactly 0; ``sign(h + tie*S)`` keeps it for
        fields below `tie`, which rounding cannot decide. ``rand()`` makes the update random (Glauber):
        ``"S = 2*int(rand() < 1/(1 + exp(-2*h/T))) - 1"``. `site_order` and `site_draws` return the orders and the
        random numbers, which are the same on every device.
    initial : mapping of str to str
        Start values by variable, as text over the draws of `Pattern`; unmentioned variables start at 0.
    values : mapping of str to tuple of float
        The only values at which a variable may start, ``{"S": (-1, 1)}``: those drawn or given for the beginning of a
        run and of a phase are held against them. What equations and statements make of it is the model's own, and so
        are the rates of spiking cells, which take all values between. In base SI units.
    """

    name: str
    equations: str
    size: str | int = field(default="N", kw_only=True)
    rate: str | None = field(default=None, kw_only=True)
    drive: str | None = field(default=None, kw_only=True)
    transfer: str | None = field(default=None, kw_only=True)
    rate_range: tuple[Any, Any] = field(default=(0, 1), kw_only=True)
    sequential: str = field(default="", kw_only=True)
    initial: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict, kw_only=True)

    @property
    def state(self) -> str:
        """The variable that `sequential` sets, ``""`` without."""
        return self._visit[0]

    @property
    def visit(self) -> str:
        """The right-hand side of `sequential`."""
        return self._visit[1]

    @property
    def visit_draws(self) -> tuple[str, ...]:
        """The statements before it, by which the translation names its random numbers."""
        return self._visit_lines[:-1]

    @property
    def _visit(self) -> tuple[str, str]:
        left, _, right = (self._visit_lines or ("",))[-1].partition("=")
        return left.strip(), right.strip()

    @property
    def _visit_lines(self) -> tuple[str, ...]:
        lines = (line.split("#")[0].strip() for line in self.sequential.splitlines())
        return tuple(line for line in lines if line)


@dataclass(frozen=True)
class Projection:
    """Synapses from one population to another.

    Parameters
    ----------
    name, source, target : str
    current : str
        One Brian2 summed equation per line: onto the target's units, ``"u_post = w*x_pre : 1 (summed)"``, or through
        the transpose onto the source's, ``"v_pre = w*y_post : 1 (summed)"``.
    variables : str
        Synaptic parameters as Brian2 text, ``"w : 1"``; variables that a rule's
        ``dw/dt`` defines are not repeated here.
    initial : mapping of str to str
        Start values, text over the draws of `Pattern`, and over patterns and stimuli (``"memory.T @ memory/N"``);
        arrays are ``[post, pre]``. ``sum_items(x)`` sums over the items of patterns, with ``memory_post`` and
        ``memory_pre`` the row of the item for either unit, and ``item`` its number: ``"sum_items(A*exp(-ring(place_post
        - place_pre, N)**2/(2*sigma**2)))"``. ``outer(x, y)`` is the product of a vector over the postsynaptic units
        with one over the presynaptic units, ``"sum_items(outer(next, memory))/N"``. Recursive least squares starts with
        ``{"p": "eye()/alpha"}``, the identity matrix over a parameter.
    row_norm : float, optional
        Scale every row (all synapses onto one unit) of the first initial variable to this Euclidean norm.
    self_connections : bool
        Whether a unit projects to itself; False keeps these pairs out.
    source_units, target_units : str
        A contiguous part of the population, as a slice over whole numbers and parameters: ``":n"`` for its first n
        units, ``"n:"`` for the others (Brian2's subgroup ``units[:n]``). Arrays are ``[post, pre]`` of these units
        alone, and as in Brian2 ``i``, ``j``, ``N_pre`` and ``N_post`` count them; whether a unit meets itself is told
        by its number in the population. No text takes all units. A part may be empty: its sums are 0.
    delay : str
        How long activity takes from the source: a parameter or text with unit of time, a multiple of the time step.
        The synapses, their sums and rules alike, see all that belongs to the presynaptic unit as it was so long ago,
        in both variants; what belongs to the postsynaptic unit they see as it is. At the beginning of a run, and where
        `start` or `begin` of a phase sets what they see, it counts as having been before as it is then.
    """

    name: str
    source: str
    target: str
    current: str = field(default="", kw_only=True)
    variables: str = field(default="", kw_only=True)
    initial: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    row_norm: float | None = field(default=None, kw_only=True)
    self_connections: bool = field(default=False, kw_only=True)
    source_units: str = field(default="", kw_only=True)
    target_units: str = field(default="", kw_only=True)
    delay: str = field(default="", kw_only=True)

    @property
    def no_self(self) -> bool:
        """Whether the pairs of a unit with itself are left out."""
        return self.source == self.target and not self.self_connections


@dataclass(frozen=True)
class SpikingRule:
    """A spiking text of the user's own, used in place of the automatic event split.

    `on_pre` and `on_post` run at each unit spike before the traces change (`count_pre`,
    `count_post` hold the spikes of the unit in this step, in units of `cells_per_unit`);
    `clocked` holds Brian2 differential equations. Each may be empty. All three may read what the rule may, and
    what the spiking variant adds for a unit of rate ``x``: the trace ``x_s_pre`` and the rate asked of the cells
    ``x_activity_pre`` (both 0 ... 1), and the parameters of the cells (``rate_max``, ``cells_per_unit``, ...).
    """

    on_pre: str = ""
    on_post: str = ""
    clocked: str = ""
    why: str = ""


@dataclass(frozen=True)
class LearningRule:
    """Plasticity of one projection, in one of three forms of text.

    Exactly one of `continuous`, `periodic`, `episodic` is given. Each may call ``mean(x)``, ``quantile(x, q)`` and
    ``shuffle(x)`` of an expression of the synapse: over all synapses of the projection, see `shuffle_order`.

    Parameters
    ----------
    name, projection : str
    continuous : str
        Brian2 differential equations, ``"dw/dt = F(...) : 1"``.
    periodic : str
        Statements run on every synapse each `every` (``"w += ..."``).
    episodic : str
        Statements run on every synapse when a step of the phases in `at` ends. They read rates, states and sums as
        they are then.
    every : str
        Period of the periodic form: a parameter, or text with unit of time.
    at : tuple of str
        Phases whose ends trigger the episodic form.
    during : tuple of str
        Phases in which a continuous or periodic rule acts; in others it is not evaluated. Without names it acts in all,
        but not where a gate that multiplies every change of it is 0.
    order : int
        Rules of one form, of all projections, run in ascending order, then as listed in the model. Continuous rules
        change their variables at the same time, before periodic ones.
    bounds : mapping of str to (text, text)
        Limits of a plastic variable, enforced after every change in both variants.
    read : {"auto", "event", "drive", "trace"}
        How the spiking variant reads rates in the rule.
    pairing : {"symmetric", "causal", "anticausal"}
        Which neuron's spikes carry a term with a pre and a post rate.
    spiking : SpikingRule, optional
        Explicit text for the spiking variant.
    equation : str
        Where the rule stands in the paper.
    """

    name: str
    projection: str
    continuous: str = field(default="", kw_only=True)
    periodic: str = field(default="", kw_only=True)
    episodic: str = field(default="", kw_only=True)
    every: str = field(default="", kw_only=True)
    at: tuple[str, ...] = field(default=(), kw_only=True)
    during: tuple[str, ...] = field(default=(), kw_only=True)
    order: int = field(default=0, kw_only=True)
    bounds: Mapping[str, tuple[Any, Any]] = field(default_factory=dict, kw_only=True)
    read: str = field(default="auto", kw_only=True)
    pairing: str = field(default="symmetric", kw_only=True)
    spiking: SpikingRule | None = field(default=None, kw_only=True)
    equation: str = field(default="", kw_only=True)

    @property
    def form(self) -> str:
        """``"continuous"``, ``"periodic"`` or ``"episodic"``."""
        return next(form for form in ("continuous", "periodic", "episodic") if getattr(self, form))

    @property
    def text(self) -> str:
        """The rule's text, whichever form it has."""
        return getattr(self, self.form)


@dataclass(frozen=True)
class Observable:
    """A number about a population at each moment, e.g. the overlap with the target shown.

    ``Observable("overlap", "x*target", population="units")`` is the mean of ``x*target`` over the units. Conditions
    that end a phase, equations, rules, currents and other observables may read it by its name: one number for the whole
    network (in each trial), such as total activity, energy, reward. The same holds for the variables of a population
    of ``size=1``. All that is read in a time step is of one moment. What results hold of it is taken when a step of the
    protocol ends, from states and sums of that moment.

    Parameters
    ----------
    name, expression, population : str
    reduce : {"mean", "sum", "min", "max"}
        What it is of the values that the units have. A value that is no number makes each of them nan.
    unit : str
    units : str
        A part of the units, ``":n"`` the first n, as in `Projection`.
    during : tuple of str
        Phases in which it is evaluated; in others results hold nan, and nothing may read it. Sums over synapses that
        nothing but such observables reads are formed only there too. Without names it is evaluated in all phases.
    """

    name: str
    expression: str
    population: str = field(kw_only=True)
    reduce: str = field(default="mean", kw_only=True)
    unit: str = field(default="1", kw_only=True)
    units: str = field(default="", kw_only=True)
    during: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Phase:
    """What happens while one item is present: stimuli, gates, duration, end condition.

    Parameters
    ----------
    name : str
    duration : str
        Longest duration: a parameter or text with unit of time.
    until : str
        Condition over observables, parameters and ``elapsed``; the phase ends when it holds. Results tell in
        ``step_fulfilled`` whether it held; they note how often a phase reached its longest duration without.
    must_end : bool
        Whether a phase that reaches its longest duration before `until` holds is an error.
    stimuli : tuple of str
        The stimuli shown (row of the current item); all others are zero.
    gates : mapping of str to number or text
        Values of gate variables, readable in every equation; a gate not named is 0.
    start : mapping of str to str
        Variables set when the phase begins, text over the draws of `Pattern` and over patterns and stimuli of the same
        population, shown or not (the row of the item, its first frame). Random values are drawn anew every time.
        Variables of the units are those with an equation ``dx/dt`` and those declared without a right-hand side
        (``bias : 1``). Others go on as they are.
    begin, end : mapping of str to str
        Statements that run on the units of a population when a step of the phase begins or ends, by population:
        ``end={"units": "kept = x"}``, ``begin={"units": "theta = 0.9*theta + 0.1*y; bias = 0"}``, on several lines or
        apart by ``;``. They set the variables that `start` may set, each unit its own, and read what equations of the
        population read but ``t``; at the end also sums and observables, as they are when the step ends, by `until` or
        by its duration. Names of their own hold what later statements read. `end` runs before the episodic rules and
        recordings of that moment, which read what it has set; sums read it from the next time step on, and observables
        that it or a condition reads are taken before it. `begin` runs when gates, stimuli and `start` have been set,
        or the state has been put back, before anything else of the step. They draw no random numbers.
    average : str
        The last part of the phase over which rates are averaged; empty means all of it. The window is counted from the
        longest duration: a phase that `until` ends before it has no average (nan).
    restore : bool
        The phase runs beside the protocol: neurons' state is put back when it ends (a test in the middle of learning),
        with the variables that phases set, so that tests one after the other all begin with it. Phases that an `Each`
        runs together for an item go on from each other.
    paired : bool
        Random start values are drawn once for every (item, repeat) and come again in every epoch, so that tests of
        different epochs begin with the same states.
    spiking : mapping of str to value, or None
        The fields of the phase that differ in the spiking variant, ``{"duration": "T_free", "until": ""}``, each as a
        whole. None leaves the phase out of the spiking variant's protocol: an `Each` of such phases alone runs
        nothing, and rules that act in them alone never act.
    """

    name: str
    duration: str = field(kw_only=True)
    until: str = field(default="", kw_only=True)
    must_end: bool = field(default=False, kw_only=True)
    stimuli: tuple[str, ...] = field(default=(), kw_only=True)
    gates: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    start: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    begin: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    end: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    average: str = field(default="", kw_only=True)
    restore: bool = field(default=False, kw_only=True)
    paired: bool = field(default=False, kw_only=True)
    spiking: Mapping[str, Any] | None = field(default_factory=dict, kw_only=True)

    @property
    def spiking_gates(self) -> Mapping[str, Any]:
        """The gates of the spiking variant where they differ."""
        return (self.spiking or {}).get("gates", {})

    @property
    def random(self) -> bool:
        """Whether it draws random start values."""
        return any(_RANDOM.search(text) for text in self.start.values())

    @property
    def fresh(self) -> bool:
        """Whether variables begin with other values every time."""
        return not self.paired and self.random


@dataclass(frozen=True)
class Each:
    """Run phases once for every item.

    Parameters
    ----------
    phases : str or tuple of str
        Run in this order for one item before the next item comes.
    items : str, int, (str or int, str or int), or None
        How many items, 0 to n - 1; or the first item and the one behind the last, ``("epoch - 1", "epoch")``, as in
        Python's ``range``. Numbers, or texts over parameters and ``epoch``, the number of the repetition of the
        enclosing `Repeat`, from 1: ``"epoch"`` tests all items that the epochs so far have brought, one each. In epochs
        in which a range is empty nothing runs. None stands for ``"M"`` in a model that has such a parameter, and for 1
        in others.
    order : {"random", "fixed", "drawn"}
        A fresh permutation every time; in ascending order; or each item drawn anew from all of the range, so that some
        come often and others never.
    draws : str or int, optional
        How many are drawn, with ``order="drawn"``, a number or text as for `items`; as many as there are items when not
        given. From an empty range none are drawn.
    repeats : str or int
        How often each item comes in a row (with a start of its own each time), a number or text as for `items`.
    epochs : str, tuple of int, or None
        Run only in these repetitions (counted from 1) of the enclosing `Repeat`, or the parameter that holds them.
    """

    phases: str | tuple[str, ...]
    items: str | int | tuple[str | int, str | int] | None = field(default=None, kw_only=True)
    order: str = field(default="fixed", kw_only=True)
    draws: str | int | None = field(default=None, kw_only=True)
    repeats: str | int = field(default=1, kw_only=True)
    epochs: str | tuple[int, ...] | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Repeat:
    """Run the `body` `times` times: an epoch each. Weights can be recorded after every epoch.

    Parameters
    ----------
    times : str or int
        The largest number of epochs: a number or a parameter.
    body : tuple of Each
    until : str
        Condition over observables and parameters, read when an epoch ends; where it holds, the epochs that are left
        are passed over, and what follows in the schedule comes next. Observables are then as results hold them for the
        last step of the epoch, after the phase's `end` statements. `Result.repeats` tells how many epochs ran.
    must_end : bool
        Whether running all epochs before `until` holds is an error.
    """

    times: str | int
    body: tuple[Each, ...]
    until: str = field(default="", kw_only=True)
    must_end: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Protocol:
    """The phases of an experiment and the order in which they come.

    One of several in a model, ``MemoryModel(protocols={"wake": Protocol(...)})``, has its `name` from there. `whole` is
    no field for users: what one variant runs holds the protocol as written there.
    """

    phases: tuple[Phase, ...]
    schedule: tuple[Each | Repeat, ...]
    name: str = field(default="", kw_only=True)
    whole: Protocol | None = field(default=None, kw_only=True, repr=False, compare=False)

    @property
    def drawn(self) -> Protocol:
        """The protocol as written, of which one variant may run a part: random numbers belong to its places."""
        return self.whole or self

    def phase(self, name: str) -> Phase:
        """Return the phase called `name`."""
        return next(phase for phase in self.phases if phase.name == name)

    @property
    def gates(self) -> tuple[str, ...]:
        """Names of all gates of either variant, in the order of their first mention."""
        phases = (*self.phases, *self.drawn.phases)
        return tuple(dict.fromkeys(gate for phase in phases for gate in (*phase.gates, *phase.spiking_gates)))

    @property
    def loops(self) -> tuple[Repeat, ...]:
        """The repetitions that a condition may cut short, in the order of the schedule."""
        return tuple(entry for entry in self.schedule if isinstance(entry, Repeat) and entry.until)

    @property
    def conditions(self) -> str:
        """All conditions that end phases or repetitions, in one text."""
        return " ".join(item.until for item in (*self.phases, *self.loops))


@dataclass(frozen=True)
class Recalled:
    """When a memory counts as recalled. Tables, figures, comparisons and claims take it from the model.

    ``Recalled(phase="recall", target="target", score="overlap", threshold=0.85, spiking={"score": "pearson"})``

    Parameters
    ----------
    phase : str
        The phase that tests. Its rates, averaged as `Phase` says, are scored.
    target : str
        The pattern or stimulus recalled, without frames. A test is scored against the row of its item; the rates are
        those of its population.
    score : {"overlap", "pearson", "dice"}
        The mean over units of rate times target, which grows with the amplitude of the rates; Pearson's correlation
        over units, which ignores their amplitude and mean; or, for binary states, the Dice similarity of the units
        that are active with those of the target that are above 0, ``2|A & B|/(|A| + |B|)``.
    threshold : float
        A test succeeds when its score exceeds it; that of an overlap has the base SI unit of rate times target.
    repeats : {"each", "mean"}
        How several tests of an item in one epoch (random starts) count: each for itself, so that an item recalled from
        two starts of three counts 2/3; or together, by the mean of their scores. Trials always count as separate runs.
    level : float, optional
        The mean rate above which a unit counts as active, for ``score="dice"`` alone, in the base SI unit of the rate.
        0.5 when not given, which suits states 0 and 1 as well as -1 and 1; rates with a unit need one.
    spiking : mapping of str to value
        The `score`, `threshold`, `repeats` or `level` of the spiking variant where they differ.
    """

    phase: str = field(kw_only=True)
    target: str = field(kw_only=True)
    score: str = field(kw_only=True)
    threshold: float = field(kw_only=True)
    repeats: str = field(default="each", kw_only=True)
    level: float | None = field(default=None, kw_only=True)
    spiking: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def of(self, variant: str) -> dict[str, Any]:
        """Return `phase`, `target`, `score`, `threshold`, `repeats` and a `level` that is given, of one variant."""
        common = {name: getattr(self, name) for name in ("phase", "target", "score", "threshold", "repeats")}
        own = dict(self.spiking) if variant == "spiking" else {}
        level = {"level": self.level} if self.level is not None and own.get("score", self.score) == "dice" else {}
        return common | level | own


@dataclass(frozen=True)
class Limit:
    """A condition on the parameters that the theory sets, and the reason, shown when a run breaks it.

    ``Limit("M < 2*N/(1 + gamma**2)", "fields of row norm 1 exist only below this load")``.
    """

    condition: str
    reason: str


@dataclass(frozen=True)
class Model:
    """The fields of a `MemoryModel`, whose checks and verbs stand above this module."""

    name: str
    parameters: tuple[Parameter, ...] = field(kw_only=True)
    populations: tuple[Population, ...] = field(kw_only=True)
    projections: tuple[Projection, ...] = field(default=(), kw_only=True)
    rules: tuple[LearningRule, ...] = field(default=(), kw_only=True)
    patterns: tuple[Pattern, ...] = field(default=(), kw_only=True)
    stimuli: tuple[Stimulus, ...] = field(default=(), kw_only=True)
    observables: tuple[Observable, ...] = field(default=(), kw_only=True)
    protocol: Protocol = field(default=cast(Protocol, None), kw_only=True)  # or a Phase: the protocol that runs it once
    protocols: Mapping[str, Protocol] = field(default_factory=dict, kw_only=True)
    recalled: Recalled | None = field(default=None, kw_only=True)
    limits: tuple[Limit, ...] = field(default=(), kw_only=True)
    choices: tuple[Choice, ...] = field(default=(), kw_only=True)
    curves: tuple[Curve, ...] = field(default=(), kw_only=True)
    reference: Reference | None = field(default=None, kw_only=True)
    rate_dt: str = field(default="0.1*ms", kw_only=True)
    time_unit: str = field(default="1*second", kw_only=True)
    spiking: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    description: str = field(default="", kw_only=True)
    varied: bool = field(default=False, kw_only=True, repr=False, compare=False)
    chosen: Mapping[str, str] = field(default_factory=dict, kw_only=True, repr=False)
    unused: tuple[str, ...] = field(default=(), kw_only=True, repr=False, compare=False)

    @cached_property
    def forms_made(self) -> dict[Any, Any]:
        """Copies with choices made and one protocol, which take a while to check, by what was chosen."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @property
    def all_patterns(self) -> tuple[Pattern, ...]:
        """The patterns, those that phases show too."""
        return (*self.patterns, *self.stimuli)

    def population(self, name: str) -> Population:
        """Return the population called `name`."""
        return next(item for item in self.populations if item.name == name)

    def projection(self, name: str) -> Projection:
        """Return the projection called `name`."""
        return next(item for item in self.projections if item.name == name)

    def parameter(self, name: str) -> Parameter:
        """Return the parameter called `name`."""
        return next(item for item in self.parameters if item.name == name)
