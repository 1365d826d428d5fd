"""A parameter is refused that only another one reads, whose value is given too."""

from __future__ import annotations

import pytest

from brainmem import Limit, RuleError, get_model
from brainmem.numbers.idle import check_effects


def test_a_parameter_given_in_vain_is_refused_and_names_what_stands_in_its_place():
    model = get_model("ventura2024").with_protocol("hebb")
    with pytest.raises(RuleError, match=r"alpha = 0.5 and P = 4, but only P = 'round\(alpha\*N\)' reads alpha.*one of"):
        check_effects(model, {"alpha": 0.5, "P": 4})
    for given in ({"alpha": 0.5}, {"P": 4}, {"P": 4, "N": 20}, {"alpha": 0.5, "N": 20}, {"P": 4, "m_0": 0.5}):
        check_effects(model, given)


def test_one_that_something_else_reads_too_may_be_given():
    model = get_model("rajan2016")  # n = round(p*N), and equations read n alone
    with pytest.raises(RuleError, match="p would change nothing"):
        check_effects(model, {"p": 0.2, "n": 5})
    check_effects(model, {"N": 50, "n": 5})  # N is the size too
    limited = model.replace(limits=(Limit("p < 1", "a fraction"),))
    with pytest.raises(RuleError, match="p would change nothing"):  # a limit alone is no use
        check_effects(limited, {"p": 0.2, "n": 5})
