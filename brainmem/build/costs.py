"""Say which kernel computes each connection, what it holds in memory and about how long a step takes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from brainmem.build.kernels import Kernel, choose_kernels
from brainmem.engine.device import Device
from brainmem.text.equations import read_equations
from brainmem.text.slices import joined
from brainmem.translation.sizes import Pairs
from brainmem.translation.text import Connection, Translation

__all__ = ["describe_kernels"]

# Bytes beside its values that Brian2's list of pairs holds for each synapse: two indices.
_INDEX_BYTES = 8
# Brian2's loops over pairs are bound by their indices, not by memory: measured against dense ones, about fivefold.
_LIST_FACTOR = 5.0
# A sum reads the weights, and the changes of eight steps are written in one pass.
_WAITING_PASSES = 1 + 1 / 8


def describe_kernels(translated: Translation, parameters: Mapping[str, Any], device: Device) -> tuple[str, ...]:
    """Return lines that say, for each connection, its kernel, the reason, its memory and the time per step.

    The time is an estimate: bytes that a step reads and writes, over the rate at which numpy's matrix-vector product
    of the same size reads them on this machine, now.
    """
    kernels = choose_kernels(translated, device)
    lines: list[str] = []
    for item in translated.connections:
        lines += _describe(translated, item, kernels[item.name], parameters, device)
    return tuple(lines)


def _describe(
    translated: Translation, item: Connection, kernel: Kernel, parameters: Mapping[str, Any], device: Device
) -> list[str]:
    ends = joined(
        item, (_size(translated, item.source, parameters), _size(translated, item.target, parameters)), parameters
    )
    post, pre = ends.shape
    if ends.empty:
        return [f"{item.name}, {post} x {pre}: joins no units and is left out."]
    kind = "no synapses" if kernel.sorts else "matrix" if kernel.dense else "list of pairs"
    lines = [f"{item.name}, {post} x {pre}: {kind}; {kernel.reason}."]
    if item.pairs is Pairs.OWN_CELLS or kernel.sorts:
        return lines
    if gates := dict.fromkeys(gate for names in kernel.gates.values() for gate in names):
        lines.append(f"  Where {' or '.join(gates)} is 0 nothing changes and nothing is evaluated.")
    width = device.float // 8
    values = sum(line.kind != "subexpression" for line in read_equations(item.equations)) if item.equations else 0
    memory = post * pre * (values * width + (0 if kernel.dense else _INDEX_BYTES))
    lines.append(f"  Memory: {_bytes(memory)}.")
    moved = post * pre * width * (_WAITING_PASSES if kernel.deferral else _passes(item))
    if moved:
        seconds = moved * _seconds_per_byte(post, pre) * (1.0 if kernel.dense else _LIST_FACTOR)
        lines.append(f"  Time per step: about {_time(seconds)} ({_bytes(moved)} read and written).")
    return lines


def _size(translated: Translation, group: str, parameters: Mapping[str, Any]) -> int:
    return translated.group(group).size.value(parameters)


def _passes(item: Connection) -> float:
    """How often a step reads or writes one value of every synapse."""
    lines = read_equations(item.equations)
    changed = sum(line.kind == "differential" for line in lines)
    stored = any(line.kind != "subexpression" for line in lines)
    return 2 * changed or int(bool(item.always_formed) and stored)


def _seconds_per_byte(post: int, pre: int) -> float:
    matrix, vector = np.ones((max(post, 64), max(pre, 64))), np.ones(max(pre, 64))
    best = np.inf
    for _ in range(5):
        begin = time.perf_counter()
        matrix @ vector
        best = min(best, time.perf_counter() - begin)
    return best / matrix.nbytes


def _bytes(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.2g} us" if seconds < 1e-3 else f"{seconds * 1e3:.2g} ms"
