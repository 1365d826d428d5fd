"""What is built and installed: brainmem and its models, and nothing beside them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytest.importorskip("hatchling.build")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, Path]:
    """A wheel, an editable wheel and a source distribution of this checkout."""
    folder = tmp_path_factory.mktemp("built")
    code = (
        "import sys, hatchling.build as b; folder = sys.argv[1]\n"
        "print(b.build_wheel(folder + '/wheel'), b.build_editable(folder + '/editable'), b.build_sdist(folder))"
    )
    for name in ("wheel", "editable"):
        (folder / name).mkdir()
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wheel, editable, sdist = done.stdout.split()
    return {"wheel": folder / "wheel" / wheel, "editable": folder / "editable" / editable, "sdist": folder / sdist}


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def run_python(code: str, *, path: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(path)}
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, cwd=path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_installs_brainmem_and_nothing_beside_it(built):
    tops = {name.split("/")[0] for name in names(built["wheel"])}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"brainmem"}


def test_a_wheel_holds_every_file_of_the_package_and_of_the_models(built):
    sources = {
        *(path.relative_to(ROOT) for path in (ROOT / "brainmem").rglob("*")),
        *(Path("brainmem") / path.relative_to(ROOT) for path in (ROOT / "models").rglob("*")),
    }
    wanted = {str(path) for path in sources if path.suffix in {".py", ".jinja", ".h", ".cpp", ".pyx", ".py_", ".typed"}}
    held = names(built["wheel"])
    assert wanted <= held
    assert {"brainmem/models/kurikawa2020/model.py", "brainmem/py.typed"} <= held
    assert not [name for name in held if "__pycache__" in name or name.endswith((".md", ".nc", ".tmp"))]


def test_a_wheel_names_the_command_the_licence_and_the_extras(built):
    with zipfile.ZipFile(built["wheel"]) as archive:
        text = {name.split("/")[-1]: archive.read(name).decode() for name in names(built["wheel"]) if "-info/" in name}
    assert "brainmem = brainmem.cli:app" in text["entry_points.txt"]
    assert "License-Expression: CECILL-2.1" in text["METADATA"]
    assert {f"Provides-Extra: {extra}" for extra in ("bench", "dask", "data", "dev", "neo", "test")} <= set(
        text["METADATA"].splitlines()
    )


def test_an_installed_wheel_finds_its_models_without_the_checkout(built, tmp_path):
    with zipfile.ZipFile(built["wheel"]) as archive:
        archive.extractall(tmp_path)
    code = "import brainmem, brainmem.models as m; print(*brainmem.list_models()); print(*m.__path__)"
    found, where = run_python(code, path=tmp_path).splitlines()
    assert "kurikawa2020" in found.split()
    assert where == str(tmp_path / "brainmem" / "models")


def test_a_pyproject_beside_an_installed_package_alone_does_not_make_it_a_checkout(built, tmp_path):
    with zipfile.ZipFile(built["wheel"]) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    assert run_python("import brainmem.models as m; print(len(m.__path__))", path=tmp_path).strip() == "1"


def test_a_plain_checkout_finds_its_models(tmp_path):
    code = "import brainmem; print(brainmem.get_model('kurikawa2020').name, brainmem.__file__)"
    name, file = run_python(code, path=ROOT).split()
    assert name == "kurikawa2020"
    assert Path(file).parent == ROOT / "brainmem"


def test_an_editable_installation_points_to_the_checkout_and_copies_no_file_of_it(built):
    held = {name for name in names(built["editable"]) if ".dist-info/" not in name}
    assert len(held) == 1
    with zipfile.ZipFile(built["editable"]) as archive:
        assert archive.read(held.pop()).decode().strip() == str(ROOT)


def test_a_source_distribution_holds_what_is_needed_to_build_and_test(built):
    with tarfile.open(built["sdist"]) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames()}
    wanted = {"LICENSE", "Makefile", "README.md", "pyproject.toml", "tests/test_packaging.py"}
    wanted |= {"CONTRIBUTING.md", "brainmem/README.md", "models/README.md", "examples/agreement.png"}
    assert wanted | {"brainmem/py.typed", "models/kurikawa2020/model.py"} <= held
    assert {name.split("/")[0] for name in held} - {".gitignore"} <= {
        *("brainmem", "models", "tests", "examples", "CHANGELOG.md", "CITATION.cff", "LICENSE", "Makefile"),
        *("CONTRIBUTING.md", "README.md", "pyproject.toml", "PKG-INFO"),
    }


def test_numpy_is_bounded_where_brian2_fails_with_a_newer_one(built):
    with zipfile.ZipFile(built["wheel"]) as archive:
        metadata = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    assert "Requires-Dist: numpy<2.4,>=1.26; python_version < '3.12'" in metadata.replace('"', "'")
    assert "Requires-Python: <3.14,>=3.11" in metadata
