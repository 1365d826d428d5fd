"""Refuse a model whose text is wrong, at the moment it is made.

Every check raises a `RuleError` that names the model, the object and the line, lists what is allowed and suggests
the nearest name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainmem.checks.choices import check_choices
from brainmem.checks.names import check_names
from brainmem.checks.neurons import check_populations
from brainmem.checks.protocols import check_observables, check_protocol
from brainmem.checks.recalled import check_recalled
from brainmem.checks.rules import check_rules
from brainmem.checks.sequential import check_sequential
from brainmem.checks.structure import check_structure
from brainmem.checks.synapses import check_projections
from brainmem.checks.text import ModelText, read_model
from brainmem.checks.use import check_use
from brainmem.checks.values import check_values

if TYPE_CHECKING:
    from brainmem.spec import MemoryModel

__all__ = ["check_model"]


def check_model(model: MemoryModel) -> None:
    """Raise a `RuleError` for the first thing that is wrong with a model.

    Unused parameters and variables never set are reported for a model as first declared, not for a copy that
    `MemoryModel.replace` made: there a part of the model has been left out on purpose.
    """
    if model.choices:
        check_choices(model)
        return
    check_structure(model)  # kinds of fields, references by name
    text: ModelText = read_model(model)  # syntax of equations, values and units of parameters
    check_names(text)
    check_populations(text)
    check_projections(text)
    check_sequential(text)
    check_rules(text)
    check_observables(text)
    check_protocol(text)
    check_values(text)  # draws, sizes, bounds, limits
    if not model.varied:
        check_use(text)
    check_recalled(text)
