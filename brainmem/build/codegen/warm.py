"""Read the templates of C++ programs once, in the process whose forks build."""

from __future__ import annotations

from pathlib import Path

from brian2.codegen.cpp_prefs import get_compiler_and_args
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject

from brainmem.build.codegen.dense import dense_class
from brainmem.build.codegen.snapshot import flagged_class

__all__ = ["warm_up"]

OWN = sorted(path.stem for path in (Path(__file__).parent / "templates").glob("*.cpp"))
# Those of Brian2 that every network needs.
EVERY = ("common_group", "main", "makefile", "network", "objects", "reset", "run", "statemonitor", "stateupdate",
         "synapses_classes", "threshold")  # fmt: skip
SPIKING = ("common_synapses", "group_variable_set", "spikemonitor", "summed_variable", "synapses",
           "synapses_create_generator", "synapses_push_spikes")  # fmt: skip


def warm_up() -> None:
    """Have templates compiled, and the compiler's flags tried."""
    get_compiler_and_args()
    base = CPPStandaloneCodeObject
    for name in (*EVERY, *SPIKING):
        base.templater.templates.get_template(name)
    for name in ("common_group", *(item for item in OWN if item not in ("snapshot", "extreme", "ranked", "sweep"))):
        dense_class(base).templater.templates.get_template(name)
    for name in ("common_group", "snapshot", "extreme", "ranked"):
        flagged_class(base).templater.templates.get_template(name)
