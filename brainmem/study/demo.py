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
from brainmem.measure.criterion import Criterion, shown_criteria
from brainmem.recordings.pictures import digit_levels
from brainmem.results.agreement import Comparison
from brainmem.results.comparison import compare
from brainmem.results.result import Result
from brainmem.simulation.simulate import simulate
from brainmem.storage.files import make_folder, replacing
from brainmem.study.report import standard_figures, write_report
from brainmem.study.reproduction import Reproduction, reproduce

__all__ = ["binary_digits", "demo", "digit_maps"]

MODEL = "kurikawa2020"
VARIANTS = ("rate", "spiking")
PICTURE = (8, 8)
SHOWN = 5
LOADS = (SHOWN, 10)
DIGIT_EPOCHS = 20
TESTED = (1, 2, 5, 10, 20)
KINDS = {
    "digit to digit": ("cue", "target"),
    "digit to random": ("cue",),
    "random to random": (),
}
Key = tuple[str, int, str]


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
    folder = make_folder(output)
    say = _teller(console, begin)
    binary_digits()  # fails at once where scikit-learn is missing
    say("Claims of Kurikawa, Barak & Kaneko (2020), quick size, both variants")
    claims = reproduce(MODEL, variant="both", progress=lambda line: say(f"  {line}"))
    console.print(claims.table())
    random = {variant: _kept(claims, variant) for variant in VARIANTS}
    comparison = compare(random["rate"], random["spiking"])
    console.print(str(comparison), highlight=False, soft_wrap=True)
    say(f"Handwritten digits, N = {PICTURE[0] * PICTURE[1]}, and random maps of the same size")
    recalled = _digits(say)
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

    A pixel is +1 where it has more ink than the same pixel has on average over all pictures. A threshold common to
    all pixels would leave the pictures far more alike (the middle always inked, the margin never).

    Returns
    -------
    pictures : (sample, 64) float array of -1 and +1
    labels : (sample,) int array

    Raises
    ------
    BrainmemError
        When scikit-learn is not installed.
    """
    pixels, labels = digit_levels()
    return np.where(pixels > pixels.mean(axis=0), 1.0, -1.0), labels


def digit_maps(maps: int) -> dict[str, np.ndarray]:
    """Return cues and targets that map a picture of each digit to a picture of the next, the last to the first.

    Parameters
    ----------
    maps : int
        At most ten, one per digit.

    Returns
    -------
    dict of str to (map, 64) float array
        ``"cue"`` and ``"target"``.
    """
    pictures, labels = binary_digits()
    cues = np.array([pictures[labels == digit][0] for digit in range(maps)])
    return {"cue": cues, "target": np.roll(cues, -1, axis=0)}


def _digits(say: Callable[[str], None]) -> dict[Key, Result]:
    """Learn digits and, for comparison, random maps of the same size, in both variants."""
    keys = [(kind, maps, variant) for kind in KINDS for maps in LOADS for variant in VARIANTS]

    def run(key: Key) -> Result:
        kind, maps, variant = key
        size = PICTURE[0] * PICTURE[1]
        parameters = {"N": size, "M": maps, "epochs": DIGIT_EPOCHS, "test_epochs": TESTED, "starts": 1}
        digits = digit_maps(maps)
        inputs = {name: digits[name] for name in KINDS[kind]}
        result = simulate(MODEL, variant, parameters=parameters, inputs=inputs, seed=0)
        say(f"  {maps} maps {kind}, {variant} variant")
        return result

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return dict(zip(keys, pool.map(run, keys), strict=True))


def _recalled(result: Result) -> np.ndarray:
    """Return the fraction of maps recalled in every tested epoch."""
    return measure.recall_table(result)["recalled"].values


def _criteria(recalled: Mapping[Key, Result]) -> dict[str, Criterion]:
    """Return by what each variant's maps count as recalled."""
    return {variant: measure.Criterion.of(result) for (_, _, variant), result in recalled.items()}


