"""The registry: the folder is the list of models."""

from __future__ import annotations

import pytest

import brainmem.models
from brainmem import Claim, MemoryModel, ModelNotFoundError, RuleError
from brainmem.models import get_claims, get_model, list_models, list_tasks
from tests.support.tiny import MODELS

MODEL = """
from brian2 import ms

from brainmem import MemoryModel, Parameter, Phase, Population, Protocol, Each

model = MemoryModel(
    "decay",
    parameters=(Parameter("N", {size}), Parameter("M", 1), Parameter("tau", 10 * ms)),
    populations=(Population("units", "dx/dt = -x/tau : 1", size="N", initial={{"x": "uniform(0, 1)"}}),),
    protocol=Protocol(phases=(Phase("wait", duration="2*tau"),), schedule=(Each("wait", items="M"),)),
    rate_dt="0.1*tau",
)
"""
CLAIMS = """
from brainmem import Claim

from .model import model

claims = (Claim("C1", f"The units of {model.name} decay", experiment=lambda experiment: ()),)
"""


@pytest.fixture
def folder(tmp_path):
    """The folder of a model outside the registry."""
    folder = tmp_path / "decay"
    folder.mkdir()
    (folder / "model.py").write_text(MODEL.format(size=5))
    return folder


def test_every_folder_with_a_model_file_is_listed_in_alphabetical_order():
    assert "kurikawa2020" in list_models()
    assert list(list_models()) == sorted(list_models())


def test_a_folder_without_a_model_file_is_not_listed(tmp_path, monkeypatch):
    (tmp_path / "notes").mkdir()
    (tmp_path / "sixth2024").mkdir()
    (tmp_path / "sixth2024" / "model.py").write_text(MODEL.format(size=3))
    monkeypatch.setattr(brainmem.models, "__path__", [*brainmem.models.__path__, str(tmp_path)])
    assert "notes" not in list_models()
    assert "sixth2024" in list_models()
    assert get_model("sixth2024").parameter("N").value == 3


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_found_by_its_name_and_has_a_reference_and_sources(name):
    model = get_model(name)
    assert isinstance(model, MemoryModel)
    assert model.name == name.replace("/", "_")
    assert model.reference is not None
    assert "/" in name or str(model.reference.year) in name  # a further task may be of another paper
    assert all(item.meaning and item.source for item in model.parameters)


@pytest.mark.parametrize("name", list_models())
def test_claims_have_distinct_keys_and_statements(name):
    claims = get_claims(name)
    assert all(isinstance(claim, Claim) and claim.statement for claim in claims)
    assert len({claim.key for claim in claims}) == len(claims)


def test_a_model_asked_for_twice_is_the_same_value():
    assert get_model("kurikawa2020") is get_model("kurikawa2020")


def test_an_unknown_name_gets_the_nearest_name_and_the_list():
    with pytest.raises(ModelNotFoundError, match=r"'kurikawa2002'\. Did you mean 'kurikawa2020'\? Models: .*kurikawa"):
        get_model("kurikawa2002")


@pytest.mark.parametrize("name", ["", ".", "__init__", "kurikawa2020.model", "../brainmem"])
def test_a_name_that_is_no_folder_with_a_model_is_refused(name):
    with pytest.raises(ModelNotFoundError, match="folder"):
        get_model(name)


def test_a_folder_of_your_own_is_a_model(folder):
    assert get_model(folder).name == "decay"
    assert get_model(str(folder)).parameter("N").value == 5


def test_a_changed_model_file_is_read_anew(folder):
    assert get_model(folder).parameter("N").value == 5
    (folder / "model.py").write_text(MODEL.format(size=1234))
    assert get_model(folder).parameter("N").value == 1234


def test_claims_beside_a_model_of_your_own_may_import_it(folder):
    assert get_claims(folder) == ()
    (folder / "claims.py").write_text(CLAIMS)
    assert [claim.statement for claim in get_claims(folder)] == ["The units of decay decay"]


def test_the_path_of_the_model_file_itself_is_answered_with_its_folder(folder):
    with pytest.raises(ModelNotFoundError, match=r"model\.py' is a file, give its folder '.*decay'"):
        get_model(folder / "model.py")


@pytest.mark.parametrize(("text", "found"), [("x = 1", "does not"), ("model = 3", "defines it as int")])
def test_a_model_file_that_defines_no_model_is_named(folder, text, found):
    (folder / "model.py").write_text(text)
    with pytest.raises(RuleError, match=rf"decay/model\.py must define 'model = MemoryModel\(\.\.\.\)' and {found}"):
        get_model(folder)


def test_an_error_in_a_model_file_keeps_its_own_message(folder):
    (folder / "model.py").write_text("import a_package_that_is_not_there")
    with pytest.raises(ModuleNotFoundError, match="a_package_that_is_not_there"):
        get_model(folder)


def test_a_further_task_of_a_paper_is_a_file_beside_its_model(folder):
    assert get_model("rajan2016/choice").name == "rajan2016_choice"
    assert list_tasks("rajan2016") == ("rajan2016/choice", "rajan2016/feedback", "rajan2016/regions")
    assert list_tasks("kurikawa2020") == ()
    assert get_claims("rajan2016/choice") == ()
    (folder / "larger.py").write_text(MODEL.format(size=9))
    assert get_model(f"{folder}/larger").parameter("N").value == 9
    with pytest.raises(ModelNotFoundError, match="Did you mean 'rajan2016/choice'"):
        get_model("rajan2016/choise")
    with pytest.raises(ModelNotFoundError):
        get_model("rajan2016/claims")
