"""Every figure of `brainmem.plot` with what it has to draw, computed from its source without the package's measures.

What is drawn in grey or pale (lines to compare with, boundaries) is no data and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import AxLine
from matplotlib.patches import Rectangle

from brainmem import measure, plot
from brainmem.plot.style import GREY, PALE
from brainmem.results.comparison import compare
from brainmem.results.result import Result
from tests.support import synthetic

RATE = [synthetic.result("rate", seed, traces=True) for seed in range(3)]
SPIKING = [synthetic.result("spiking", seed, traces=True, noise=0.1, change=0.8) for seed in range(3)]
SEEDS = [synthetic.result("rate", seed, recalled={1: 0, 2: seed, 5: 6}) for seed in (0, 3)]
SEQUENCE = np.exp(-((np.arange(200)[:, None] - np.linspace(0, 200, 30)) ** 2) / 800)
SHUFFLED = SEQUENCE[:, np.random.default_rng(2).permutation(30)]
PLACES = np.random.default_rng(1).normal(size=(30, 30))
PICTURES = synthetic.patterns(items=5, units=16)
LINKS, CURRENT = np.random.default_rng(3).normal(size=(7, 7)), np.random.default_rng(4).normal(size=(40, 7))
PLACED = tuple("ABABAAB")
PVARS = np.array([[0.1, 0.3], [0.8, 0.6], [0.9, 0.1]])
MARKS = np.linspace(-0.25, 0.25, 12), np.linspace(-0.25, 0.25, 6)

Drawn = dict[str, list[np.ndarray]]
"""Of one panel: arrays by kind (lines, bands, segments, points, images, bars), in the order in which they are drawn."""


@dataclass(frozen=True)
class Example:
    """A call of a figure function, and what each of its panels has to hold."""

    draw: Callable[[], Figure]
    panels: Callable[[], list[Drawn]]


def drawn(figure: Figure) -> list[Drawn]:
    """Return what each panel holds; a bar of colours is no panel."""
    return [_panel(axes) for axes in figure.axes if axes.get_label() != "<colorbar>"]


def _panel(axes: Axes) -> Drawn:
    lines = [line for line in axes.lines if not isinstance(line, AxLine) and line.get_color() not in (GREY, PALE)]
    kinds: Drawn = {
        "lines": [xy(*line.get_data()) for line in lines],
        "slopes": [np.array(line.get_slope()) for line in axes.lines if isinstance(line, AxLine)],
        "images": [np.asarray(image.get_array()) for image in axes.images],
        "bars": [np.array([*bar.get_xy(), bar.get_width()]) for bar in axes.patches if isinstance(bar, Rectangle)],
        "points": [np.asarray(c.get_offsets()) for c in axes.collections if isinstance(c, PathCollection)],
        "segments": [np.array(c.get_segments()) for c in axes.collections if isinstance(c, LineCollection)],
        "bands": [_edges(c) for c in axes.collections if isinstance(c, PolyCollection)],
    }
    return {kind: found for kind, found in kinds.items() if found}


def _edges(band: PolyCollection) -> np.ndarray:
    """Return the corners of a band, each once and sorted."""
    return np.unique(band.get_paths()[0].vertices, axis=0)


def xy(x, y) -> np.ndarray:
    return np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])


def band(x, low, high) -> np.ndarray:
    return np.unique(np.concatenate([xy(x, low), xy(x, high)]), axis=0)


def scores(result: Result) -> np.ndarray:
    """Return (epoch, item, start): overlap of rates with targets, Pearson's r of spiking runs."""
    found = np.empty((len(synthetic.EPOCHS), synthetic.ITEMS, synthetic.STARTS))
    target = result.data.target.values
    for phase, item, epoch, start, rates in steps(result):
        if phase == "recall":
            r = np.corrcoef(rates, target[item])[0, 1]
            value = np.mean(rates * target[item]) if result.variant == "rate" else r
            found[synthetic.EPOCHS.index(epoch), item, start] = value
    return found


def steps(result: Result):
    data = result.data
    columns = (data[f"step_{name}"].values.tolist() for name in ("phase", "item", "epoch", "repeat"))
    return list(zip(*columns, data.mean_x.values, strict=True))


def of_phase(result: Result, phase: str, name: str) -> np.ndarray:
    return result.data[name].values[result.data.step_phase.values == phase]


def raster() -> list[Drawn]:
    data, ends = SPIKING[0].data, np.cumsum(SPIKING[0].data.step_duration.values)
    begins = ends - 0.5
    inside = (data.spike_time.values >= 0.2) & (data.spike_time.values <= 1.5)
    bars = [np.array([begin, 0, 0.5]) for begin in begins[(ends > 0.2) & (begins < 1.5)]]
    return [{"bars": bars}, {"points": [xy(data.spike_time.values, data.spike_cell.values)[inside]]}]


