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
from brainmem.model.nouns import (
    Choice,
    Claim,
    Each,
    LearningRule,
    Limit,
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
from brainmem.model.variants import Rate, Spiking

if TYPE_CHECKING:
    from brainmem import measure, plot
    from brainmem.engine.device import Device
    from brainmem.model.freezing import freeze
    from brainmem.model.memory import MemoryModel
    from brainmem.models import get_model, list_models
    from brainmem.recordings import Recording, read_recording, surrogate
    from brainmem.results.agreement import Comparison
    from brainmem.results.comparison import compare
    from brainmem.results.result import Result
    from brainmem.simulation.simulate import arrays, script, simulate
    from brainmem.study.fitting import Fit, fit
    from brainmem.study.report import write_report
    from brainmem.study.reproduction import reproduce
    from brainmem.sweeps.store import Sweep
    from brainmem.sweeps.sweep import sweep
    from brainmem.translation import TranslatedModel, translate
    from brainmem.verification.explanation import explain
    from brainmem.verification.record import Verification
    from brainmem.verification.verify import verify

__version__ = "0.1.0"

plain_tracebacks()  # where Brian2 has been imported before

# Brian2 takes seconds to import and the analysis of saved results does not need it.
_LAZY = {
    "Comparison": "brainmem.results.agreement",
    "Device": "brainmem.engine.device",
    "Result": "brainmem.results.result",
    "Sweep": "brainmem.sweeps.store",
    "TranslatedModel": "brainmem.translation",
    "Verification": "brainmem.verification.record",
    "arrays": "brainmem.simulation.simulate",
    "compare": "brainmem.results.comparison",
    "explain": "brainmem.verification.explanation",
    "Fit": "brainmem.study.fitting",
    "fit": "brainmem.study.fitting",
    "freeze": "brainmem.model.freezing",
    "get_model": "brainmem.models",
    "list_models": "brainmem.models",
    "MemoryModel": "brainmem.model.memory",
    "measure": "brainmem",
    "plot": "brainmem",
    "Recording": "brainmem.recordings",
    "read_recording": "brainmem.recordings",
    "reproduce": "brainmem.study.reproduction",
    "script": "brainmem.simulation.simulate",
    "surrogate": "brainmem.recordings",
    "simulate": "brainmem.simulation.simulate",
    "sweep": "brainmem.sweeps.sweep",
    "translate": "brainmem.translation",
    "verify": "brainmem.verification.verify",
    "write_report": "brainmem.study.report",
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
    "Rate",
    "Recalled",
    "Recording",
    "Reference",
    "Repeat",
    "Result",
    "ResultError",
    "RuleError",
    "Spiking",
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
    "script",
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
