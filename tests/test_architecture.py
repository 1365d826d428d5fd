"""Who may import whom, and where Brian2's objects and its global device may be touched."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "brainmem"
FILES = sorted(PACKAGE.rglob("*.py"))
MODELS = sorted((ROOT / "models").glob("*/*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
EVERYWHERE = [*FILES, *MODELS, *sorted((ROOT / "examples").rglob("*.py")), *TESTS]

LONGEST_FILE = 350
LONGER_FOR_A_REASON = {
    "brainmem/model/nouns.py": 720,  # the nouns and their documentation stay on one page
}
LONGEST_FUNCTION = 60

# The rooms of brainmem, bottom to top: each imports only from rooms before it.
ROOMS = (
    "errors", "storage", "intake", "engine", "text", "model", "cells", "models", "translation", "numbers", "build",
    "measure", "results", "plot", "recordings", "simulation", "verification", "sweeps", "study", "claims", "bench",
    "cli", "__main__", "",
)  # fmt: skip
UPWARD = {("measure", "results")}  # in annotations only: a measure of a result
ANALYSIS = {"errors", "intake", "measure", "plot", "recordings", "results", "storage"}  # load without Brian2
BY_NAME = {"brainmem.build.network"}  # jobs name it as text: it is loaded where a network is built

BIRTHS = {
    "EventMonitor", "Network", "NeuronGroup", "PoissonGroup", "PoissonInput", "PopulationRateMonitor", "SpatialNeuron",
    "SpikeGeneratorGroup", "SpikeMonitor", "StateMonitor", "Synapses", "TimedArray",
}  # fmt: skip
NOT_BRIAN2 = {"brainmem/bench/engines/annarchy_network.py"}  # whose own objects have the same names
# Where it is refused, and what is refused.
REFUSED_THERE = {"brainmem/engine/preflight.py", "tests/support/builders.py"}
GLOBAL_DEVICE = {"active_device", "device", "prefs", "reset_device", "set_device"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def runtime_imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of each import that runs, also in functions; those for type checkers only do not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield from ((node.module or "", alias.name) for alias in node.names)
        else:
            yield from runtime_imports(node)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def arrows(*, annotations: bool = False) -> set[tuple[str, str]]:
    """Return (module, module that it imports) within brainmem, late imports too, those for annotations if wanted."""
    names = {name_of(path) for path in FILES}
    found = set()
    for path in FILES:
        tree = parsed(path)
        every = imports(tree) if annotations else runtime_imports(tree)
        for module, name in every:
            target = f"{module}.{name}" if f"{module}.{name}" in names else module
            if target in names and target != name_of(path):
                found.add((name_of(path), target))
    return found


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def foreign(path: Path) -> set[str]:
    return {module.split(".")[0] for module, _ in runtime_imports(parsed(path))} - {"brainmem"}


def names_in(tree: ast.AST) -> set[str]:
    """Return every name that code (not text or comments) uses or imports."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.name for alias in node.names}
    return names


def called(tree: ast.AST) -> set[str]:
    """Return the last part of each name that is called."""
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {ast.unparse(function).split(".")[-1] for function in functions}


def from_brian2(tree: ast.AST) -> set[str]:
    """Return the names that a file takes from Brian2, by import or as an attribute of it."""
    modules = {"brian2", "b2"}
    taken = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "brian2":
            taken |= {alias.name for alias in node.names}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            taken.add(node.attr)
    return taken


def test_rooms_import_only_from_rooms_below():
    assert {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES} <= {*ROOMS, "__init__"}
    place = {room: number for number, room in enumerate(ROOMS)}
    up = {(a, b) for a, b in arrows() if place[room_of(b)] > place[room_of(a)]} - surface()
    assert up == set()
    annotated = {(a, b) for a, b in arrows(annotations=True) if place[room_of(b)] > place[room_of(a)]} - surface()
    assert {(room_of(a), room_of(b)) for a, b in annotated} <= UPWARD


def surface() -> set[tuple[str, str]]:
    """Return the imports of the package itself, by those who use it as its users do."""
    users = ("bench", "cli", "models", "__main__")
    return {(a, b) for a, b in arrows(annotations=True) if b == "brainmem" and room_of(a) in users}


def test_no_modules_import_each_other_in_a_circle():
    below: dict[str, set[str]] = {}
    for module, other in arrows() - surface():
        below.setdefault(module, set()).add(other)
    list(TopologicalSorter(below).static_order())  # raises a CycleError that shows the circle


def test_what_is_loaded_by_name_is_imported_by_nobody():
    assert {(a, b) for a, b in arrows() if b in BY_NAME} == set()
    assert {a for a, b in arrows() if b.startswith("brainmem.build.codegen") and room_of(a) != "build"} == set()


def test_brian2_objects_are_born_only_in_the_room_that_builds():
    files = [path for path in FILES if room_of(name_of(path)) != "build" and short(path) not in NOT_BRIAN2]
    assert {short(path): found for path in files if (found := called(parsed(path)) & BIRTHS)} == {}


def test_the_global_device_and_preferences_are_touched_only_by_the_engine():
    files = [*(path for path in FILES if room_of(name_of(path)) != "engine"), *MODELS]
    assert {short(path): found for path in files if (found := from_brian2(parsed(path)) & GLOBAL_DEVICE)} == {}


def test_no_network_operation_that_standalone_would_drop():
    wrong = {"network_operation", "NetworkOperation"}
    files = [path for path in EVERYWHERE if short(path) not in REFUSED_THERE]
    assert [short(path) for path in files if names_in(parsed(path)) & wrong] == []


