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


@pytest.mark.examples
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


def check_balance_with_inhibitory_plasticity(output: str, folder: Path) -> None:
    """The rule, whose split is the paper's with alpha = 2*rho0, holds each unit at the target for each input."""
    pre, post = (re.search(rf"^at {side} spikes: (.*)$", output, re.M) for side in ("pre", "post"))
    assert pre
    assert "(r_post - 2*rho0)" in pre[1]
    assert post
    assert "rho0" not in post[1]
    number = r"([+-]?[\d.]+)"
    found = re.findall(
        rf"^(rate|spiking)\s*(before|after)\s+rate {number}, sd {number}; .* r = {number}$", output, re.M
    )
    numbers = {(variant, when): tuple(map(float, rest)) for variant, when, *rest in found}
    for variant in ("rate", "spiking"):
        assert numbers[variant, "before"][0] > 0.5
        assert abs(numbers[variant, "before"][2]) < 0.3
        mean, sd, follows = numbers[variant, "after"]
        assert abs(mean - 0.1) < 0.005
        assert sd < 0.025
        assert follows > 0.98


def check_use_your_own_cell(output: str, folder: Path) -> None:
    found = re.findall(r"^(\w+): weight changes correlate by ([\d.]+), the f-I curve is off by ([\d.]+)%", output, re.M)
    assert [name for name, _, _ in found] == ["lif", "adex", "coba", "quadratic"]
    assert min(float(correlation) for _, correlation, _ in found) > float(found[0][1]) - 0.01
    assert max(float(off) for _, _, off in found) < 1
    assert output.count("driven through") == 3
    assert "refused: Cell 'bursting' (input 'I'): it fires bursts" in output


def check_learn_from_reward(output: str, folder: Path) -> None:
    found = re.findall(
        r"^(rate|spiking)\s+(learner|control): reward ([\d.]+) at first, ([\d.]+) at last$", output, re.M
    )
    assert len(found) == 4
    for _, who, first, last in found:
        assert 0.2 < float(first) < 0.45
        assert (float(last) > 0.9) if who == "learner" else (float(last) < 0.5)


def check_recall_a_sequence(output: str, folder: Path) -> None:
    """The period grows by the delay, and lies near that of steep units with patterns that do not overlap."""
    line = r"^(rate|spiking)\s+delay (\d+) ms: \[(.*)\], each for (\d+) ms \(theory (\d+) ms\)$"
    found = re.findall(line, output, re.M)
    assert len(found) == 4
    for _, _, order, period, theory in found:
        assert order.split() == [str(k % 6) for k in range(13)]
        assert abs(float(period) / float(theory) - 1) < 0.05
    for short, long in (found[:2], found[2:]):
        assert abs(float(long[3]) - float(short[3]) - 400) < 10
    assert (folder / "sequence.png").read_bytes().startswith(b"\x89PNG")


def check_train_on_your_own_recording(output: str, folder: Path) -> None:
    assert re.search(r"dropped unit silent: constant", output)
    assert re.search(r"dropped unit drifting: \d+ values below 0", output)
    few, many = (float(value) for value in re.findall(r"^p = [\d.]+: pVar (-?[\d.]+)", output, re.M))
    by_hand = re.search(r"^pVar by hand ([\d.]+)$", output, re.M)
    assert many > 0.7 > 0.4 > few
    assert by_hand
    assert abs(float(by_hand[1]) - many) < 0.03
    report = re.search(r"pVar ([\d.]+) in test", (folder / "fit" / "report.txt").read_text())
    assert report
    assert abs(float(report[1]) - many) < 0.006
    assert (folder / "fit" / "sequences.png").exists()


def check_remember_digits(output: str, folder: Path) -> None:
    without_fault = dict(re.findall(r"^([\w' ]+): [\d.]+ of 64 pixels wrong, (\d+)% of", output, re.M))
    assert float(without_fault["Hebb's rule"]) < 10
    assert float(without_fault["Daydreaming"]) > 40
    assert float(re.search(r"pair moments with held-out digits ([\d.]+)", output)[1]) > 0.9
    assert 30 < float(re.search(r"nearest digit held out (\d+)%", output)[1]) < 60
    assert (folder / "digits.png").stat().st_size > 5000
