"""Refuse a model whose text is wrong, at the moment it is made.

Every check notes a `RuleError` that names the model, the object and the line, lists what is allowed and suggests the
nearest name. They are told together, without those that only follow from others; see `Findings`.
"""

from __future__ import annotations

from brainmem.model.checks.allowed import check_allowed
from brainmem.model.checks.choices import check_choices
from brainmem.model.checks.constants import note_constants
from brainmem.model.checks.drawn import check_drawn
from brainmem.model.checks.evaluated import check_evaluated
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.names import check_names
from brainmem.model.checks.neurons import check_populations
from brainmem.model.checks.protocols import check_observables, check_protocol
from brainmem.model.checks.ranked import check_ranked
from brainmem.model.checks.reading import read_model
from brainmem.model.checks.recalled import check_recalled
from brainmem.model.checks.recorded import check_recorded
from brainmem.model.checks.rules import check_rules
from brainmem.model.checks.sequential import check_sequential
from brainmem.model.checks.structure import check_fields, check_references
from brainmem.model.checks.synapses import check_projections
from brainmem.model.checks.use import check_use
from brainmem.model.checks.values import check_values
from brainmem.model.checks.variants import check_variants
from brainmem.model.nouns import Model

__all__ = ["check_model"]

CHECKS = (
    check_names,
    check_recorded,
    check_populations,
    check_projections,
    check_sequential,
    check_rules,
    check_observables,
    check_evaluated,
    check_protocol,
    check_ranked,
    check_values,  # times, sizes, gates, limits
    check_allowed,  # start values
    check_drawn,  # patterns, stimuli, start values, start weights
    check_recalled,
)


def check_model(model: Model) -> None:
    """Raise a `RuleError` for all that is wrong with a model.

    Unused parameters and variables never set are reported for a model as first declared, not for a copy that
    `MemoryModel.replace` made: there a part of the model has been left out on purpose.
    """
    found = Findings()
    sound = check_fields(model, found)  # kinds of fields
    if model.choices:
        found.close(f"Model {model.name!r}")
        check_choices(model, found)
    else:
        check_variants(check_references(model, sound, found), found, _check_form)
    found.close(f"Model {model.name!r}")


def _check_form(model: Model, found: Findings, whole: Model) -> None:
    """Note all that is wrong with the texts of a model whose parts refer to each other as they should.

    It is what one variant runs of the model written as `whole`.
    """
    text = read_model(model, found)  # syntax of equations, values and units of parameters
    for check in CHECKS:
        check(text)
    note_constants(model, text.values, found)
    if not (found or model.varied):
        check_use(text, whole)
