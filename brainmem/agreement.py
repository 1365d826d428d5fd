"""The record of a comparison: each quantity with one value per seed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from brainmem.errors import ResultError, closest
from brainmem.result import Result

__all__ = ["Agreement", "Comparison"]

_NAMES = {
    "rate_pearson": "rates, Pearson r",
    "rate_nrmse": "rates, NRMSE",
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
    weights), `epoch` when, if it was followed over epochs.
    """

    key: str
    part: str
    meaning: str
    values: tuple[float, ...]
    epoch: int | None = None

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
        """Name for a table: quantity, part, epoch."""
        name = f"{_NAMES.get(self.key, self.key)} ({self.part})"
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

    def get(self, key: str, part: str | None = None, *, epoch: int | None = None) -> Agreement:
        """Return one agreement.

        Parameters
        ----------
        key : str
            E.g. ``"rate_pearson"``, ``"weight_slope"``, ``"recalled_difference"``.
        part : str, optional
            Phase or weight variable; needed where there are several.
        epoch : int, optional
            Needed for quantities followed over epochs.

        Raises
        ------
        ResultError
            When nothing or more than one matches, listing what there is.
        """
        found = [item for item in self.agreements if item.key == key and part in (None, item.part)]
        found = [item for item in found if epoch in (None, item.epoch)]
        if len(found) == 1:
            return found[0]
        labels = sorted({_address(item) for item in (found or self.agreements)})
        reason = f"{len(found)} match" if found else f"none matches{closest(key, (a.key for a in self.agreements))}"
        raise ResultError(
            f"No single agreement {key!r} (part={part!r}, epoch={epoch!r}): {reason}. There are: {', '.join(labels)}."
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return rows (quantity, mean, sd over seeds, number of seeds) of text, ready for a rich table."""
        return [
            (item.label, f"{item.mean:.3f}", f"{item.sd:.3f}" if item.n > 1 else "-", str(item.n))
            for item in self.agreements
        ]

    def table(self) -> str:
        """Return the agreements as aligned text."""
        rows = [("quantity", "mean", "sd", "n"), *self.rows()]
        width = max(len(row[0]) for row in rows)
        return "\n".join(f"{name:<{width}}  {mean:>8}  {sd:>7}  {n:>3}" for name, mean, sd, n in rows)

    def to_dataset(self) -> xr.Dataset:
        """Return every agreement as a variable over ``seed`` (and ``epoch``)."""
        groups: dict[str, list[Agreement]] = {}
        for item in self.agreements:
            groups.setdefault(f"{item.key}_{item.part}", []).append(item)
        data = xr.merge([_variable(name, items, self.seeds) for name, items in groups.items()], join="outer")
        return data.assign_attrs(model=self.model, notes=json.dumps(self.notes))

    def __str__(self) -> str:
        head = f"Rate and spiking variant of {self.model!r}, seeds {', '.join(map(str, self.seeds))}"
        return "\n".join([head, self.table(), *(f"note: {note}" for note in self.notes)])

    __repr__ = __str__


def _address(item: Agreement) -> str:
    """Return the arguments of `Comparison.get` that find an agreement."""
    return f"{item.key!r}, {item.part!r}" + (f", epoch={item.epoch}" if item.epoch is not None else "")


def _variable(name: str, items: list[Agreement], seeds: tuple[int, ...]) -> xr.Dataset:
    attrs = {"long_name": items[0].meaning, "units": "1"}
    if items[0].epoch is None:
        return xr.Dataset({name: ("seed", list(items[0].values), attrs)}, coords={"seed": list(seeds)})
    values = np.array([item.values for item in items]).T
    coords = {"seed": list(seeds), "epoch": [item.epoch for item in items]}
    return xr.Dataset({name: (("seed", "epoch"), values, attrs)}, coords=coords)
