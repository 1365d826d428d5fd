"""The registry of models: a folder with a ``model.py`` that defines ``model`` is a model.

The folders stand in the top-level ``models/`` of a checkout and are packaged as ``brainmem.models``.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from brainmem.errors import ModelNotFoundError, RuleError, closest
from brainmem.intake.arguments import PATH, takes
from brainmem.model.claim import Claim
from brainmem.model.nouns import Model

if TYPE_CHECKING:
    from brainmem.model.memory import MemoryModel

__all__ = ["get_claims", "get_model", "list_models", "list_tasks"]


def _checkout(package: Path) -> Iterator[str]:
    """Yield the top-level ``models/`` when this package stands in a checkout, not in an installation."""
    root = package.parent.parent
    if (root / "pyproject.toml").is_file() and (root / "models").is_dir():
        yield str(root / "models")


# The files of a paper's folder that are no further task.
_FILES = ("model", "claims", "__init__")
__path__.extend(_checkout(Path(__file__).resolve().parent))


def list_models() -> tuple[str, ...]:
    """Return the names of the models that ship with brainmem, in alphabetical order."""
    folders = (folder for path in __path__ for folder in Path(path).iterdir())
    return tuple(sorted({folder.name for folder in folders if (folder / "model.py").is_file()}))


@takes(ModelNotFoundError, name=PATH)
def get_model(name: str | Path) -> MemoryModel:
    """Return a model.

    Parameters
    ----------
    name : str or Path
        A name of `list_models`, or the path of a folder with a ``model.py``, which is read anew every time. Another
        task of the same paper has a file of its own in the folder: ``"rajan2016/choice"`` is ``choice.py``.

    Raises
    ------
    ModelNotFoundError
        When there is no such model or folder.
    RuleError
        When its file defines no ``model``.
    """
    folder, task = _paper_and_task(name)
    module = _module(folder, task)
    assert module is not None  # _paper_and_task and _locate checked that the file exists
    return _defined(module, "model", Model)


@takes(ModelNotFoundError, name=PATH)
def list_tasks(name: str | Path) -> tuple[str, ...]:
    """Return the names of a paper's further models, ``("rajan2016/choice",)``; none for most papers."""
    files = sorted(_locate(_paper_and_task(name)[0]).glob("*.py"))
    tasks = [file.stem for file in files if file.stem.isidentifier() and file.stem not in _FILES and _defines(file)]
    return tuple(f"{_paper_and_task(name)[0]}/{task}" for task in tasks)


def _defines(file: Path) -> bool:
    return re.search(r"^model\b.*=", file.read_text(encoding="utf-8"), re.MULTILINE) is not None


def _paper_and_task(name: str | Path) -> tuple[str | Path, str]:
    """Return the paper that a name belongs to, and which of its files has the model."""
    paper, _, task = str(name).rpartition("/")
    if task.isidentifier() and task not in _FILES and paper:
        for folder in [*(Path(path, paper) for path in __path__ if paper.isidentifier()), Path(paper).expanduser()]:
            if (folder / "model.py").is_file() and (folder / f"{task}.py").is_file():
                return paper, task
    return name, "model"


@takes(ModelNotFoundError, name=PATH)
def get_claims(name: str | Path) -> tuple[Claim, ...]:
    """Return the claims of a model's paper, from ``claims`` in its ``claims.py``; none without that file.

    Those of a further task stand with its paper.

    Raises
    ------
    ModelNotFoundError
        When there is no such model or folder.
    RuleError
        When its ``claims.py`` defines no ``claims``.
    """
    if _paper_and_task(name)[1] != "model":
        return ()
    module = _module(name, "claims")
    return () if module is None else tuple(_defined(module, "claims", (tuple, list)))


def _defined(module: ModuleType, name: str, kind: Any) -> Any:
    value = getattr(module, name, None)
    if not isinstance(value, kind):
        wanted = "model = MemoryModel(...)" if name == "model" else "claims = (Claim(...), ...)"
        found = "does not" if value is None else f"defines it as {type(value).__name__}"
        raise RuleError(f"{module.__file__} must define '{wanted}' and {found}.")
    return value


def _module(name: str | Path, part: str) -> ModuleType | None:
    folder = _locate(name)
    if not (folder / f"{part}.py").is_file():
        return None
    if str(folder.parent) in __path__:
        return importlib.import_module(f"{__name__}.{folder.name}.{part}")
    return _load(folder, part)


def _locate(name: str | Path) -> Path:
    """Return the folder of a model by its name or path."""
    shipped = [Path(path, name) for path in __path__ if str(name).isidentifier()]
    for folder in [*shipped, Path(name).expanduser().resolve()]:
        if (folder / "model.py").is_file():
            return folder
    known = [*list_models(), *(task for paper in list_models() for task in list_tasks(paper))]
    raise ModelNotFoundError(
        f"There is no model {str(name)!r}.{closest(str(name), known)} Models: {', '.join(known) or 'none'}. "
        f"A model of your own is named by the path of a folder with a 'model.py'{_reason(Path(name))}."
    )


def _reason(path: Path) -> str:
    if path.is_file():
        return f"; {str(path)!r} is a file, give its folder {str(path.parent)!r}"
    return f"; the folder {str(path)!r} has none" if path.is_dir() else ""


def _load(folder: Path, part: str) -> ModuleType:
    """Import a file of a folder outside the registry, as a module of a package of its own."""
    package = f"brainmem_model_{folder.name}"
    for loaded in [item for item in sys.modules if item == package or item.startswith(f"{package}.")]:
        del sys.modules[loaded]
    spec = ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    sys.modules[package] = module_from_spec(spec)
    importlib.invalidate_caches()
    return importlib.import_module(f"{package}.{part}")
