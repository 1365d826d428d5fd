"""The README's scripts run, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainmem.cli import app

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
COMMANDS = sorted(set(re.findall(r"^    brainmem (\w+)", TEXT, flags=re.MULTILINE)))
TARGETS = sorted(set(re.findall(r"^    make ([\w-]+)", TEXT, flags=re.MULTILINE)))


def test_the_scripts_of_the_readme_run_one_after_the_other(tmp_path, monkeypatch):
    pytest.importorskip("brainmem.simulation.simulate")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, block in enumerate(BLOCKS, start=1):
        exec(compile(block, f"README.md, python block {number}", "exec"), names)
    assert len(BLOCKS) >= 5
    assert (tmp_path / "recall.png").stat().st_size > 1000
    assert (tmp_path / "spiking.nc").is_file()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_exists(command):
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_of_the_readme_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
