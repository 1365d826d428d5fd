"""Every example script runs, and says what its docstring promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def run(script: Path, folder: Path) -> str:
    done = subprocess.run([sys.executable, script], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_runs(script, tmp_path):
    assert len(script.read_text().splitlines()) <= 70
    output = run(script, tmp_path)
    check = globals().get(f"check_{script.stem}")
    assert check is not None, f"write check_{script.stem}: what must the example's output show?"
    check(output, tmp_path)


def check_write_your_own_rule(output: str, folder: Path) -> None:
    deviations = dict(re.findall(r"^(rate|spiking)\s+weights deviate from theory by ([+-][\d.]+)%", output, re.M))
    assert abs(float(deviations["rate"])) < 0.5
    assert abs(float(deviations["spiking"])) < 5.0
    assert "at pre spikes" in output


def check_compare_rate_and_spiking(output: str, folder: Path) -> None:
    page = (folder / "compare.html").read_text()
    assert page.count("data:image/svg+xml") >= 3
    assert "weight" in output


def check_recall_from_a_damaged_cue(output: str, folder: Path) -> None:
    overlaps = [float(value) for value in re.findall(r"target (-?[\d.]+)$", output, re.M)]
    assert overlaps[0] > 0.85
    assert overlaps[-1] < overlaps[0] - 0.3


def check_sweep_the_number_of_maps(output: str, folder: Path) -> None:
    found = re.findall(r"^(\d+) maps: ([\d.]+) recalled after one epoch, ([\d.]+) after six$", output, re.M)
    shares = [(float(first) / int(maps), float(last) / int(maps)) for maps, first, last in found]
    assert len(shares) == 3
    assert all(first < 0.2 and last > 0.7 for first, last in shares)
    assert shares[0][1] > shares[-1][1]
    assert len(list((folder / "capacity").glob("*.nc"))) == 12
