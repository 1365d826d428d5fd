"""The demonstration behind ``make demo``: random maps, handwritten digits, claims, one page."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from brainmem import measure, plot
from brainmem.comparison import compare
from brainmem.errors import BrainmemError
from brainmem.report import standard_figures, write_report
from brainmem.reproduction import Reproduction, reproduce
from brainmem.result import Result
from brainmem.simulation import simulate

__all__ = ["binary_digits", "demo", "digit_maps"]

MODEL = "kurikawa2020"
VARIANTS = ("rate", "spiking")
PICTURE = (8, 8)
DIGITS = 10
DIGIT_EPOCHS = 8
SEEDS = (0, 1)


def demo(output: str | Path = "demo") -> Path:
    """Run the demonstration and return the page it wrote.

    Parameters
    ----------
    output : str or Path
        Folder for ``index.html``, figures (PNG) and results (NetCDF).

    Raises
    ------
    BrainmemError
        When a run fails, or scikit-learn (for the digits) is missing.
    """
    console, begin = Console(), time.monotonic()
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    say = _teller(console, begin)
    digits = digit_maps()
    say("Claims of Kurikawa, Barak & Kaneko (2020), quick size, both variants")
    claims = reproduce(MODEL, variant="both", progress=lambda line: say(f"  {line}"))
    console.print(claims.table())
    random = {variant: _kept(claims, variant) for variant in VARIANTS}
    comparison = compare(random["rate"], random["spiking"], score="pearson")
    console.print(comparison.table())
    say(f"Handwritten digits: {DIGITS} maps from one digit to the next, N = {PICTURE[0] * PICTURE[1]}")
    recalled = _digits(digits, say)
    console.print(_digit_table(recalled))
    say("Writing results, figures and the page")
    _save(folder, random, recalled)
    page = _page(folder, claims, comparison, random, recalled)
    console.print(f"\n[bold]Open {page}[/]")
    return page


def _teller(console: Console, begin: float) -> Callable[[str], None]:
    return lambda text: console.print(f"[dim]{time.monotonic() - begin:5.0f} s[/]  {text}", highlight=False)


def _kept(claims: Reproduction, variant: str) -> list[Result]:
    """Return the runs of the claims that both variants made with the same maps and epochs."""
    keys = [_settings(result) for result in claims.results]
    shared = [key for key in keys if all((v, *key[1:]) in keys for v in VARIANTS)]
    largest = max(key[2:] for key in shared)
    wanted = [key for key in shared if key[0] == variant and key[2:] == largest]
    return [result for result in claims.results if _settings(result) in wanted]


def _settings(result: Result) -> tuple[str, int, Any, Any]:
    return (result.variant, result.seed, result.parameter("M"), result.parameter("epochs"))


# Digits


def binary_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's handwritten digits as +-1 pictures, and what they show.

    A pixel is +1 (ink) above the median of its own picture: half of the units are on, as in random patterns.

    Returns
    -------
    pictures : (sample, 64) float array of -1 and +1
    labels : (sample,) int array

    Raises
    ------
    BrainmemError
        When scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise BrainmemError(
            "The digits come with scikit-learn, which is not installed. Run: pip install 'brainmem[data]'"
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    threshold = np.median(pixels, axis=1, keepdims=True)
    return np.where(pixels > threshold, 1.0, -1.0), labels


def digit_maps(maps: int = DIGITS, *, sample: int = 0) -> dict[str, np.ndarray]:
    """Return cues and targets that map pictures of digits 0, 1, 2, ... to a picture of the next digit.

    Parameters
    ----------
    maps : int
        More than ten maps use further samples of each digit.
    sample : int
        Which sample of each digit to begin with.

    Returns
    -------
    dict of str to (map, 64) float array
        ``"cue"`` and ``"target"``.
    """
    pictures, labels = binary_digits()
    by_digit = [pictures[labels == digit] for digit in range(10)]
    cues = [by_digit[k % 10][sample + k // 10] for k in range(maps)]
    targets = [by_digit[(k + 1) % 10][sample + k // 10] for k in range(maps)]
    return {"cue": np.array(cues), "target": np.array(targets)}


def _digits(digits: Mapping[str, np.ndarray], say: Callable[[str], None]) -> dict[tuple[str, str], Result]:
    """Learn digits and, for comparison, random maps of the same size, in both variants."""
    parameters = {
        "N": PICTURE[0] * PICTURE[1],
        "M": DIGITS,
        "epochs": DIGIT_EPOCHS,
        "test_epochs": tuple(range(1, DIGIT_EPOCHS + 1)),
        "starts": 1,
    }
    jobs = {("digits", v): digits for v in VARIANTS} | {("random", v): {} for v in VARIANTS}

    def run(key: tuple[str, str]) -> Result:
        result = simulate(MODEL, key[1], parameters=parameters, inputs=jobs[key], seed=0)
        say(f"  {key[0]} maps, {key[1]} variant")
        return result

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return dict(zip(jobs, pool.map(run, jobs), strict=True))


def _digit_table(recalled: Mapping[tuple[str, str], Result]) -> Table:
    table = Table(title="Fraction of maps recalled (correlation above .85) by epoch", title_justify="left")
    table.add_column("maps")
    table.add_column("variant")
    for epoch in range(1, DIGIT_EPOCHS + 1):
        table.add_column(str(epoch), justify="right")
    for (kind, variant), result in recalled.items():
        fractions = measure.recall_table(result, score="pearson")["recalled"].values
        table.add_row(kind, variant, *(f"{value:.2f}" for value in fractions))
    return table


def _last_recall(result: Result) -> np.ndarray:
    """Return the recalled activity of every map in the last test, (item, unit)."""
    tests = result.select(phase="recall", epoch=DIGIT_EPOCHS)
    order = np.argsort(tests.step_item.values)
    return tests.mean_x.values[order]


def correlations(patterns: np.ndarray) -> float:
    """Return the root mean square correlation between different rows."""
    matrix = np.corrcoef(patterns)
    return float(np.sqrt(np.mean(matrix[~np.eye(len(matrix), dtype=bool)] ** 2)))


def _remark(recalled: Mapping[tuple[str, str], Result]) -> str:
    """Say, from the runs at hand, what correlated patterns do to capacity."""
    words = []
    for variant in VARIANTS:
        found = {
            kind: measure.recall_table(recalled[kind, variant], score="pearson")["recalled"].values
            for kind in ("digits", "random")
        }
        last = {kind: values[-1] for kind, values in found.items()}
        mean = {kind: values.mean() for kind, values in found.items()}
        words.append(
            f"{variant}: digits {last['digits']:.0%} against random maps {last['random']:.0%} after {DIGIT_EPOCHS} epochs "
            f"({mean['digits']:.0%} against {mean['random']:.0%} on average over epochs)"
        )
    digits, random = (recalled[kind, "rate"] for kind in ("digits", "random"))
    spread = {name: correlations(r.cue.values) for name, r in (("digits", digits), ("random", random))}
    return (
        f"Digits resemble each other: the root mean square correlation between cues is {spread['digits']:.2f}, for "
        f"random patterns of this size {spread['random']:.2f}. Correlated cues excite nearly the same input, so the "
        "network must learn larger differences in the recurrent field to tell their targets apart, and holds fewer of "
        f"them at the same number of presentations. Recalled here, {'; '.join(words)}."
    )


# Output


def _save(folder: Path, random: Mapping[str, list[Result]], recalled: Mapping[tuple[str, str], Result]) -> None:
    for variant, results in random.items():
        for result in results:
            result.save(folder / f"random-{variant}-M{result.parameter('M')}-seed{result.seed}.nc")
    for (kind, variant), result in recalled.items():
        result.save(folder / f"{kind}64-{variant}.nc")


def _page(folder: Path, claims: Reproduction, comparison, random, recalled) -> Path:
    digits = recalled["digits", "rate"]
    pictures = plot.digits(
        digits.cue.values,
        _last_recall(digits),
        _last_recall(recalled["digits", "spiking"]),
        digits.target.values,
        shape=PICTURE,
    )
    capacity = plot.recall_curve(list(recalled.values())[:2], score="pearson")
    figures = [
        ("Handwritten digits: the cue shown, what each variant recalled from a random state, and the target", pictures),
        ("Digits: fraction recalled against presentations", capacity),
        ("Claims", plot.claims(list(claims.rows))),
        *standard_figures(_flat(random), comparison),
    ]
    for number, (_, figure) in enumerate(figures):
        figure.savefig(folder / f"figure-{number:02d}.png", dpi=150)
    return write_report(
        folder / "index.html",
        title="Repeated sequential learning, in rate units and in spiking neurons",
        results=_flat(random),
        comparison=comparison,
        claims=list(claims.rows),
        figures=figures,
        notes=(_remark(recalled),),
    )


def _flat(random: Mapping[str, list[Result]]) -> list[Result]:
    return [result for results in random.values() for result in results]

