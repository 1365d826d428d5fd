"""Names that mean something to Brian2, to C++ or to the protocol: why a model may not use one."""

from __future__ import annotations

import errno
import keyword
import re
import signal

from brian2 import NeuronGroup, Synapses
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS

__all__ = [
    "CELL_PARAMETERS",
    "CONTROLLER",
    "SYNAPSES",
    "function_meaning",
    "local_meaning",
    "meaning",
    "object_meaning",
    "own_meaning",
]

BRIAN2 = {"t", "dt", "i", "j", "N", "t_in_timesteps", "lastspike", "not_refractory", "refractory"}
CONTROLLER = {
    *("step", "elapsed", "ended", "complete", "snapshot", "n_steps", "count", "phase_time", "tick"),
    *("averaging", "phase_begin", "put_back", "set_aside", "unit_spike"),
    *("step_begin", "step_end", "step_duration", "step_phase", "step_average", "step_snapshot"),
    *("step_set_aside", "step_put_back", "step_watched", "watched", "fulfilled", "start_seed"),
    *("step_skip", "step_loop", "step_leap", "loop_held", "loop_fulfilled", "protocol_epoch_end", "ending"),
    *("visit_seed", "shuffle_seed", "site_key", "site_uniform", "site_normal", "site_poisson"),
    *("drive_begin", "drive_of_unit", "settle"),
    *("protocol", "protocol_advance", "protocol_next", "protocol_show", "halt_when", "counter_uniform"),
    *("counter_normal", "delay_store", "delay_begin"),
}
# The parameters that every spiking variant adds.
CELL_PARAMETERS = ("rate_max", "cells_per_unit", "tau_m", "t_ref", "sigma_v", "spike_dt")
# Attributes of Brian2's groups: a variable of that name could not be set or recorded.
ATTRIBUTES = {
    *("active", "clock", "connect", "contained_objects", "delay", "equations", "events", "id", "name"),
    *("namespace", "order", "objects", "resetter", "self", "spikes", "start", "state", "state_updater", "stop", "when"),
    *("subexpression_updater", "summed_updaters", "thresholder", "updaters", "variables"),
}
CPP = {
    "alignas", "alignof", "asm", "auto", "bool", "case", "catch", "char", "class", "const", "constexpr",
    "default", "delete", "do", "double", "else", "enum", "explicit", "export", "extern", "false", "float",
    "for", "friend", "goto", "if", "inline", "int", "long", "main", "mutable", "namespace", "new", "operator",
    "private", "protected", "public", "register", "return", "short", "signed", "sizeof", "static", "struct",
    "switch", "template", "this", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned",
    "using", "virtual", "void", "volatile", "while",
}  # fmt: skip
# Words that the headers of compiled programs replace by others before the compiler reads them.
MACROS = {
    *("NULL", "EOF", "NAN", "INFINITY", "HUGE_VAL", "HUGE_VALF", "HUGE_VALL", "MAXFLOAT", "BUFSIZ", "CLOCKS_PER_SEC"),
    *("EXIT_FAILURE", "EXIT_SUCCESS", "BIG_ENDIAN", "LITTLE_ENDIAN", "PDP_ENDIAN", "BYTE_ORDER", "P_tmpdir", "NZERO"),
    *(
        "errno",
        "stdin",
        "stdout",
        "stderr",
        "linux",
        "unix",
        "sched_priority",
        "math_errhandling",
        "TIME_UTC",
        "assert",
    ),
    *("F_OK", "R_OK", "W_OK", "X_OK", "L_SET", "L_INCR", "L_XTND", "L_tmpnam", "SIG_DFL", "SIG_IGN", "SIG_ERR"),
    *errno.errorcode.values(),
    *(item.name for item in signal.Signals),
}
_MACRO_FAMILIES = re.compile(
    r"M_(E|LOG2E|LOG10E|LN2|LN10|PI|PI_2|PI_4|1_PI|2_PI|2_SQRTPI|SQRT2|SQRT1_2)(f|l|f\d+x?)?"
    r"|U?(CHAR|SHRT|INT|LONG|LLONG|LONG_LONG|INT(_FAST|_LEAST)?\d+|INTMAX|INTPTR)_(MAX|MIN|WIDTH|BIT|C)"
    r"|(SCHAR|SIZE|SSIZE|PTRDIFF|WCHAR|WINT|SIG_ATOMIC|RAND|PATH|NAME|TMP|FOPEN|FILENAME)_(MAX|MIN|WIDTH)"
    r"|(FLT|DBL|LDBL|FP|LC|SEEK|STA|CLOCK|CLONE|SCHED|PTHREAD|CPU)_[A-Z0-9_]+|S?NANL?F?\d*X?"
)
# What printed scripts call so.
PRINTED = {"arrays", "np", "network", "clock", "curve_value", "linked_var", "seed", "prefs", "defaultclock"}
# What synapses have already; a rule that runs when a phase ends is added to them under its name.
SYNAPSES = {name for name in dir(Synapses) if not name.startswith("_")} | {
    *("N", "i", "j", "delay", "equations", "events", "lastupdate", "source", "target", "variables"),
}
# Names by which Brian2 calls objects that have none.
AUTOMATIC = {kind.__name__.lower() for group in (NeuronGroup, Synapses) for kind in group.__mro__}


