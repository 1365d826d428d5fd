"""The pages for people: scripts run, commands and make targets exist, links lead somewhere.

A script whose first line is a comment with a path is also written to that file, so that later scripts find it there.
Indented lines right behind a script are lines of its output.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainmem.cli import app

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("brainmem", "examples", "models")
FILES = [*ROOT.glob("*.md"), *(file for name in FOLDERS for file in (ROOT / name).rglob("*.md"))]
PAGES = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in sorted(FILES)}
TEXT = "\n".join(PAGES.values())
SCRIPT = re.compile(r"```python\n(.*?)```\n(?:\n((?: {4}[^\n]*\n)+))?", re.DOTALL)  # and the output behind it
SCRIPTS = {page: SCRIPT.findall(text) for page, text in PAGES.items()}
COMMANDS = sorted(set(re.findall(r"(?:^    |`)brainmem ([^`#\n]*[^`#\s])", TEXT, re.MULTILINE)))
TARGETS = sorted(set(re.findall(r"(?:^    |`)make ([\w-]+)", TEXT, re.MULTILINE)))
LINKS = [(page, link) for page, text in PAGES.items() for link in re.findall(r"\]\(([^)\s]+)\)", text)]
LEFT = {"README.md": ("agreement.png", "spiking.nc"), "brainmem/results/README.md": ("recall.png", "spiking.nc")}
LONGEST = 150  # lines of the first page, which is read before anything else


def test_the_pages_are_found_and_the_first_one_is_short():
    assert {"README.md", "CONTRIBUTING.md", *(f"{name}/README.md" for name in FOLDERS)} <= set(PAGES)
    assert len(PAGES["README.md"].splitlines()) <= LONGEST
    assert sum(map(len, SCRIPTS.values())) >= 20


@pytest.mark.parametrize("page", [pytest.param(page, marks=() if page == "README.md" else pytest.mark.examples)
                                  for page, scripts in SCRIPTS.items() if scripts])  # fmt: skip
def test_the_scripts_of_a_page_run_one_after_the_other(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, (script, output) in enumerate(SCRIPTS[page], start=1):
        if file := re.match(r"# (\w+/\w+\.py)\n", script):
            Path(file[1]).parent.mkdir(exist_ok=True)
            Path(file[1]).write_text(script, encoding="utf-8")
        exec(compile(script, f"{page}, script {number}", "exec"), names)
        printed = capsys.readouterr().out.splitlines()
        assert [line for line in output.splitlines() if line.strip() not in map(str.strip, printed)] == []
    assert [name for name in LEFT.get(page, ()) if not (tmp_path / name).stat().st_size] == []


def test_every_command_of_the_pages_exists_with_its_options():
    assert len(COMMANDS) >= 20
    assert [command for command in COMMANDS if not _exists(command)] == []


def _exists(command: str) -> bool:
    words = command.split()
    named = words[:2] if words[0] == "cache" else words[:1]
    shown = CliRunner().invoke(app, [*named, "--help"], env={"COLUMNS": "200"})
    return shown.exit_code == 0 and all(word in shown.output for word in words if word.startswith("--"))


def test_every_make_target_of_the_pages_exists():
    known = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert TARGETS
    assert [target for target in TARGETS if target not in known] == []


def test_every_link_within_the_repository_leads_somewhere():
    own = [(page, link) for page, link in LINKS if not re.match(r"https?:", link)]
    assert len(own) >= 40
    assert [(page, link) for page, link in own if not _leads(page, link)] == []


def _leads(page: str, link: str) -> bool:
    name, _, place = link.partition("#")
    target = (ROOT / page).parent / name if name else ROOT / page
    titles = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE) if place and target.exists() else []
    return target.exists() and (not place or place in {_place(title) for title in titles})


def _place(title: str) -> str:
    """Return the name by which links find a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_the_page_on_the_architecture_names_every_room():
    named = re.findall(r"^\| \[?`([\w/.]+)`", PAGES["brainmem/README.md"], re.MULTILINE)
    rooms = {f"{path.name}/" if path.is_dir() else path.name for path in (ROOT / "brainmem").iterdir()}
    assert rooms - {"__pycache__/", "__init__.py", "__main__.py", "py.typed", "README.md"} <= set(named)
    assert all((ROOT / "brainmem" / name).exists() for name in named)


def test_files_named_by_the_page_on_contributing_exist():
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", PAGES["CONTRIBUTING.md"])
    roots = (ROOT, ROOT / "brainmem", ROOT / "brainmem" / "translation")
    assert [name for name in named if not any((root / name).is_file() for root in roots)] == []