def test_analysis_does_not_import_brian2():
    files = [path for path in FILES if room_of(name_of(path)) in ANALYSIS]
    assert [short(path) for path in files if "brian2" in foreign(path)] == []


def test_analysis_and_command_line_load_without_brian2():
    modules = [name_of(path) for path in FILES if room_of(name_of(path)) in ANALYSIS | {"cli"}]
    code = "import sys; sys.modules['brian2'] = None\n" + "".join(f"import {module}\n" for module in modules)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_model_imports_the_public_vocabulary_units_and_no_other_model():
    for path in MODELS:
        check_imports_of_model(path)


def check_imports_of_model(path: Path) -> None:
    tree = parsed(path)
    own = {module for module, _ in runtime_imports(tree) if module.split(".")[0] == "brainmem"}
    key = path.parent.name
    siblings = {f"brainmem.models.{key}.{file.stem}" for file in path.parent.glob("*.py")}
    assert own <= {"brainmem", "brainmem.claims", *siblings}, short(path)
    libraries = {"__future__", "brian2", "numpy", "scipy", "xarray", "sklearn", *sys.stdlib_module_names}
    assert foreign(path) <= libraries, short(path)
    assert not from_brian2(tree) & (BIRTHS | {"*", "run", "Equations"}), short(path)


def test_a_model_file_is_text_and_no_program():
    program = (ast.FunctionDef, ast.For, ast.While, ast.If, ast.With, ast.Lambda, ast.ClassDef)
    nodes = [node for path in MODELS if path.name == "model.py" for node in ast.walk(parsed(path))]
    assert [ast.unparse(node) for node in nodes if isinstance(node, program)] == []


def test_files_stay_readable():
    lengths = {short(path): len(path.read_text().splitlines()) for path in [*FILES, *MODELS]}
    assert {n: k for n, k in lengths.items() if k > LONGER_FOR_A_REASON.get(n, LONGEST_FILE)} == {}


def test_functions_stay_short():
    lengths = {f"{short(path)}: {name}": length for path in FILES for name, length in functions(path)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}
    assert statistics.median(lengths.values()) <= 8
    assert sum(length <= 30 for length in lengths.values()) >= 0.97 * len(lengths)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (name, lines of the body without docstring) of each function."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_arguments_have_types_wherever_they_are_checked():
    left_out = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyright"]["exclude"]
    assert all((ROOT / name).exists() for name in left_out)
    checked = [path for path in FILES if not any(path.is_relative_to(ROOT / name) for name in left_out)]
    assert {short(path): names for path in checked if (names := untyped(parsed(path)))} == {}
    assert untyped(ast.parse("def f(self, a, *b, c: int, **d): ...")) == ["a", "b", "d"]


def untyped(tree: ast.AST) -> list[str]:
    """Return the arguments of functions without a type."""
    functions = [node.args for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    every = [[*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg] for a in functions]
    given = [argument for arguments in every for argument in arguments if argument is not None]
    return [item.arg for item in given if item.annotation is None and item.arg not in ("self", "cls")]


def test_tests_stand_in_the_room_that_they_test_and_share_code_through_support_only():
    rooms = {*(room for room in ROOMS if (PACKAGE / room).is_dir()), "papers", "support"}
    assert {path.parent.name for path in TESTS if path.parent.parent == ROOT / "tests"} <= rooms
    assert [short(path) for path in TESTS if path.parent.name == "support" and path.name.startswith("test_")] == []
    shared = {module for path in TESTS for module, _ in imports(parsed(path)) if module.split(".")[0] == "tests"}
    assert {module for module in shared if not module.startswith("tests.support")} == set()


def test_text_files_are_written_and_read_in_a_named_encoding():
    for path in [*FILES, *MODELS]:
        methods = {"read_text", "write_text"} - {name for module, name in runtime_imports(parsed(path))}
        calls = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call) and attribute(node) in methods]
        wrong = [ast.unparse(node) for node in calls if "encoding" not in {word.arg for word in node.keywords}]
        assert wrong == [], short(path)


def attribute(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def test_no_submodule_is_called_like_a_public_function_and_hides_it_once_imported():
    import brainmem

    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert modules & set(brainmem.__all__) <= {"measure", "plot"}


def test_what_the_package_imports_is_declared_as_a_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    declared = {distribution(text) for text in [*project["dependencies"], *extras]}
    spelled = {"annarchy": "ANNarchy", "scikit-learn": "sklearn", "netcdf4": "netCDF4", "pillow": "PIL"}
    allowed = {spelled.get(name, name) for name in declared} | set(sys.stdlib_module_names)
    optional = {"brian2cuda"}  # in an environment of its own
    used = {name: short(path) for path in [*FILES, *MODELS] for name in foreign(path)}
    assert {name: where for name, where in used.items() if name not in allowed | optional} == {}


def distribution(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert match is not None, requirement
    return match.group().lower()


def test_the_rules_notice_what_they_forbid():
    text = (
        "from brian2 import NeuronGroup, prefs\nimport brian2\nG = NeuronGroup(1, '')\nbrian2.set_device('runtime')\n"
    )
    tree = ast.parse(text + "@brian2.network_operation\ndef f():\n    import brainmem.cli\n")
    assert called(tree) & BIRTHS == {"NeuronGroup"}
    assert from_brian2(tree) & GLOBAL_DEVICE == {"prefs", "set_device"}
    assert "network_operation" in names_in(tree)
    assert ("brainmem.cli", "") in list(runtime_imports(tree))