def rates() -> list[Drawn]:
    runs = (RATE[0].data, SPIKING[0].data)
    return [{"lines": [xy(data.time.values, data.x.values[:, unit]) for data in runs]} for unit in (0, 7)]


def overlaps() -> list[Drawn]:
    panels = []
    for result, places in ((RATE[0], MARKS[0]), (SPIKING[0], MARKS[1])):
        learned = of_phase(result, "learn", "overlap")
        counted = scores(result) if result.variant == "rate" else scores(result).mean(axis=2)
        counted = counted.reshape(3, -1)
        lengths = [[[k - 0.33, mean], [k + 0.33, mean]] for k, mean in enumerate(counted.mean(axis=1))]
        points = xy((np.arange(3)[:, None] + places).ravel(), counted.ravel())
        panels += [{"lines": [xy(np.arange(30), learned)]}, {"lines": [points], "segments": [np.array(lengths)]}]
    return panels


def weights() -> list[Drawn]:
    data = RATE[0].data
    matrices, epochs = data.recurrent_w.values, data.epoch.values
    norms = np.sqrt((matrices**2).sum(axis=2))
    index = [_decorrelation(matrix, data.target.values, data.cue.values) for matrix in matrices[1:]]
    mean = {"lines": [xy(epochs, norms.mean(axis=1))], "bands": [band(epochs, norms.min(axis=1), norms.max(axis=1))]}
    return [*({"images": [matrix]} for matrix in matrices), mean, {"lines": [xy(epochs[1:], index)]}]


def _decorrelation(matrix, targets, cues) -> float:
    """Return R: solve X A = J X for the coordinates A of what J makes of each pattern, and compare items."""
    patterns = np.concatenate([targets, cues]).T
    coordinates = np.linalg.lstsq(patterns, matrix @ patterns, rcond=None)[0]
    item = np.tile(np.arange(len(targets)), 2)
    own = item[:, None] == item
    return np.sqrt((coordinates[~own] ** 2).mean()) / np.abs(coordinates[own]).mean()


def recall_curve() -> list[Drawn]:
    shown: Drawn = {"lines": [], "bands": []}
    for group in (SEEDS, SPIKING):
        if group is SEEDS:
            values = np.array([(scores(result) > 0.85).mean(axis=(1, 2)) for result in group])
        else:
            values = np.array([(scores(result).mean(axis=2) > 0.9).mean(axis=1) for result in group])
        mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1)
        shown["lines"] += [xy(synthetic.EPOCHS, row) for row in [*values, mean]]
        shown["bands"] += [band(synthetic.EPOCHS, np.clip(mean - sd, 0, 1), np.clip(mean + sd, 0, 1))]
    return [shown]


def comparison() -> list[Drawn]:
    panels: list[Drawn] = []
    for phase in ("learn", "recall"):
        first, second = (np.concatenate([of_phase(r, phase, "mean_x").ravel() for r in g]) for g in (RATE, SPIKING))
        panels.append({"points": [xy(first, second)]})
    changes = [np.concatenate([(r.data.recurrent_w[-1] - r.data.recurrent_w[0]).values.ravel() for r in group])
               for group in (RATE, SPIKING)]  # fmt: skip
    off = changes[0] != 0  # no unit has a weight onto itself
    return [*panels, {"points": [xy(*changes)[off]], "slopes": [np.array(0.8)]}]


def claims() -> list[Drawn]:
    """Return tolerances as bars [from, -, width], values with their sd, and the paper's number; rate above spiking.

    An open tolerance ends with the axis, which is 15 % longer than its numbers are apart.
    """
    up, down = 0.34, -0.34
    return [
        {
            "bars": [np.array([0.85, 0.5, 0.15]), np.array([0.85, 0, 0.15])],
            "lines": [xy([0.97], [up]), xy([0.9], [down]), xy([0.95], [0])],
            "segments": [np.array([[[0.95, up], [0.99, up]]]), np.array([[[0.86, down], [0.94, down]]])],
        },
        {
            "bars": [np.array([0.12 - 0.0255, 0.5, 0.08 + 0.0255]), np.array([0.12 - 0.0255, 0, 0.08 + 0.0255])],
            "lines": [xy([0.13], [up]), xy([0.26], [down])],
            "segments": [np.array([[[0.12, up], [0.14, up]]]), np.array([[[0.23, down], [0.29, down]]])],
        },
        {
            "bars": [np.array([0.3, 0.5, 0.15 + 0.0525]), np.array([0.1, 0, 0.35 + 0.0525])],
            "lines": [xy([0.41], [up]), xy([0.2], [down]), xy([0.45], [0])],
            "segments": [np.array([[[0.18, down], [0.22, down]]])],
        },
        {},
    ]


def digits() -> list[Drawn]:
    target, cue = (pictures.reshape(-1, 4, 4) for pictures in PICTURES)
    return [{"images": [picture]} for row in (cue, target, -target, target) for picture in row]