def _digit_table(recalled: Mapping[Key, Result]) -> Table:
    title = f"Fraction of maps recalled after epochs\nrecalled: {shown_criteria(_criteria(recalled))}"
    table = Table(title=title, title_justify="left")
    for column in ("maps", "M", "variant", *map(str, TESTED)):
        table.add_column(column)
    for (kind, maps, variant), result in recalled.items():
        table.add_row(kind, str(maps), variant, *(f"{value:.2f}" for value in _recalled(result)))
    return table


def _last_recall(result: Result) -> np.ndarray:
    """Return the activity recalled from the first random state of every map in the last test, (item, unit)."""
    tests = result.select(phase="recall", epoch=DIGIT_EPOCHS)
    first = tests.step_repeat.values == 0
    order = np.argsort(tests.step_item.values[first])
    return tests.mean_x.values[first][order]


def _likeness(patterns: np.ndarray) -> float:
    """Return the root mean square correlation between different rows."""
    matrix = np.corrcoef(patterns)
    return float(np.sqrt(np.mean(matrix[~np.eye(len(matrix), dtype=bool)] ** 2)))


def _remarks(recalled: Mapping[Key, Result]) -> tuple[str, ...]:
    """Say, from the runs at hand, what correlated patterns do to capacity."""
    most = max(LOADS)
    alike = {kind: _likeness(recalled[kind, most, "rate"].target.values) for kind in KINDS}
    lines = [
        f"Digits resemble each other: between the {most} targets the root mean square correlation is "
        f"{alike['digit to digit']:.2f}, between random ones {alike['random to random']:.2f}."
    ]
    criterion = shown_criteria(_criteria(recalled))
    for maps in LOADS:
        parts = [
            f"{kind} {_recalled(recalled[kind, maps, 'rate'])[-1]:.0%} (rate) and "
            f"{_recalled(recalled[kind, maps, 'spiking'])[-1]:.0%} (spiking)"
            for kind in KINDS
        ]
        lines.append(f"Recalled after {DIGIT_EPOCHS} epochs of {maps} maps, by {criterion}: {'; '.join(parts)}.")
    lines.append(
        "Correlated targets pull the state to what they have in common, so that a network holds fewer maps between "
        "digits than between random patterns, and needs more presentations for them. Correlated cues alone (digit to "
        "random) cost little: the rule learns to cancel the input."
    )
    return tuple(lines)


# Output


def _save(folder: Path, random: Mapping[str, list[Result]], recalled: Mapping[Key, Result]) -> None:
    for variant, results in random.items():
        for result in results:
            result.save(folder / f"random-{variant}-M{result.parameter('M')}-seed{result.seed}.nc")
    for (kind, maps, variant), result in recalled.items():
        result.save(folder / f"{kind.replace(' ', '-')}-{variant}-M{maps}.nc")


def _page(
    folder: Path,
    claims: Reproduction,
    comparison: Comparison,
    random: Mapping[str, list[Result]],
    recalled: Mapping[Key, Result],
) -> Path:
    shown = [recalled["digit to digit", SHOWN, variant] for variant in VARIANTS]
    rate, spiking = shown
    pictures = plot.digits(
        rate.cue.values, _last_recall(rate), _last_recall(spiking), rate.target.values, shape=PICTURE
    )
    figures = [
        ("Handwritten digits: the cue shown, what each variant recalled from a random state, and the target", pictures),
        ("Digit to digit: fraction recalled against presentations", plot.recall_curve(shown)),
        ("Claims", plot.claims(list(claims.rows))),
        *standard_figures(_flat(random), comparison),
    ]
    for number, (_, figure) in enumerate(figures):
        with replacing(folder / f"figure-{number:02d}.png") as temporary:
            figure.savefig(temporary, format="png", dpi=150)
    return write_report(
        folder / "index.html",
        title="Repeated sequential learning, in rate units and in spiking neurons",
        results=_flat(random),
        comparison=comparison,
        claims=list(claims.rows),
        figures=figures,
        notes=_remarks(recalled),
    )


def _flat(random: Mapping[str, list[Result]]) -> list[Result]:
    return [result for results in random.values() for result in results]
