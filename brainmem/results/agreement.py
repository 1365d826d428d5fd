"""The record of a comparison: each quantity with one value per seed, and what is to be said about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from brainmem.errors import ResultError, closest
from brainmem.intake.arguments import INTEGER, TEXT, optional, takes
from brainmem.measure.criterion import Criterion, shown_criteria
from brainmem.results.result import Result

__all__ = ["Agreement", "Comparison", "Measured", "Notes", "measured", "nothing", "warned"]

Measured = tuple[float, str]
"""A number, NaN for none, and a remark on it, ``""`` for none."""

_NAMES = {
    "rate_pearson": "rates, Pearson r",
    "rate_nrmse": "rates, NRMSE",
    "rate_distribution": "rates, distance of distributions",
    "rate_products": "mean products of rates, Pearson r",
    "closest_rate": "closest item, rate",
    "closest_spiking": "closest item, spiking",
    "closest_distance": "closest item, distance of distributions",
    "weight_correlation": "weight changes, Pearson r",
    "weight_slope": "weight changes, slope",
    "weight_norm_ratio": "weight changes, norm ratio",
    "recalled_rate": "recalled, rate",
    "recalled_spiking": "recalled, spiking",
    "recalled_difference": "recalled, difference",
}


@dataclass(frozen=True)
class Agreement:
    """One quantity of a comparison, with one value per seed.

    `key` names what was measured (``"rate_pearson"``), `part` where (a phase, a projection's
    weights), `epoch` when, if it was followed over epochs, and `rate` of which rates, if there are several.
    """

    key: str
    part: str
    meaning: str
    values: tuple[float, ...]
    epoch: int | None = None
    rate: str | None = None

    @property
    def mean(self) -> float:
        """Mean over seeds (NaN when no seed has a value)."""
        return float(np.mean(self._finite)) if self.n else float("nan")

    @property
    def sd(self) -> float:
        """Standard deviation over seeds, n - 1 form (NaN for fewer than two seeds)."""
        return float(np.std(self._finite, ddof=1)) if self.n > 1 else float("nan")

    @property
    def n(self) -> int:
        """Number of seeds with a value."""
        return len(self._finite)

    @property
    def label(self) -> str:
        """Name for a table: quantity, rate, part, epoch."""
        where = self.part if self.rate is None else f"{self.rate}, {self.part}"
        name = f"{_NAMES.get(self.key, self.key)} ({where})"
        return name if self.epoch is None else f"{name}, epoch {self.epoch}"

    @property
    def _finite(self) -> list[float]:
        return [value for value in self.values if np.isfinite(value)]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Agreement of two variants of one model over seeds; see `compare`."""

    model: str
    seeds: tuple[int, ...]
    agreements: tuple[Agreement, ...]
    rate: tuple[Result, ...] = field(repr=False)
    spiking: tuple[Result, ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    recalled: Mapping[str, Criterion] = field(default_factory=dict)

    @takes(ResultError, key=TEXT, part=optional(TEXT), epoch=optional(INTEGER), rate=optional(TEXT))
    def get(self, key: str, part: str | None = None, *, epoch: int | None = None, rate: str | None = None) -> Agreement:
        """Return one agreement.

        Parameters
        ----------
        key : str
            E.g. ``"rate_pearson"``, ``"weight_slope"``, ``"recalled_difference"``.
        part : str, optional
            Phase or weight variable; needed where there are several.
        epoch : int, optional
            Needed for quantities followed over epochs.
        rate : str, optional
            Needed where the rates of several populations were compared.

        Raises
        ------
        ResultError
            When nothing or more than one matches, listing what there is.
        """
        found = [item for item in self.agreements if item.key == key and part in (None, item.part)]
        found = [item for item in found if epoch in (None, item.epoch) and rate in (None, item.rate)]
        if len(found) == 1:
            return found[0]
        labels = sorted({_address(item) for item in (found or self.agreements)})
        reason = f"{len(found)} match" if found else f"none matches{closest(key, (a.key for a in self.agreements))}"
        raise ResultError(
            f"No single agreement {key!r} (part={part!r}, epoch={epoch!r}, rate={rate!r}): {reason}. "
            f"There are: {', '.join(labels)}."
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return rows (quantity, mean, sd over seeds, number of seeds) of text, ready for a rich table.

        A quantity without a value has ``"-"``; the notes say why.
        """
        return [
            (
                item.label,
                f"{item.mean:.3f}" if item.n else "-",
                f"{item.sd:.3f}" if item.n > 1 else "-",
                str(item.n),
            )
            for item in self.agreements
        ]

    def table(self) -> str:
        """Return the agreements as aligned text."""
        rows = [("quantity", "mean", "sd", "n"), *self.rows()]
        width = max(len(row[0]) for row in rows)
        return "\n".join(f"{name:<{width}}  {mean:>8}  {sd:>7}  {n:>3}" for name, mean, sd, n in rows)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What belongs below the table: when a memory counts as recalled, and the notes."""
        criterion = [f"recalled: {shown_criteria(self.recalled)}"] if self.recalled else []
        return (*criterion, *(f"note: {note}" for note in self.notes))

    def to_dataset(self) -> xr.Dataset:
        """Return every agreement as a variable over ``seed`` (and ``epoch``), named by key, rate and part."""
        groups: dict[str, list[Agreement]] = {}
        for item in self.agreements:
            where = item.part if item.rate is None else f"{item.rate}_{item.part}"
            groups.setdefault(f"{item.key}_{where}", []).append(item)
        data = xr.merge([_variable(name, items, self.seeds) for name, items in groups.items()], join="outer")
        criteria = {variant: criterion.fields for variant, criterion in self.recalled.items()}
        return data.assign_attrs(model=self.model, notes=json.dumps(self.notes), recalled=json.dumps(criteria))

    def __str__(self) -> str:
        head = f"Rate and spiking variant of {self.model!r}, seeds {', '.join(map(str, self.seeds))}"
        return "\n".join([head, self.table(), *self.remarks])

    __repr__ = __str__


def _address(item: Agreement) -> str:
    """Return the arguments of `Comparison.get` that find an agreement."""
    epoch = f", epoch={item.epoch}" if item.epoch is not None else ""
    return f"{item.key!r}, {item.part!r}{epoch}" + (f", rate={item.rate!r}" if item.rate is not None else "")


def _variable(name: str, items: list[Agreement], seeds: tuple[int, ...]) -> xr.Dataset:
    attrs = {"long_name": items[0].meaning, "units": "1"}
    if items[0].epoch is None:
        return xr.Dataset({name: ("seed", list(items[0].values), attrs)}, coords={"seed": list(seeds)})
    values = np.array([item.values for item in items]).T
    coords = {"seed": list(seeds), "epoch": [item.epoch for item in items]}
    return xr.Dataset({name: (("seed", "epoch"), values, attrs)}, coords=coords)


@dataclass(frozen=True)
class Notes:
    """Remarks, each once, with the seeds of the results that they concern."""

    found: dict[str, list[int]] = field(default_factory=dict)

    def add(self, text: str, *seeds: int) -> None:
        """Add a remark on the results of some seeds, or of all when none is named."""
        self.found.setdefault(text, []).extend(seeds)

    def texts(self) -> tuple[str, ...]:
        """Return the remarks in the order in which they came, ``"... (seeds 0, 1)"``."""
        return tuple(text + _of_seeds(seeds) for text, seeds in self.found.items())


def _of_seeds(seeds: list[int]) -> str:
    known = list(dict.fromkeys(seeds))
    return f" (seed{'s' * (len(known) > 1)} {', '.join(map(str, known))})" if known else ""


def warned(results: Iterable[Result]) -> tuple[str, ...]:
    """Return the warnings of results, each once, with its variant and seeds."""
    notes = Notes()
    for result in results:
        for warning in result.warnings:
            notes.add(f"{result.variant}: {warning}", result.seed)
    return notes.texts()


def nothing(reason: str) -> Measured:
    """Return what stands for a number that does not exist."""
    return float("nan"), f"has no value: {reason}"


def measured(
    item: Agreement, function: Callable[..., Measured], data: Mapping[int, Sequence[Any] | None], notes: Notes
) -> Agreement:
    """Return `item` with the number that `function` makes of each seed's data, NaN where these are None."""
    values = []
    for seed, given in data.items():
        value, remark = (float("nan"), "") if given is None else function(*given)
        values.append(value)
        if remark:
            notes.add(f"{item.label} {remark}", seed)
    return replace(item, values=tuple(values))
