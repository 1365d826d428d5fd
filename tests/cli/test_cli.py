"""The command line: what it prints, how it reads options, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import brainmem
import brainmem.simulation.simulate
from brainmem import BrainmemError, Result
from brainmem.cli import app
from brainmem.cli.inventory import inventory
from brainmem.cli.options import check_writable, pairs, parse_value, settings
from brainmem.cli.tuning import space_of
from brainmem.translation import translate
from tests.support import synthetic

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"N": "20", "M": "2", "epochs": "1", "test_epochs": "(1,)", "starts": "1"}
TINY = [*(word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")), "--device", "runtime"]


def run(*arguments: str):
    """Run a command in this process; an unexpected exception fails the test."""
    outcome = CliRunner().invoke(app, list(arguments))
    if outcome.exception is not None and not isinstance(outcome.exception, SystemExit):
        raise outcome.exception
    return outcome


@pytest.fixture
def spied(monkeypatch):
    """Replace `simulate` by a stand-in that notes its arguments and returns a made-up result."""
    calls = []

    def simulate(model, variant="rate", *, progress=None, **options):
        calls.append({"model": model.name, "variant": variant, **options})
        progress(0.5)
        warnings = '["the curve was extrapolated"]' if variant == "spiking" else ""
        return synthetic.result(variant=variant, seed=options["seed"], warnings=warnings)

    monkeypatch.setattr(brainmem, "simulate", simulate)
    return calls


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20", 20),
        ("1e-4", 1e-4),
        ("-2.5", -2.5),
        ("1, 2, 5", (1, 2, 5)),
        ("(1,)", (1,)),
        ("30*ms", "30*ms"),
        ("30 ms", "30*ms"),
        ("1.5e-3 second", "1.5e-3*second"),
        ("0.03/N", "0.03/N"),
        ("1e6", 1e6),
        ("1E6", 1e6),
        ("2e1", 20.0),
        ("1.e3", 1000.0),
        ("-1e-3", -1e-3),
        ("1_000", 1000),
        ("1e1_0", 1e10),
        ("1e0, 1e1", (1.0, 10.0)),
        ("30ms", "30*ms"),
        ("1e3ms", "1e3*ms"),
        ("2e1 Hz", "2e1*Hz"),
        ("-.5mV", "-.5*mV"),
        ("5e-1*ms", "5e-1*ms"),
    ],
)
def test_a_setting_is_a_number_a_tuple_or_an_expression(text, value):
    read = parse_value(text, "tau")
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "True",
        "'a'",
        "[1, 2]",
        "{}",
        "1, 'a'",
        "1 +",
        "30 * * ms",
        "import os",
        ",",
        "1,,2",
        "5e",
        "1.2.3ms",
        "(1",
        "(" * 999,
    ],
)
def test_a_setting_that_is_neither_is_refused_by_name(text):
    with pytest.raises(BrainmemError, match="--set tau="):
        parse_value(text, "tau")


@pytest.mark.parametrize("text", ["eps", "=3", "eps=", "3=4", "a b=1"])
def test_a_pair_without_name_or_value_shows_how_to_write_it(text):
    with pytest.raises(BrainmemError, match=r"--set name=value, for example --set eps=1e-4"):
        settings([text])


def test_a_value_may_hold_an_equals_sign_and_a_name_only_one_value():
    assert pairs(["cue=a=b.npy"], "--input") == {"cue": "a=b.npy"}
    with pytest.raises(BrainmemError, match="'eps' is given twice"):
        settings(["eps=1", "eps=2"])


def test_an_output_file_is_checked_and_its_folder_made_before_the_run(tmp_path):
    assert check_writable(tmp_path / "new" / "run.nc").parent.is_dir()
    with pytest.raises(BrainmemError, match="is a folder"):
        check_writable(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BrainmemError, match="A part of the path is a file"):
        check_writable(tmp_path / "file" / "run.nc")


def test_help_lists_every_command_without_loading_brian2():
    code = "import sys; sys.modules['brian2'] = None; from brainmem.cli import app; app(['--help'])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    for name in ("list", "show", "explain", "run", "compare", "reproduce", "status", "doctor", "cache", "demo"):
        assert f" {name} " in done.stdout


def test_the_version_is_the_packages():
    assert run("--version").stdout.strip() == f"brainmem {brainmem.__version__}"


def test_list_gives_each_model_with_its_paper():
    [line] = [line for line in run("list").stdout.splitlines() if line.startswith("kurikawa2020")]
    assert "Kurikawa" in line
    assert "(2020)" in line


def test_further_tasks_of_a_paper_are_listed_and_shown():
    assert "rajan2016/choice" in run("list").stdout
    text = run("show", "rajan2016/choice").stdout
    assert "delayed two-choice task" in text
    assert "n_left" in text


def test_list_keeps_the_other_models_when_one_is_broken(tmp_path, monkeypatch):
    import brainmem.models

    (tmp_path / "broken2024").mkdir()
    (tmp_path / "broken2024" / "model.py").write_text("import a_package_that_is_not_there")
    monkeypatch.setattr(brainmem.models, "__path__", [*brainmem.models.__path__, str(tmp_path)])
    text = run("list").stdout
    for part in ("cannot be read: No module named", "'a_package_that_is_not_there'"):
        assert part in text
    assert "Kurikawa" in text


def test_show_prints_every_parameter_with_its_source_and_every_rule():
    text = run("show", "kurikawa2020").stdout
    model = brainmem.get_model("kurikawa2020")
    for parameter in model.parameters:
        assert parameter.meaning in text
    for rule in model.rules:
        assert rule.text in text
    assert "reconstruction" in text


@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_show_with_a_variant_prints_a_script_that_python_can_read(variant):
    text = run("show", "kurikawa2020", "--variant", variant).stdout
    compile(text, "script", "exec")
    assert text.strip() == str(translate(brainmem.get_model("kurikawa2020"), variant)).strip()


def test_explain_prints_the_schedule_of_the_variant():
    text = run("explain", "kurikawa2020", "--variant", "rate").stdout
    assert "kurikawa2020, rate variant" in text
    assert "advance x" in text


def test_an_unknown_model_is_one_sentence_and_exit_code_1():
    outcome = run("show", "kurikawa2002")
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith("There is no model 'kurikawa2002'. Did you mean 'kurikawa2020'?")
    assert outcome.stdout == ""


def test_brackets_in_an_error_are_printed_as_they_are(monkeypatch):
    def fail(*given, **options):
        raise BrainmemError("[red]weights [post, pre][/]")

    monkeypatch.setattr(brainmem, "explain", fail)
    outcome = run("explain", "kurikawa2020")
    assert outcome.exit_code == 1
    assert outcome.stderr.splitlines()[-1] == "[red]weights [post, pre][/]"


def test_explain_goes_on_to_the_terms_when_asked():
    short = run("explain", "kurikawa2020", "--no-measure")
    assert "rule 'delta': unbiased in the mean" in " ".join(short.stdout.split())
    assert "How each term of a rule is read" not in short.stdout
    assert not short.stderr
    assert "How each term of a rule is read" in run("explain", "kurikawa2020", "--no-measure", "--details").stdout


@pytest.mark.parametrize("passed", [True, False])
def test_verify_prints_the_table_and_exits_with_1_where_spikes_are_not_as_expected(monkeypatch, tmp_path, passed):
    given = {}

    def verify(model, variant, **options):
        given.update(options, model=model, variant=variant)
        table = SimpleNamespace(to_csv=lambda path, **options: Path(path).write_text("rule,along"))
        return SimpleNamespace(passed=passed, to_dataframe=lambda: table)

    monkeypatch.setattr(brainmem, "verify", verify)
    path = tmp_path / "drifts.csv"
    options = ("--seeds", "3,5", "--cells", "4", "--learned", "--neuron", "poisson", "--items", "0")
    outcome = run("verify", "kurikawa2020", *options, "--set", "M=5", "--output", str(path))
    assert outcome.exit_code == (0 if passed else 1)
    assert path.read_text() == "rule,along"
    assert given["seeds"] == [3, 5]
    assert given["cells_per_unit"] == (4,)
    assert (given["weights"], given["variant"].neuron, given["items"]) == ("learned", "poisson", None)
    assert given["parameters"] == {"M": 5}


def test_ctrl_c_ends_with_130_and_a_sentence(monkeypatch):
    def stop(*given, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(brainmem, "explain", stop)
    outcome = run("explain", "kurikawa2020")
    assert outcome.exit_code == 130
    assert "Stopped by Ctrl+C" in outcome.stderr


def test_an_error_that_is_not_brainmems_keeps_its_traceback(monkeypatch):
    def fail(*given, **options):
        raise ZeroDivisionError

    monkeypatch.setattr(brainmem, "explain", fail)
    with pytest.raises(ZeroDivisionError):
        run("explain", "kurikawa2020")


def test_run_passes_its_options_on_and_saves_the_result(spied, tmp_path):
    path = tmp_path / "new" / "run.nc"
    options = ["--variant", "spiking", "--seed", "7", "--set", "eps=1e-4", "--set", "tau=30 ms", "--input", "cue=c.npy"]
    outcome = run("run", "kurikawa2020", *options, "--device", "runtime:cython", "--output", str(path))
    assert outcome.exit_code == 0, outcome.output
    [call] = spied
    assert call["parameters"] == {"eps": 1e-4, "tau": "30*ms"}
    assert call["inputs"] == {"cue": "c.npy"}
    assert (call["model"], call["variant"], call["seed"]) == ("kurikawa2020", "spiking", 7)
    assert call["device"] == brainmem.Device("runtime", target="cython")
    assert Result.load(path).seed == 7
    assert "  warning: the curve was extrapolated" in outcome.stdout.splitlines()
    assert "  recalled after epoch 2: 0.50 (Pearson r > 0.9)" in outcome.stdout.splitlines()
    assert "<html" in path.with_suffix(".html").read_text()


def test_run_without_an_output_saves_in_the_current_folder(spied, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Saved kurikawa2020-rate-seed2.nc" in run("run", "kurikawa2020", "--seed", "2").stdout
    assert Result.load(tmp_path / "kurikawa2020-rate-seed2.nc").seed == 2


def test_a_wrong_device_ends_before_anything_runs(spied):
    outcome = run("run", "kurikawa2020", "--device", "cpp_standalon")
    assert outcome.exit_code == 1
    assert "Did you mean 'cpp_standalone'?" in outcome.stderr
    assert spied == []


def test_compare_runs_both_variants_from_each_seed_and_keeps_results_and_report(spied, tmp_path):
    outcome = run("compare", "kurikawa2020", "--seeds", "2", "--output", str(tmp_path))
    assert outcome.exit_code == 0, outcome.output
    assert [(call["variant"], call["seed"]) for call in spied] == [(v, s) for v in ("rate", "spiking") for s in (0, 1)]
    assert len(list(tmp_path.glob("*.nc"))) == 4
    assert "<html" in (tmp_path / "report.html").read_text()
    assert "Pearson" in outcome.stdout
    assert "recalled: overlap > 0.85 (rate), Pearson r > 0.9 (spiking)" in outcome.stdout.splitlines()
    assert "note: spiking: the curve was extrapolated (seeds 0, 1)" in outcome.stdout.splitlines()


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_reproduce_exits_with_1_when_a_claim_fails(monkeypatch, passed, code):
    from brainmem.study.reproduction import Reproduction

    seen = {}
    outcome = {"value": 0.9, "sd": 0.1, "n": 3, "passed": passed, "values": [], "expected_low": 0, "expected_high": 1}
    row = {"key": "C1", "statement": "s", "quantity": "q", "paper": "", "expected_low": 0, "expected_high": 1}

    def reproduce(key, **options):
        seen.update(key=key, **options)
        return Reproduction(key, options["size"], ({**row, "rate": outcome},))

    monkeypatch.setattr(brainmem, "reproduce", reproduce)
    ended = run("reproduce", "kurikawa2020", "--claim", "C1", "--variant", "rate")
    assert ended.exit_code == code
    assert "C1" in ended.stdout
    assert (seen["claims"], seen["variant"], seen["size"]) == (("C1",), "rate", "quick")


def test_status_tells_complete_early_ended_damaged_foreign_and_unfinished_files_apart(tmp_path):
    import xarray as xr

    synthetic.result(seed=4).save(tmp_path / "a.nc")
    early = synthetic.result(variant="spiking", seed=5)
    Result(early.data.assign_attrs(complete=0)).save(tmp_path / "b.nc")
    (tmp_path / "c.nc").write_bytes((tmp_path / "a.nc").read_bytes()[:300])
    xr.Dataset({"x": ("i", np.arange(3))}).to_netcdf(tmp_path / "d.nc", engine="netcdf4")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".e.nc.0123456789ab.tmp").touch()
    os.utime(tmp_path / "a.nc", (time.time() - 7300, time.time() - 7300))
    rows = {row[0]: row for row in inventory(tmp_path)}
    assert rows["a.nc"][1:] == (early.model, "rate", "4", "complete", "2 h")
    assert rows["b.nc"][2:5] == ("spiking", "5", "ended early")
    assert rows["c.nc"][4].startswith("damaged")
    assert rows["d.nc"][4] == "no brainmem result"
    assert rows[os.path.join("sub", "e.nc")][4].startswith("unfinished")
    text = run("status", str(tmp_path)).stdout
    assert all(name in text for name in rows)


def test_status_of_an_empty_and_of_a_missing_folder(tmp_path):
    assert "No result files" in run("status", str(tmp_path)).stdout
    assert run("status", str(tmp_path / "none")).exit_code == 1


def test_the_cache_tells_its_folder_and_is_cleared(own_cache):
    assert str(own_cache) in run("cache", "info").stdout.replace("\n", "")
    assert run("cache", "clear").stdout.strip() == "Removed 0 programs"


def test_doctor_names_the_compiler_and_every_device():
    text = run("doctor").stdout
    for name in ("python", "brian2", "compiler", "device runtime", "device cpp_standalone", "cache"):
        assert name in text


@pytest.mark.slow
def test_a_run_from_a_shell_saves_what_simulate_returns(tmp_path):
    path = tmp_path / "run.nc"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "brainmem", "run", "kurikawa2020", *TINY, "--set", "tau=20 ms", "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    parameters = {**SMALL, "tau": "20*ms"}
    wanted = brainmem.simulate("kurikawa2020", parameters=parameters, device="runtime")
    found = Result.load(path)
    np.testing.assert_array_equal(found.recurrent_w, wanted.recurrent_w)
    np.testing.assert_array_equal(found.overlap, wanted.overlap)
    assert "recalled after epoch 1" in done.stdout


def test_an_unknown_parameter_is_refused_by_name(tmp_path):
    outcome = run("run", "kurikawa2020", *TINY, "--set", "taux=3", "--output", str(tmp_path / "run.nc"))
    assert outcome.exit_code == 1
    assert "taux" in outcome.stderr


def test_a_tuning_from_the_command_line_prints_what_was_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "tuned_by.py").write_text("def small(result):\n    return -result.parameter('eps')\n")
    given = [
        "--space",
        "eps=0.001:0.01:log",
        "--space",
        "N=20,30",
        "--set",
        "M=2",
        "--set",
        "epochs=1",
        "--budget",
        "1",
    ]
    given += ["--set", "test_epochs=(1,)", "--device", "runtime", "--jobs", "1"]
    outcome = run("tune", "kurikawa2020", "--objective", "tuned_by:small", *given, "--seeds", "7,")
    assert outcome.exit_code == 0, outcome.stdout
    assert "tuned: differential evolution, 1 evaluation, seed 7" in outcome.stdout
    assert brainmem.Tuned.load(tmp_path / "kurikawa2020-rate-tuned").about["objective"] == "small"
    for text in ("tuned_by", "tuned_by:none", "no.such:f"):
        assert f"--objective '{text}'" in run("tune", "kurikawa2020", "--objective", text, *given).stderr


def test_a_space_is_read_from_bounds_and_lists():
    read = space_of(["eta=1e-3:1:log", "tau=5 ms:50 ms", "rule=hebb,delta"])
    assert read == {"eta": (0.001, 1, "log"), "tau": ("5*ms", "50*ms"), "rule": ["hebb", "delta"]}
    with pytest.raises(BrainmemError, match="--space name=value, for example --space eta=1e-3:1:log"):
        space_of(["eta"])
