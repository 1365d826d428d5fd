"""A peer in a process of its own: ``python -m brainmem.bench.worker ENGINE NETWORK SIZE``.

Thread counts are read when libraries load; they stand in the environment that `brainmem.bench.peers` gives. Requests
are lines of JSON, ``{"do": "time", "steps": 100}`` or ``{"do": "state", "steps": 3}``, and so are answers.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, TextIO

from brainmem.bench.engines import Engine, load
from brainmem.bench.networks import start_of
from brainmem.bench.squares import SQUARES, SquaresLoop, SquaresStart

__all__ = ["main"]


def main(engine: str, network: str, size: str) -> int:
    """Load a network, say that it is ready, and answer requests until there are no more."""
    answers = _own_output()
    try:
        ready = _loaded(engine, network, int(size))
        ready.prepare(1)
    except Exception as error:
        _write(answers, {"error": f"{type(error).__name__}: {error}"})
        return 1
    _write(answers, {"ready": True})
    for line in sys.stdin:
        _write(answers, _answer(ready, **json.loads(line)))
    return 0


def _loaded(engine: str, network: str, size: int) -> Engine:
    if (engine, network) == ("numpy", SQUARES):
        return SquaresLoop(SquaresStart.of(size))
    return load(engine, network, start_of(network, size))


def _own_output() -> TextIO:
    """Return standard output, and send to standard error what the libraries print."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _write(answers: TextIO, answer: dict[str, Any]) -> None:
    print(json.dumps(answer), file=answers, flush=True)


def _answer(engine: Engine, do: str, steps: int) -> dict[str, Any]:
    engine.prepare(steps)
    begin = time.process_time()
    engine.advance(steps)
    if do == "time":
        return {"seconds": time.process_time() - begin}
    w, x = engine.state()
    return {"w": w.tolist(), "x": x.tolist()}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
