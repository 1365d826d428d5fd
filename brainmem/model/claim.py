"""What a paper claims: a table of quantities, each with the runs that it is measured on and what is expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from brainmem.errors import RuleError, closest, quoted

__all__ = ["SIZES", "VARIANTS", "Claim", "Row"]

SIZES = ("quick", "full")
VARIANTS = ("rate", "spiking")


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """Where the numbers of a row come from, and in which cases it is taken; see `Claim`."""

    points: Any = None
    seeds: Any = None
    run: Any = None
    model: Any = None
    at: Any = None
    when: str | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.when,) if isinstance(self.when, str) else self.when:
            if name not in (*SIZES, *VARIANTS):
                raise RuleError(
                    f"{self}: when={quoted(self.when)} must name sizes and variants, {', '.join((*SIZES, *VARIANTS))}."
                    f"{closest(str(name), (*SIZES, *VARIANTS))}"
                )


@dataclass(frozen=True)
class Row(_Taken):
    """One quantity of a claim; where a field is not given, that of the claim holds. See `Claim` for the fields.

    ``Row("recalled, M={M}, n={epoch}", {"rate": near(TABLE, 0.1)}, recalled)``
    """

    quantity: Any
    expected: Any = None
    measure: Any = None
    summary: Any = None

    def __str__(self) -> str:
        return f"Row {self.quantity!r}"


@dataclass(frozen=True)
class Claim(_Taken):
    """A statement of a paper, and what is measured to check it: a table of quantities.

    A claim with one quantity is a row of its own; one with several has `rows`, for which its fields are the defaults.
    Every field that says "by case" may be a mapping from cases: a size (``"full"``), a variant (``"rate"``) or both
    (``("full", "rate")``), which goes before either.

    Parameters
    ----------
    key, statement : str
    rows : tuple of Row
    source : str
        Where the paper makes the statement.
    quantity : str
        Name of the quantity. It may name parameters of the point and dimensions of the measure,
        ``"recalled, M={M}, n={epoch}"``, and stands then for one quantity for each of their values.
    expected : Expected, mapping or None
        By case; cases that are not named are reported only. A mapping by the values that `quantity` names, in their
        order, such as ``{20: {1: near(0.0, 0.1), 5: near(0.98, 0.1)}}`` (``near(TABLE, 0.1)`` makes one of a table of
        numbers), is also the list of what is reported: None has no expectation, ``...`` stands for all other values.
    measure : callable, text or tuple
        By case. Takes what `run` returns; gives a number, a mapping from names to numbers (its dimension is ``name``),
        or xarray with named dimensions. Those that `quantity` does not name count as further values. Text takes the
        entry or attribute of that name; a tuple is taken step by step, ``(measure.recall_table, "recalled")``. Without
        it the run is the number.
    summary : callable, text or tuple
        Takes the measures of all points and seeds: an `xarray.DataArray` with dimensions as those of `Sweep.dataset`
        (a parameter for each list in `points`, or ``point``; ``seed``; those of the measure). Gives what is reported.
    points : mapping or sequence of mappings
        By case. Parameters of the runs, as `sweep` takes them: lists are taken in all combinations; a sequence gives
        the points one by one; a mapping from labels to mappings names them (``{point}`` in `quantity`). A case that is
        not named has none of the rows. In a model of several protocols, ``protocol`` names the one that is run.
    seeds : int, iterable of int, or callable
        By case. ``8`` stands for 0, 1, ..., 7; a function takes the parameters of a point. One when not given.
    run : callable
        By case. ``run(experiment, seed, **point)`` returns what is measured; not given, a run of the protocol of the
        model, which all claims share, or of `model`.
    model : MemoryModel, optional
        Run in place of the model that the claims belong to.
    at : label or mapping
        By case. What is taken of the points and the measures: those with this label, or with these values of parameters
        and dimensions; a tuple or a list allows several.
    when : str or tuple of str
        The size, the variant or both in which it is taken; always when empty.
    experiment : callable, optional
        For what is no table: ``experiment(e)`` takes a `brainmem.claims.Experiment`, which runs the model, and returns
        `brainmem.claims.Finding`s. They come behind those of the rows.
    verdict : callable, optional
        ``verdict(found)`` takes the means over seeds by quantity, in one size and variant, and returns one sentence:
        what they say of the claim beside its controls. It is printed below the table, whatever the outcome.
    """

    key: str
    statement: str
    rows: tuple[Row, ...] = ()
    source: str = ""
    quantity: Any = ""
    expected: Any = None
    measure: Any = None
    summary: Any = None
    experiment: Callable[..., Any] | None = None
    verdict: Callable[[Mapping[str, float]], str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.experiment is None and not (self.rows or self.quantity):
            raise RuleError(f"{self} measures nothing: give a quantity, rows=(Row(...),) or an experiment.")
        if self.rows and self.quantity:
            raise RuleError(f"{self}: give either one quantity or rows, of which each has its own.")
        if not isinstance(self.rows, tuple) or not all(isinstance(row, Row) for row in self.rows):
            raise RuleError(f"{self}: rows must be a tuple of Row, got {quoted(self.rows)}.")

    def __str__(self) -> str:
        return f"Claim {self.key!r}"

    @property
    def table(self) -> tuple[Row, ...]:
        """The rows, each with the fields of the claim where it has none."""
        own = (Row(self.quantity, self.expected),) if self.quantity else self.rows
        names = ["measure", "summary", *(item.name for item in fields(_Taken))]
        return tuple(_with_defaults(row, {name: getattr(self, name) for name in names}) for row in own)


def _with_defaults(row: Row, defaults: Mapping[str, Any]) -> Row:
    given = {name: getattr(row, name) for name in defaults}
    filled = {name: defaults[name] if value is None else value for name, value in given.items()}
    return Row(row.quantity, row.expected, **{**filled, "when": given["when"]})
