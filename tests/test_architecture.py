"""Who may import whom, and where Brian2's objects and its global device may be touched."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "brainmem"
FILES = sorted(PACKAGE.rglob("*.py"))
MODELS = sorted((ROOT / "models").glob("*/*.py"))
EVERYWHERE = [*FILES, *MODELS, *sorted((ROOT / "examples").rglob("*.py")), *sorted((ROOT / "tests").rglob("*.py"))]

LONGEST_FILE = 350
LONGER_FOR_A_REASON = {
    "brainmem/model/nouns.py": 620,  # the nouns and their documentation stay on one page
    "models/kurikawa2020/claims.py": 400,
}
LONGEST_FUNCTION = 60

VOCABULARY = {"choices", "errors", "fields", "parts", "spec", "equations"}
DOOR = {"errors", "intake"}  # by which a user's numbers and arguments come in
DEVICES = {"devices", "standalone", "runtime", "compiled", "compiler", "cache", "inputs", "preflight", "doctor"}
ANALYSIS = {
    "result", "selection", "measure", "pairing", "agreement", "comparison", "plot", "report", "report_rows",
    "recordings", "files", "store", "listing", "netcdf", "seals", "intake",
}  # fmt: skip
NUMBERS = {"instance", "loading", "patterns", "plan", "starts", "stimuli"}  # those of one run
SIMULATION = {"simulation", "sweeps", "points", "preload"}
SURFACE = {"cli", "__main__", "demo"}

# Modules that may import only from these (and themselves).
ONLY = {
    "errors": set(),
    "choices": {"errors", "parts", "spec"},
    "fields": {"errors", "spec"},
    "parts": {"fields", "spec"},
    "spec": {"choices", "errors", "equations", "checks", "card"},  # the checks and the text of a model, when asked for
    "equations": {*DOOR, "spec", "checks"},  # the checks that a model calls through its vocabulary
    "checks": VOCABULARY | {"translation"},
    "card": {"layout", "spec"},
    "layout": set(),
    "leaving": set(),
    "counter": set(),
    "translation": VOCABULARY | DOOR | {"counter"},
    "codegen": {"counter", "deferral", "errors", "kernels", "translation"},
    "models": VOCABULARY | DOOR,
    "deferral": {"translation"},
    "kernels": {"deferral", "devices", "translation"},
    "costs": {"devices", "equations", "kernels", "translation"},
    "blueprint": {"kernels", "translation"},
    "build": {"blueprint", "calibrate", "codegen", "devices", "kernels", "translation"},
    **dict.fromkeys(NUMBERS, NUMBERS | VOCABULARY | DOOR | {"checks", "counter", "translation"}),
    "freezing": VOCABULARY | DOOR | {"plan", "translation"},
    "calibrate": {"cache", "devices", "errors", "files", "seals", "translation"},
    "collect": {"instance", "result", "spec", "translation"},
    "remarks": VOCABULARY | {"instance", "translation"},  # what is wrong with a run, from its numbers and its result
    "verdicts": {"spec", "translation"},  # what may be said of a rule without any run
    "description": {"equations", "spec", "translation", "verdicts"},
    "ready": {
        "calibrate", "collect", "description", "devices", "equations", "errors", "instance", "kernels", "remarks",
        "translation",
    },
    "jobs": {"blueprint", "devices", "errors", "instance", "ready", "translation"},
    "verification": VOCABULARY | DOOR | {
        "calibrate", "collect", "description", "devices", "freezing", "instance", "jobs", "kernels", "loading",
        "models", "ready", "simulation", "translation", "verdicts",
    },
    "explanation": VOCABULARY | DOOR | {
        "loading", "costs", "description", "devices", "instance", "models", "translation", "verdicts", "verification",
    },
    **dict.fromkeys(DEVICES - {"doctor"}, DEVICES | DOOR | {"leaving"}),
    **dict.fromkeys(ANALYSIS, ANALYSIS | {"errors", "leaving"}),
    "intake": {"errors"},
}  # fmt: skip
# Modules that only these may import.
IMPORTERS = {
    "codegen": {"build"},
    "build": set(),  # jobs name it as text: it is loaded where a network is built
    "blueprint": {"build", "jobs"},
    "calibrate": {"build", "ready", "verification"},
    "ready": {"jobs", "verification", *SIMULATION},
    "jobs": {"verification", *SIMULATION},
    "simulation": {"claims", "fitting", "reproduction", "verification", *SIMULATION, *SURFACE},
    "remarks": {"ready", "simulation"},
    "verdicts": {"description", "explanation", "verification"},
    "description": {"explanation", "ready", "simulation", "verification"},
    "verification": {"explanation", *SURFACE},
    "explanation": SURFACE,
    "cli": {"__main__"},
    "demo": {"cli"},
}

BIRTHS = {
    "EventMonitor", "Network", "NeuronGroup", "PoissonGroup", "PoissonInput", "PopulationRateMonitor", "SpatialNeuron",
    "SpikeGeneratorGroup", "SpikeMonitor", "StateMonitor", "Synapses", "TimedArray",
}  # fmt: skip
NOT_BRIAN2 = {"brainmem/bench/engines/annarchy_network.py"}  # whose own objects have the same names
REFUSED_THERE = {"brainmem/engine/preflight.py", "tests/builders.py"}  # where it is refused, and what is refused
GLOBAL_DEVICE = {"active_device", "device", "prefs", "reset_device", "set_device"}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def part_of(path: Path) -> str:
    """Return the module or subpackage of brainmem that a file belongs to."""
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if name == "__init__" else name


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


def own_parts(path: Path) -> set[str]:
    """Return the parts of brainmem that a file imports."""
    found = set()
    for module, name in runtime_imports(parsed(path)):
        if module == "brainmem":
            found.add(name)
        elif module.startswith("brainmem."):
            found.add(module.split(".")[1])
    return found - {part_of(path)} if PACKAGE in path.parents else found


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


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) in ONLY], ids=short)
def test_a_layer_imports_only_from_the_layers_it_may_know(path):
    assert own_parts(path) <= ONLY[part_of(path)] | {""}


@pytest.mark.parametrize("path", FILES, ids=short)
def test_a_layer_is_imported_only_by_those_that_may_use_it(path):
    for imported in own_parts(path) & set(IMPORTERS):
        assert part_of(path) in IMPORTERS[imported], f"{short(path)} imports {imported}"


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if part_of(path) not in ("build", "codegen") and short(path) not in NOT_BRIAN2],
    ids=short,
)
def test_brian2_objects_are_born_only_in_build_and_codegen(path):
    assert not called(parsed(path)) & BIRTHS


@pytest.mark.parametrize("path", [*(f for f in FILES if part_of(f) not in DEVICES), *MODELS], ids=short)
def test_the_global_device_and_preferences_are_touched_only_by_the_devices(path):
    assert not from_brian2(parsed(path)) & GLOBAL_DEVICE


@pytest.mark.parametrize("path", [path for path in EVERYWHERE if short(path) not in REFUSED_THERE], ids=short)
def test_no_network_operation_that_standalone_would_drop(path):
    assert not names_in(parsed(path)) & {"network_operation", "NetworkOperation"}


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) in ANALYSIS], ids=short)
def test_analysis_does_not_import_brian2(path):
    assert "brian2" not in foreign(path)


def test_analysis_and_command_line_load_without_brian2():
    modules = [f"brainmem.{name}" for name in sorted(ANALYSIS | {"cli"}) if list(PACKAGE.glob(f"{name}*"))]
    code = "import sys; sys.modules['brian2'] = None\n" + "".join(f"import {module}\n" for module in modules)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", MODELS, ids=short)
def test_a_model_imports_the_public_vocabulary_units_and_no_other_model(path):
    tree = parsed(path)
    own = {module for module, _ in runtime_imports(tree) if module.split(".")[0] == "brainmem"}
    key = path.parent.name
    siblings = {f"brainmem.models.{key}.{file.stem}" for file in path.parent.glob("*.py")}
    assert own <= {"brainmem", "brainmem.study.claims", *siblings}
    assert foreign(path) - {"__future__"} <= {"brian2", "numpy", "scipy", "xarray", "sklearn", *sys.stdlib_module_names}
    assert not from_brian2(tree) & (BIRTHS | {"*", "run", "Equations"})


@pytest.mark.parametrize("path", [path for path in MODELS if path.name == "model.py"], ids=short)
def test_a_model_file_is_text_and_no_program(path):
    program = (ast.FunctionDef, ast.For, ast.While, ast.If, ast.With, ast.Lambda, ast.ClassDef)
    assert not [ast.unparse(node) for node in ast.walk(parsed(path)) if isinstance(node, program)]


@pytest.mark.parametrize("path", [*FILES, *MODELS], ids=short)
def test_files_stay_readable(path):
    limit = LONGER_FOR_A_REASON.get(short(path), LONGEST_FILE)
    assert len(path.read_text().splitlines()) <= limit


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


@pytest.mark.parametrize("path", [*FILES, *MODELS], ids=short)
def test_text_files_are_written_and_read_in_a_named_encoding(path):
    methods = {"read_text", "write_text"} - {name for module, name in runtime_imports(parsed(path))}
    calls = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call) and attribute(node) in methods]
    assert [ast.unparse(node) for node in calls if "encoding" not in {word.arg for word in node.keywords}] == []


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
    spelled = {"annarchy": "ANNarchy", "scikit-learn": "sklearn", "netcdf4": "netCDF4"}
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
