"""The model of a paper: its text, checked when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from brainmem.errors import RuleError, quoted
from brainmem.model.card import card
from brainmem.model.checks import check_model
from brainmem.model.checks.recalled import check_named_parts
from brainmem.model.choices import choose
from brainmem.model.combined import Combined, combined, written_out
from brainmem.model.derived import exchanged, varied
from brainmem.model.nouns import Model
from brainmem.model.protocols import with_protocol

__all__ = ["MemoryModel"]


@dataclass(frozen=True)
class MemoryModel(Model):
    """A paper's network, learning rule and protocol, as text. ``print(model)`` shows all of it on one page.

    Every field but `name` is given by keyword. All of the text is checked when the model is made.

    Parameters
    ----------
    name : str
    parameters : tuple of Parameter
    populations : tuple of Population
    projections : tuple of Projection
    rules : tuple of LearningRule
        Those of equal `order` act as listed.
    patterns : tuple of Pattern
        Tables that nobody is shown: what draws, start values and start weights read.
    stimuli : tuple of Stimulus
        Patterns that phases show. Draws read patterns and stimuli, in whichever order these are listed.
    observables : tuple of Observable
    protocol : Protocol or Phase
        A single `Phase` stands for the protocol that runs it once for each item.
    protocols : mapping of str to Protocol or Phase
        Several in place of one, by name; the first is run where none is named, ``simulate(model, protocol="sleep")``
        runs another. All texts may read the gates of each; a run has only what a phase of its protocol opens
        (`with_protocol`). Phases of one name may differ between protocols. `protocol` then holds all of them.
    recalled : Recalled, optional
        When a memory counts as recalled.
    limits : tuple of Limit
        Conditions on the parameters; a run that breaks one is refused.
    choices : tuple of Choice
        Parts of the text in several forms.
    curves : tuple of Curve
        Measured or tabulated functions, which texts call.
    reference : Reference, optional
    rate_dt : str
        Euler step of the rate variant: a parameter, or text with unit of time.
    time_unit : str
        What one unit of the model's time lasts, where the paper gives it none. It is shown, not computed with.
    spiking : mapping of str to number or text
        Values of the spiking parameters (``{"spike_dt": 1*ms}``) that suit this model, and of its own parameters where
        they differ in the spiking variant (``{"T_wake": "0.5*second"}``, of the same unit).
    description : str
        Shown above the model; the docstring of a paper's file.
    varied : bool
        Marks a copy made by `replace`, in which parameters may be left over that only the replaced part used.
    chosen : mapping of str to str
        The choices made, by name.
    unused : tuple of str
        What a copy with one protocol of several, or one that `freeze` made, leaves out: ``"rule hebb"``,
        ``"variable units.u"``; and parameters that nothing in it reads.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocol", written_out(self.protocol, self.parameters))
        if isinstance(self.protocols, Mapping) and isinstance(self.protocol, Combined | None):
            named, one = combined(self.protocols, self.parameters)
            object.__setattr__(self, "protocols", named)
            object.__setattr__(self, "protocol", one if named else None)
        check_model(self)

    def replace(self, *parts: Any, without: str | tuple[str, ...] = (), **fields: Any) -> MemoryModel:
        """Return a copy with other parts, checked again.

        ``model.replace(Stimulus("cue", ...), without="noise_sd", name="other")``. A recall criterion stays as it is
        where the copy leaves out the phase or the pattern that it names.

        Parameters
        ----------
        parts : Parameter, Curve, Population, Projection, LearningRule, Pattern, Stimulus, Observable, Phase, Limit, ...
            Each takes the place of the part of its kind and name, or comes behind the others of its kind.
        without : str or tuple of str
            Names of parts to leave out.
        fields
            Whole fields of the model, ``rules=(...,)``; they are replaced before the parts.

        Raises
        ------
        RuleError
            For a name that the model lacks, or when the copy is no sound model.
        """
        changes = exchanged(self, parts, without, fields)
        copy = replace(self, **{"varied": True, **changes})
        if "recalled" in changes:
            check_named_parts(copy)
        return copy

    def vary(
        self, values: Mapping[str, Any] | None = None, /, *, source: str | None = None, **named: Any
    ) -> MemoryModel:
        """Return a copy in which parameters have other default values: ``model.vary(N=569, p=0.16)``.

        ``simulate(model.vary(**values))`` has the numbers of ``simulate(model, parameters=values)``. Meanings and
        sources stay; ``source="table 1"`` is that of all values given.

        Parameters
        ----------
        values : mapping, optional
            A parameter set, ``{"N": 569, "tau": 20*ms}``; names given one by one come on top.
        source : str, optional
        named
            Numbers with unit, texts over other parameters, options of choices, spiking parameters. A parameter so given
            has this value in both variants.

        Raises
        ------
        RuleError
            For a parameter that the model lacks, several values, another unit, or text that does not evaluate.
        """
        if not isinstance(values, Mapping | None):
            raise RuleError(f"Model {self.name!r}, vary(): {quoted(values)} must be a mapping, such as {{'N': 100}}.")
        return replace(self, **varied(self, {**(values or {}), **named}, source))

    def choose(self, **options: str) -> MemoryModel:
        """Return a copy with every `Choice` made: the options given (``error_on="rate"``), else the defaults.

        Raises
        ------
        RuleError
            For a choice or an option that does not exist.
        """
        return choose(self, **options)

    def with_protocol(self, name: str | None = None) -> MemoryModel:
        """Return a copy that has one of the model's protocols alone, the first when not given.

        Gates and stimuli that are 0 in all of its phases are 0 in the texts, and what these multiply is gone from
        them. Rules that never act, and sums, variables of synapses and projections that only such rules and texts read,
        are left out, with observables that served these alone; states, patterns, other observables and parameters stay.
        Choices that are open take their defaults.

        Raises
        ------
        RuleError
            For a protocol that the model does not have.
        """
        return with_protocol(self, name)

    def __str__(self) -> str:
        return card(self)
