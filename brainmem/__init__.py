"""brainmem: learning rules and memory networks, written once, run as rate units and as spiking neurons."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from brainmem.errors import (
    BrainmemError,
    DeviceError,
    ModelNotFoundError,
    ResultError,
    RuleError,
    TranslationError,
    plain_tracebacks,
)
from brainmem.spec import (
    Choice,
    Claim,
    Each,
    LearningRule,
    Limit,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Recalled,
    Reference,
    Repeat,
    SpikingRule,
    Stimulus,
)

if TYPE_CHECKING:
    from brainmem import measure, plot
    from brainmem.agreement import Comparison
    from brainmem.comparison import compare
    from brainmem.devices import Device
    from brainmem.explanation import explain
    from brainmem.fitting import Fit, fit
    from brainmem.freezing import freeze
    from brainmem.models import get_model, list_models
    from brainmem.recordings import Recording, read_recording, surrogate
    from brainmem.report import write_report
    from brainmem.reproduction import reproduce
    from brainmem.result import Result
    from brainmem.simulation import arrays, simulate
    from brainmem.store import Sweep
    from brainmem.sweeps import sweep
    from brainmem.translation import TranslatedModel, translate
    from brainmem.verification.record import Verification
    from brainmem.verification.verify import verify

__version__ = "0.1.0"

plain_tracebacks()  # where Brian2 has been imported before

# Brian2 takes seconds to import and the analysis of saved results does not need it.
_LAZY = {
    "Comparison": "brainmem.agreement",
    "Device": "brainmem.devices",
    "Result": "brainmem.result",
    "Sweep": "brainmem.store",
    "TranslatedModel": "brainmem.translation",
    "Verification": "brainmem.verification.record",
    "arrays": "brainmem.simulation",
    "compare": "brainmem.comparison",
    "explain": "brainmem.explanation",
    "Fit": "brainmem.fitting",
    "fit": "brainmem.fitting",
    "freeze": "brainmem.freezing",
    "get_model": "brainmem.models",
    "list_models": "brainmem.models",
    "measure": "brainmem",
    "plot": "brainmem",
    "Recording": "brainmem.recordings",
    "read_recording": "brainmem.recordings",
    "reproduce": "brainmem.reproduction",
    "surrogate": "brainmem.recordings",
    "simulate": "brainmem.simulation",
    "sweep": "brainmem.sweeps",
    "translate": "brainmem.translation",
    "verify": "brainmem.verification.verify",
    "write_report": "brainmem.report",
}

__all__ = [
    "BrainmemError",
    "Choice",
    "Claim",
    "Comparison",
    "Device",
    "DeviceError",
    "Each",
    "Fit",
    "LearningRule",
    "Limit",
    "MemoryModel",
    "ModelNotFoundError",
    "Observable",
    "Parameter",
    "Phase",
    "Population",
    "Projection",
    "Protocol",
    "Recalled",
    "Recording",
    "Reference",
    "Repeat",
    "Result",
    "ResultError",
    "RuleError",
    "SpikingRule",
    "Stimulus",
    "Sweep",
    "TranslatedModel",
    "TranslationError",
    "Verification",
    "arrays",
    "compare",
    "explain",
    "fit",
    "freeze",
    "get_model",
    "list_models",
    "measure",
    "plot",
    "read_recording",
    "reproduce",
    "simulate",
    "surrogate",
    "sweep",
    "translate",
    "verify",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'brainmem' has no attribute {name!r}")
    home = _LAZY[name]
    value = importlib.import_module(f"brainmem.{name}") if home == "brainmem" else _from(home, name)
    globals()[name] = value
    return value


def _from(home: str, name: str) -> Any:
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return __all__