def sequences() -> list[Drawn]:
    time = np.arange(200)[:, None]
    order = np.argsort((time * SHUFFLED).sum(axis=0) / SHUFFLED.sum(axis=0))
    return [{"images": [table[:, order].T]} for table in (SHUFFLED, SHUFFLED[:, ::-1])]


def region_currents() -> list[Drawn]:
    panels: list[Drawn] = []
    for target in "AB":
        own = np.array([name == target for name in PLACED])
        order = np.argsort(np.argmax(CURRENT @ LINKS[own].T, axis=0), kind="stable")
        for source in "AB":
            pre = np.array([name == source for name in PLACED])
            panels.append({"images": [(CURRENT[:, pre] @ LINKS[np.ix_(own, pre)].T)[:, order].T]})
    return panels


def unit_fits() -> list[Drawn]:
    wanted, found = SEQUENCE[:, :5], SEQUENCE[:, :5] + 0.1 * np.arange(5)
    scores = 1 - ((wanted - found) ** 2).sum(axis=0) / ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0)
    time = 0.01 * np.arange(200)
    traces: list[Drawn] = [{"lines": [xy(time, found[:, unit])]} for unit in np.argsort(scores)[[4, 2, 0]]]
    return [{"lines": [xy(np.arange(5), np.sort(scores)[::-1])]}, *traces]


def pvar_of_tests() -> list[Drawn]:
    tests, mean, one = np.arange(1, 4), PVARS.mean(axis=1), [-2, 0.5, 0.9, 0.85]
    lines = [xy(np.arange(1, 5), one), xy([3], [0.9]), *(xy(tests, trial) for trial in PVARS.T)]
    return [{"lines": [*lines, xy(tests, mean), xy([2], [0.7])]}]


def pvar_curve() -> list[Drawn]:
    points = xy([0.02, 0.02, 0.08, 0.08, 1, 1], [0.3, 0.4, 0.9, 0.92, 0.95, 0.97])
    return [{"lines": [xy([0.02, 0.08, 1], [0.35, 0.91, 0.96]), points]}]


def weight_bands() -> list[Drawn]:
    unit = np.arange(30)
    number = np.floor((unit[:, None] - unit) / 3 + 0.5)
    panels: list[Drawn] = []
    for matrix in (PLACES.T, PLACES):
        inside = [matrix[number == k] for k in range(-6, 7)]
        offset, mean, sd = 3 * np.arange(-6, 7), [item.mean() for item in inside], [item.std() for item in inside]
        edges = band(offset, np.subtract(mean, sd), np.add(mean, sd))
        panels.append({"lines": [xy(offset, mean)], "bands": [edges]})
    return panels


def fi_curve() -> list[Drawn]:
    found = synthetic.calibration()
    checked, reached = np.array(found["checked"]), np.array(found["reached"])
    curves = ((found["current"], found["rate"]), (checked, 100 * (reached - checked)), (checked, found["fano"]))
    return [{"lines": [xy(*curve)]} for curve in curves]


FIGURES: Mapping[str, Example] = {
    "raster": Example(lambda: plot.raster(SPIKING[0], start=0.2, stop=1.5), raster),
    "rates": Example(lambda: plot.rates([RATE[0], SPIKING[0]], units=(0, 7)), rates),
    "overlaps": Example(lambda: plot.overlaps([*RATE, *SPIKING]), overlaps),
    "weights": Example(lambda: plot.weights(RATE[0]), weights),
    "recall_curve": Example(lambda: plot.recall_curve([*SPIKING, *SEEDS]), recall_curve),
    "comparison": Example(lambda: plot.comparison(compare(RATE, SPIKING)), comparison),
    "claims": Example(lambda: plot.claims(synthetic.claims()), claims),
    "digits": Example(lambda: plot.digits(PICTURES[1], PICTURES[0], -PICTURES[0], PICTURES[0]), digits),
    "sequences": Example(lambda: plot.sequences(SHUFFLED, SHUFFLED[:, ::-1], steps=0.01), sequences),
    "pvar_of_tests": Example(lambda: plot.pvar_of_tests({"one": [-2, 0.5, 0.9, 0.85], "other": PVARS}), pvar_of_tests),
    "region_currents": Example(
        lambda: plot.region_currents(measure.region_currents(LINKS, CURRENT, PLACED)), region_currents
    ),
    "unit_fits": Example(
        lambda: plot.unit_fits(SEQUENCE[:, :5], SEQUENCE[:, :5] + 0.1 * np.arange(5), step=0.01), unit_fits
    ),
    "pvar_curve": Example(
        lambda: plot.pvar_curve([1, 0.02, 0.08], {"seeds": [[0.95, 0.97], [0.3, 0.4], [0.9, 0.92]]}), pvar_curve
    ),
    "weight_bands": Example(lambda: plot.weight_bands(PLACES, PLACES.T, place=np.arange(30), width=3), weight_bands),
    "fi_curve": Example(lambda: plot.fi_curve(synthetic.calibration()), fi_curve),
}
