"""One page of a fit: targets and network, training, units, regions, and what was dropped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from brainmem import plot
from brainmem.errors import ResultError, number_of
from brainmem.intake.arguments import ANYTHING, PATH, takes
from brainmem.plot.regions import MOST_REGIONS
from brainmem.storage.files import replacing
from brainmem.study.pages import embedded, page_template
from brainmem.study.report_rows import parameter_rows

if TYPE_CHECKING:
    from brainmem.study.fitted import Fit

__all__ = ["figures", "write_page"]

_SHOWN = 4  # trials that are drawn


def figures(fit: Fit) -> dict[str, tuple[Figure, str, str]]:
    """Return the figures of a fit by the names of their files, each with its heading and caption."""
    recording, learned = fit.recording, np.setdiff1d(np.arange(len(fit.rates)), fit.held)
    shown = [*learned[: _SHOWN - min(1, len(fit.held))], *fit.held[:1]]
    which = (
        f" Trials {', '.join(map(str, shown))} of {len(fit.rates)} are drawn, from top to bottom."
        if len(fit.rates) > 1
        else ""
    )
    held = f" Trial {fit.held[0]} was held out." if fit.held else ""
    drawn = plot.sequences(
        recording.rates[shown], fit.rates[shown], steps=(recording.step, fit.interval), names=("recording", "network")
    )
    curves: dict[str, Any] = {"learned": fit.tests, "held out": fit.held_tests} if fit.held else {"": fit.tests}
    units = plot.unit_fits(
        fit.targets[learned], fit.rates[learned], step=fit.interval, names=recording.units, regions=recording.regions
    )
    found = {
        "sequences": (drawn, "Recording and network", f"All units in time, sorted by their peak.{which}{held}"),
        "training": (
            plot.pvar_of_tests(curves), "Training",
            "Fraction of the recording's variance that the network explains in each test pass, without learning.",
        ),
        "units": (
            units, "Units",
            f"Fraction of each unit's variance that is explained{' in the trials learned' if which else ''}, and three "
            f"of the units{f' in trial {learned[0]}' if which else ''}.",
        ),
    }  # fmt: skip
    if recording.regions and len(set(recording.regions)) <= MOST_REGIONS:
        found["regions"] = (
            plot.region_currents(fit.currents), "Regions",
            "The current that each unit receives from each region: rows are targets, columns are sources. The "
            "percentage is the share of the variance of the target's recurrent current. Currents and shares: "
            f"{fit.caution}.",
        )  # fmt: skip
    return found


@takes(ResultError, fit=ANYTHING, path=PATH, drawn=ANYTHING)
def write_page(fit: Fit, path: str | Path, drawn: dict[str, tuple[Figure, str, str]] | None = None) -> Path:
    """Write one HTML file of a fit that needs no other file, no network and no script; return its path.

    `drawn` are its `figures`, where they have been drawn already.
    """
    path = Path(path)
    recording = fit.recording
    text = page_template("fit.html.jinja").render(
        title=f"Fit of {Path(recording.source).name}",
        subtitle=f"{fit.result.model}: a recurrent network that was taught the recorded activity, and its own rates.",
        summary=_summary(fit),
        notes=[*fit.notes, *recording.notes],
        figures=[(caption, embedded(figure), heading) for figure, heading, caption in (drawn or figures(fit)).values()],
        regions=list(dict.fromkeys(recording.regions)),
        shares=_shares(fit) if recording.regions else [],
        trials=_trials(fit) if len(fit.rates) > 1 else [],
        dropped=list(recording.dropped.items()),
        units=len(recording.units),
        parameters=parameter_rows([fit.result]),
    )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _summary(fit: Fit) -> list[tuple[str, str]]:
    recording, choices = fit.recording, fit.result.choices
    trials, samples, units = recording.rates.shape
    cards = [("pVar", f"{fit.pvar:.3f}"), ("best test", f"{fit.best} of {len(fit.tests)}")]
    if fit.held:
        cards.insert(1, (f"pVar, {number_of(len(fit.held), 'trial')} held out", f"{fit.held_pvar:.3f}"))
        cards.insert(2, ("that of the mean of learned trials", f"{fit.held_mean:.3f}"))
    cards += [
        ("units", f"{units} kept, {len(recording.dropped)} dropped"),
        ("length", f"{samples} samples every {recording.step:g} s" + (f", {trials} trials" if trials > 1 else "")),
    ]
    if recording.regions:
        cards.append(("regions", ", ".join(dict.fromkeys(recording.regions))))
    cards += [(name.replace("_", " "), option) for name, option in choices.items()]
    return [*cards, ("seed", str(fit.result.seed)), ("run", fit.result.created[:10])]


def _shares(fit: Fit) -> list[tuple[str, list[tuple[str, str]]]]:
    shares, weights = fit.shares.share.values, fit.region_weights["size"].values
    names = dict.fromkeys(fit.recording.regions)
    return [
        (name, [(f"{share:.3f}", f"{size:.3g}") for share, size in zip(row, sizes, strict=True)])
        for name, row, sizes in zip(names, shares, weights, strict=True)
    ]


def _trials(fit: Fit) -> list[tuple[str, str, str, str]]:
    kinds = fit.recording.kinds or tuple(map(str, range(len(fit.rates))))
    return [
        (str(k), kinds[k], "held out" if k in fit.held else "learned", f"{pvar:.3f}")
        for k, pvar in enumerate(fit.trials)
    ]
