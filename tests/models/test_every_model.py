"""Every model that is found in a folder, in both variants and on both devices, at a tiny size."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from brainmem import Device, Each, Protocol, Result, TranslationError, explain, get_model, simulate, translate
from brainmem.model.by_variant import of_variant
from tests.support.tiny import MODELS, form, forms, tiny

VARIANTS = ("rate", "spiking")
DEVICES = {"runtime": Device("runtime", target="numpy"), "cpp_standalone": Device()}
NOISE = re.compile(r"\bxi(_\w+)?\b|\b(rand|randn|poisson|binomial)\(")
SEED = 3

MODEL = pytest.mark.parametrize("name", forms())
VARIANT = pytest.mark.parametrize("variant", VARIANTS)
FULL = pytest.mark.full
SLOW = pytest.mark.slow


def networks(*, spiking: Any = ()) -> list[Any]:
    """Return the pairs of variant and model. Further models of a paper run in spikes under full."""
    cases = [("rate", case, ()) for case in forms()] + [("spiking", case, spiking) for case in forms(tasks=FULL)]
    return [pytest.param(kind, *case.values, marks=(*case.marks, *marks)) for kind, case, marks in cases]


NETWORK = pytest.mark.parametrize(("variant", "name"), networks())
NETWORK_ON_BOTH = pytest.mark.parametrize(("variant", "name"), networks(spiking=[SLOW]))  # cells in Python are slow
RUN = pytest.mark.parametrize(
    ("device", "variant", "name"),
    [pytest.param(device, *case.values, marks=case.marks) for device in DEVICES
     for case in networks(spiking=[SLOW] if device == "runtime" else [])],
)  # fmt: skip


@cache
def run(name: str, variant: str, device: str) -> Result:
    return simulate(tiny(form(name)), variant, seed=SEED, device=DEVICES[device], record=recorded(name, variant))


def recorded(name: str, variant: str) -> tuple[str, ...]:
    return ("weights", *rates(name), *(("spikes",) if variant == "spiking" else ()))


def rates(name: str) -> list[str]:
    return [f"{item.name}.{item.rate}" for item in form(name).populations if item.rate]


def numbers(result: Result) -> dict[str, np.ndarray]:
    return {str(name): item.values for name, item in result.data.items() if item.dtype.kind == "f"}


def without_noise(name: str, variant: str) -> bool:
    translated = translate(form(name), variant)
    return not any(NOISE.search(item.equations) for item in (*translated.groups, *translated.connections))


@RUN
def test_a_model_runs_to_the_end_of_its_protocol_with_finite_numbers(name, variant, device):
    result = run(name, variant, device)
    assert result.complete
    phases = of_variant(form(name), variant).protocol.phases
    assert {phase.name for phase in phases} == set(result.step_phase.values.tolist())
    during = {item.name: item.during for item in form(name).observables if item.during}  # NaN in other phases
    held = result.data.get("step_fulfilled")  # NaN in phases without a condition
    early = np.zeros(result.data.sizes["step"], bool) if held is None else held.values == 1
    for key, values in numbers(result).items():  # a step that ends early has no average
        checked = values[~early] if key.startswith("mean_") else values
        if key in during:
            checked = values[np.isin(result.step_phase.values, during[key])]
        assert np.isfinite(checked).all() or key == "step_fulfilled", key
    assert result.data.attrs["device"].startswith(device)


@RUN
def test_rates_differ_and_rules_change_their_weights_and_no_others(name, variant, device):
    result, model = run(name, variant, device), form(name)
    means = {str(key): values for key, values in numbers(result).items() if key.startswith("mean_")}
    assert means
    for values in means.values():
        assert np.nanstd(values) > 1e-3  # units differ, or change
    weights = {str(key): item.values for key, item in result.data.items() if item.dims[:1] == ("epoch",)}
    changed = {key for key, values in weights.items() if not np.array_equal(values[0], values[-1])}
    taught = {f"{rule.projection}_" for rule in model.rules}
    assert {key for key in weights if any(map(key.startswith, taught))} == changed


@RUN
def test_what_is_asked_for_is_recorded_and_nothing_else(name, variant, device):
    data = run(name, variant, device).data
    in_time = {str(key) for key, item in data.items() if item.dims[:1] == ("time",)}
    assert len(in_time) == len(rates(name))
    assert data.sizes["time"] > 1
    times = [item for key, item in data.items() if str(key).endswith("spike_time")]  # of each population of cells
    assert bool(times) == (variant == "spiking")
    assert all(item.size > 0 for item in times)


@NETWORK_ON_BOTH
def test_both_devices_give_the_same_numbers_or_the_same_mean_rates_where_there_is_noise(name, variant):
    one, other = (run(name, variant, device) for device in DEVICES)
    assert list(one.data) == list(other.data)
    quiet = without_noise(name, variant)
    assert quiet or variant == "spiking"
    for key, values in numbers(one).items():
        if quiet:
            np.testing.assert_allclose(values, numbers(other)[key], rtol=1e-9, atol=1e-11, err_msg=key)
        elif key.startswith("mean_"):
            pair = [array[np.isfinite(array)] for array in (values, numbers(other)[key])]
            error = np.sqrt(sum(item.var() / item.size for item in pair))
            assert abs(pair[0].mean() - pair[1].mean()) < 4 * error, key
    for key in ("step_phase", "step_item", "step_epoch", *(item.name for item in form(name).choose().all_patterns)):
        np.testing.assert_array_equal(one[key].values, other[key].values, err_msg=key)


@pytest.mark.parametrize("name", forms(tasks=FULL))
def test_both_variants_begin_with_the_same_weights_and_patterns(name):
    rate, spiking = (run(name, variant, "cpp_standalone").data for variant in VARIANTS)
    begins = [key for key, item in rate.items() if item.dims[:1] == ("epoch",)]
    assert begins
    for key in begins:
        np.testing.assert_array_equal(rate[key].values[0], spiking[key].values[0], err_msg=str(key))


@pytest.mark.slow
@pytest.mark.parametrize("name", forms(tasks=FULL))
@pytest.mark.parametrize("variant", ["rate", pytest.param("spiking", marks=FULL)])
def test_a_phase_that_is_a_protocol_of_its_own_gives_the_numbers_that_it_has_with_all_of_the_text(name, variant):
    model = tiny(form(name))
    for phase in (item for item in model.protocol.phases if not item.fresh):  # fresh starts count along a protocol
        alone = Protocol(model.protocol.phases, (Each(phase.name, items=1),))
        whole = simulate(model.replace(protocol=alone), variant, seed=SEED, device=DEVICES["runtime"])
        several = model.replace(protocols={"usual": model.protocol, "alone": alone})
        folded = simulate(several, variant, seed=SEED, device=DEVICES["runtime"], protocol="alone")
        assert set(folded.data) <= set(whole.data)
        for key in folded.data:
            np.testing.assert_array_equal(folded[str(key)].values, whole[str(key)].values, err_msg=str(key))


@NETWORK
def test_a_result_is_read_back_as_it_was_saved(name, variant, tmp_path):
    result = run(name, variant, "cpp_standalone")
    assert Result.load(result.save(tmp_path / "run.nc")).data.identical(result.data)


@MODEL
@VARIANT
def test_a_model_is_shown_as_a_script_and_explained(name, variant):
    model = form(name)
    text = str(translate(model, variant))
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
    assert {"NeuronGroup", "Synapses", "Network", "network.run"} <= calls, calls
    assert all(f'"{item.name}"' in text or f"'{item.name}'" in text for item in model.projections)
    told = explain(model, variant, measured=False)
    assert told.startswith(f"{model.name}, {variant} variant")
    assert [rule.projection for rule in model.rules if rule.projection not in told] == []


REFUSED = {("deistler2018", "spiking"): {"fisher_top"}}  # options that a variant refuses, with the reason
ALIKE = {("agmon2023", "spiking"): {"moving"}}  # choices that matter only in phases which a variant leaves out


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@VARIANT
def test_every_option_of_a_models_choices_can_be_translated(name, variant):
    model, refused = get_model(name), set()
    for choice in model.choices:
        texts = set()
        for option in choice.options:
            try:
                texts.add(str(translate(model.choose(**{choice.name: option}), variant)))
            except TranslationError:
                refused.add(option)
        alike = choice.name in ALIKE.get((model.name, variant), ())
        assert len(texts) == (1 if alike else len(set(choice.options) - refused))
    assert refused == REFUSED.get((model.name, variant), set())
