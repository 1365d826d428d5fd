"""Results: the schema, the file, and what is said when something is missing."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from brainmem.errors import ResultError
from brainmem.results.result import Result
from brainmem.storage.files import replacing
from tests.support import synthetic

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("module", ["results.result", "measure", "results.comparison", "plot", "study.report"])
def test_analysis_is_imported_without_brian2(module):
    code = f"import sys, brainmem.{module}; sys.exit('brian2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT).returncode == 0


@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_a_saved_result_is_read_back_identical(tmp_path, variant):
    result = synthetic.result(variant, seed=3, traces=True)
    read = Result.load(result.save(tmp_path / "run.nc"))
    assert read.data.equals(result.data)
    assert read.data.attrs == result.data.attrs
    assert {name: v.attrs for name, v in read.data.variables.items()} == {
        name: v.attrs for name, v in result.data.variables.items()
    }
    assert {name: v.dtype.kind.replace("O", "U") for name, v in read.data.variables.items()} == {
        name: v.dtype.kind for name, v in result.data.variables.items()
    }


def test_long_equations_and_empty_spikes_survive_the_file(tmp_path):
    result = synthetic.result("spiking", traces=True, equations="dx/dt = µ\n" * 30_000)
    silent = Result(result.data.isel(spike=[]))
    read = Result.load(silent.save(tmp_path / "silent.nc"))
    assert read.equations == result.equations
    assert read.spike_time.size == 0


def test_variables_are_attributes_and_items():
    result = synthetic.result()
    assert result.overlap is not None
    np.testing.assert_array_equal(result.overlap, result["overlap"])
    assert "overlap" in result
    assert "overlap" in dir(result)
    assert not hasattr(result, "voltage")


def test_attributes_are_typed():
    result = synthetic.result("spiking", seed=4)
    assert (result.model, result.variant, result.seed, result.complete) == (
        "synthetic2024",
        "spiking",
        4,
        True,
    )
    assert result.parameter("gamma") == 0.6
    assert result.parameters["tau"]["unit"] == "s"
    assert result.calibration["units"]["rate_max"] == 80
    assert synthetic.result("rate").calibration == {}
    assert result.recalled == synthetic.CRITERIA["spiking"]
    assert synthetic.result(recalled_by="").recalled == {}
    assert result.warnings == []
    assert synthetic.result(warnings='["cut off"]').warnings == ["cut off"]


def test_an_absent_variable_error_lists_what_was_recorded_and_how_to_record():
    with pytest.raises(ResultError, match=r"no variable 'overlpa'\. Did you mean 'overlap'\?.*mean_x.*record=\("):
        synthetic.result()["overlpa"]
    with pytest.raises(ResultError, match=r"no variable 'v'"):
        _ = synthetic.result().v


def test_an_unknown_parameter_error_lists_the_parameters():
    with pytest.raises(ResultError, match=r"'gama'\. Did you mean 'gamma'\?.*N, M, tau, gamma"):
        synthetic.result().parameter("gama")


def test_a_missing_file_error_names_its_neighbours(tmp_path):
    synthetic.result().save(tmp_path / "run_1.nc")
    with pytest.raises(ResultError, match=r"no result file.*run_1\.nc"):
        Result.load(tmp_path / "run_2.nc")
    with pytest.raises(ResultError, match=r"folder .* does not exist"):
        Result.load(tmp_path / "none" / "run.nc")


def test_saving_into_a_missing_folder_says_so(tmp_path):
    with pytest.raises(ResultError, match=r"does not exist\. Create it"):
        synthetic.result().save(tmp_path / "none" / "run.nc")


def test_files_that_are_no_results_are_refused(tmp_path):
    (tmp_path / "text.nc").write_text("hello")
    with pytest.raises(ResultError, match="not a brainmem result"):
        Result.load(tmp_path / "text.nc")
    synthetic.result().data.drop_attrs().to_netcdf(tmp_path / "bare.nc", engine="netcdf4")
    with pytest.raises(ResultError, match=r"bare\.nc.*lacks the attributes model, variant"):
        Result.load(tmp_path / "bare.nc")


def test_a_truncated_file_is_refused(tmp_path):
    path = synthetic.result().save(tmp_path / "run.nc")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ResultError, match="damaged"):
        Result.load(path)


def test_a_dataset_without_steps_is_incomplete():
    with pytest.raises(ResultError, match="lacks step_item"):
        Result(synthetic.result().data.drop_vars("step_item"))


def test_an_unfinished_run_is_named_when_completeness_is_required():
    result = synthetic.result(complete=0, seed=9)
    assert not result.complete
    with pytest.raises(ResultError, match="seed 9 stopped after"):
        result.require_complete()


def test_selecting_keeps_the_steps_of_a_phase_and_epoch():
    result = synthetic.result()
    kept = result.select(phase="recall", epoch=2)
    assert set(kept.step_phase.values) == {"recall"}
    assert set(kept.step_epoch.values) == {2}
    assert kept.data.sizes["step"] == synthetic.ITEMS * synthetic.STARTS
    assert kept.epoch.values.tolist() == [2]
    assert kept.target.shape == result.target.shape
    assert result.select(epoch=0).recurrent_w.shape[0] == 1
    assert set(result.select(epoch=(1, 5), item=2).step_item.values) == {2}


def test_selecting_a_trial_takes_its_arrays_and_spikes():
    result = synthetic.of_trials(synthetic.result("spiking", traces=True), 3)
    fired = np.arange(result.spike_cell.size) % 3
    result = Result(result.data.assign(spike_trial=("spike", fired)))
    one = result.select(phase="recall", trial=2)
    np.testing.assert_array_equal(one.mean_x, result.select(phase="recall").mean_x[:, 2])
    np.testing.assert_array_equal(one.spike_cell, result.spike_cell.values[fired == 2])
    assert "trial" not in one.data.dims
    assert "spike_trial" not in one
    for wrong in (3, -1):
        with pytest.raises(ResultError, match=rf"no trial {wrong}\. It has trials 0 to 2"):
            result.select(trial=wrong)


def test_a_trial_of_what_has_none_says_why():
    result = synthetic.of_trials(synthetic.result("rate"), 3)
    with pytest.raises(ResultError, match=r"no trial 0\. It has no trials: it .* or is one of them already"):
        result.select(trial=1).select(trial=0)
    shown = Result(result.data.assign_coords(trial_item=("trial", [2, 0, 1])))
    with pytest.raises(ResultError, match=r"item=2 takes the trial that shows it\. Give item= or trial=0, not both"):
        shown.select(item=2, trial=0)
    with pytest.raises(ResultError, match="was laid out by item"):
        shown.by_item().select(trial=0)


def test_selecting_what_did_not_happen_lists_what_did():
    with pytest.raises(ResultError, match=r"phase 'sleep'\. It has: learn, recall"):
        synthetic.result().select(phase="sleep")
    with pytest.raises(ResultError, match="epoch 7"):
        synthetic.result().select(epoch=7)


def test_repr_names_model_variant_seed_and_variables():
    text = repr(synthetic.result("spiking", seed=2, traces=True))
    for part in ("synthetic2024", "spiking", "seed 2", "cpp_standalone", "complete", "mean_x", "gamma = 0.6"):
        assert part in text
    assert "&#x27;synthetic2024&#x27;" in synthetic.result()._repr_html_()


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "run.nc"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["run.nc"]


def test_a_killed_write_leaves_the_old_file_intact(tmp_path):
    path = synthetic.result(seed=1).save(tmp_path / "run.nc")
    code = """
        import os, signal, sys
        from brainmem.storage import netcdf
        from tests.support import synthetic
        write = netcdf._write
        def killed(data, path):
            write(data, path)
            os.truncate(path, 1000)
            os.kill(os.getpid(), signal.SIGKILL)
        netcdf._write = killed
        synthetic.result(seed=2).save(sys.argv[1])
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(path)], env=ENVIRONMENT)
    assert ended.returncode == -signal.SIGKILL
    assert Result.load(path).seed == 1