def meaning(name: str) -> str:
    """Return why no variable or parameter may have a name, ``""`` if it may."""
    if not name.isidentifier() or not name.isascii():
        return "is not made of letters, digits and _"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a Python keyword"
    if name == "xi" or name.startswith("xi_"):
        return "has a meaning of its own in Brian2, its noise"
    for names, reason in _MEANINGS:
        if name in names:
            return reason
    if _MACRO_FAMILIES.fullmatch(name):
        return MACRO
    if name.endswith(("_pre", "_post")):
        return "ends in _pre or _post, which in synapses tell whose variable is meant"
    return "starts with an underscore" if name.startswith("_") else ""


MACRO = "is a word of the C++ headers, with which equations are compiled"
_MEANINGS = (
    (DEFAULT_FUNCTIONS, "is a function of Brian2"),
    (DEFAULT_UNITS, "is a unit"),
    (DEFAULT_CONSTANTS, "is a constant of Brian2"),
    (BRIAN2, "has a meaning of its own in Brian2"),
    (ATTRIBUTES, "is an attribute of Brian2's groups"),
    (CONTROLLER, "is used by the protocol itself"),
    (CELL_PARAMETERS, "is a parameter of every spiking variant, which MemoryModel(spiking={...}) sets"),
    (CPP, "is a keyword of C++, to which equations are compiled"),
    (MACROS, MACRO),
)


def own_meaning(name: str, *, declared: bool = False) -> str:
    """Return why no cell of a user's own may name something so, ``""`` if it may: its names get another in front.

    Those `declared` in equations are read by Brian2 as they stand.
    """
    if keyword.iskeyword(name):
        return "is a Python keyword"
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        return "must begin with a letter, and have only letters of the English alphabet, digits and _"
    if name == "xi" or name.startswith("xi_"):
        return "has a meaning of its own in Brian2, its noise"
    for names, reason in _MEANINGS[:3]:
        if name in names:
            return reason
    return _MEANINGS[3][1] if name in BRIAN2 - (set() if declared else {"N", "refractory"}) else ""


def object_meaning(name: str) -> str:
    """Return why no population, projection or rule may have a name, ``""`` if it may."""
    if not name.isascii() or name.startswith("_"):
        return "must begin with a letter, and have only letters of the English alphabet, digits and _"
    if name == "xi" or name.startswith("xi_"):
        return "has a meaning of its own in Brian2, its noise"
    return "is what Brian2 calls objects without a name" if re.sub(r"_\d+$", "", name) in AUTOMATIC else ""


def function_meaning(name: str) -> str:
    """Return why no function of a curve may have a name, ``""`` if it may."""
    return "stands for something else in printed scripts" if name in PRINTED else object_meaning(name)


def local_meaning(name: str) -> str:
    """Return why statements may not name a value so, ``""`` if they may.

    What only the protocol's own unit has, or a group as an attribute, is nothing to the statements of synapses.
    """
    harmless = name in CONTROLLER - {"count"} or name in ATTRIBUTES or name.endswith(("_pre", "_post"))
    return "" if harmless else meaning(name)
