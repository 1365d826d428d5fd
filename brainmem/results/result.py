"""The result of one run: arrays with units, and everything needed to know where they came from.

A result is an `xarray.Dataset` in a fixed schema, kept in one NetCDF file. Reading and analysing
it needs neither Brian2 nor the model.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from brainmem.errors import ResultError, closest, quoted
from brainmem.intake.arguments import EPOCHS, INTEGER, PATH, TEXT, optional, takes
from brainmem.results.by_item import apart_by_item
from brainmem.results.selection import keep, keep_epochs, keep_item, keep_trial
from brainmem.results.shown import listed, recorded_by, settings, shape
from brainmem.storage.netcdf import read_dataset, write_dataset

__all__ = ["Result"]

_REQUIRED = ("model", "variant", "seed", "device", "complete", "parameters")
_STEP_COLUMNS = ("step_phase", "step_item", "step_epoch", "step_repeat", "step_duration")
_OBSERVED = "observables are always recorded, and mean rates of steps by default"


@dataclass(frozen=True, eq=False)
class Result:
    """One finished run of a model in one variant.

    Variables are read as attributes or by name: ``result.overlap``, ``result["mean_x"]``.

    Parameters
    ----------
    data : xarray.Dataset
        Dimensions ``step`` (protocol steps), ``item``, ``unit``, ``post``, ``pre``, ``epoch``
        (weight snapshots, 0 is before learning), ``time`` and ``spike``, as far as recorded.
        Attributes hold the model's name, variant, seed, device, parameters (JSON), versions, the
        generated equations and the calibration report.

    Raises
    ------
    ResultError
        When `data` is not in this schema.
    """

    data: xr.Dataset

    def __post_init__(self) -> None:
        _check(self.data, "The dataset")

    @takes(ResultError, path=PATH)
    def save(self, path: str | Path) -> Path:
        """Write the result to one NetCDF file, atomically, and return its path.

        A link is followed; a device or a pipe is written to and stays what it is. Ctrl+C waits for the file.

        Raises
        ------
        ResultError
            When the file cannot be written; the result stays as it is and can be saved elsewhere.
        """
        return write_dataset(self.data, path, key=str(self.data.attrs.get("key", "")))

    @classmethod
    @takes(ResultError, path=PATH)
    def load(cls, path: str | Path) -> Result:
        """Read a result that `save` wrote.

        Raises
        ------
        ResultError
            When the file is missing, truncated, or no brainmem result.
        """
        data = read_dataset(path)
        _check(data, repr(str(path)))
        return cls(data)

    def __getitem__(self, name: str) -> xr.DataArray:
        if not isinstance(name, str) or name not in self.data.variables:
            raise ResultError(self._absent(name))
        return self.data[name]

    def __getattr__(self, name: str) -> xr.DataArray:
        if name.startswith("_") or name == "data":
            raise AttributeError(name)
        try:
            return self[name]
        except ResultError as error:
            raise _AbsentVariable(str(error)) from None

    def __contains__(self, name: str) -> bool:
        return isinstance(name, str) and name in self.data.variables

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *map(str, self.data.variables)]

    def _absent(self, name: str) -> str:
        held = sorted(map(str, self.data.variables))
        return (
            f"The {self.variant} result of {self.model!r} holds no variable {name!r}.{closest(str(name), held)} "
            f"Recorded: {', '.join(held) or 'nothing'}. "
            f"Record it with simulate(..., record={recorded_by(str(name))}; {_OBSERVED}."
        )

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.data.attrs["model"])

    @property
    def variant(self) -> str:
        """``"rate"`` or ``"spiking"``."""
        return str(self.data.attrs["variant"])

    @property
    def seed(self) -> int:
        """Seed of every random draw of the run."""
        return int(self.data.attrs["seed"])

    @property
    def device(self) -> str:
        """Device that the run used, as text."""
        return str(self.data.attrs["device"])

    @property
    def complete(self) -> bool:
        """Whether the protocol reached its end."""
        return bool(self.data.attrs["complete"])

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Parameters by name: ``{"value", "unit", "meaning", "source"}`` each.

        Those that have another value in the rate variant, with the same parameters given, tell it as ``"in_rate"``.
        """
        return self._json("parameters", {})

    @property
    def curves(self) -> dict[str, dict[str, Any]]:
        """Curves by name: ``{"x", "y", "x_unit", "y_unit", "zero_at", "meaning", "source"}`` each, in base SI units."""
        return self._json("curves", {})

    @property
    def choices(self) -> dict[str, str]:
        """The form of each part that the model offers in several, by name; see `brainmem.Choice`."""
        return self._json("choices", {})

    @property
    def protocol(self) -> str:
        """The protocol that was run, of a model with several; ``""`` for others."""
        return str(self.data.attrs.get("protocol", ""))

    @property
    def recalled(self) -> dict[str, Any]:
        """When a memory counts as recalled in this variant, as `Recalled.of` has it; empty where none is said."""
        return self._json("recalled", {})

    @property
    def repeats(self) -> list[dict[str, Any]]:
        """How each `Repeat` of the schedule that has a condition ended, in its order.

        ``{"until", "times", "epochs", "fulfilled"}``: the condition, the most epochs, how many ran, whether it held.
        """
        return self._json("repeats", [])

    @property
    def options(self) -> dict[str, Any]:
        """How the model was translated, if spiking: ``neuron``, ``read``, ``pairing``, and an own ``cell``."""
        return self._json("options", {})

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the software that produced the result."""
        return self._json("versions", {})

    @property
    def calibration(self) -> dict[str, Any]:
        """Reports of the spiking variant's f-I calibration, by population; empty for the rate variant."""
        return self._json("calibration", {})

    @property
    def notes(self) -> list[str]:
        """Remarks of the translation and the run."""
        return self._json("notes", [])

    @property
    def warnings(self) -> list[str]:
        """The first of the notes: what went wrong or was cut in this run, and how often."""
        return self._json("warnings", [])

    @property
    def reference(self) -> dict[str, Any]:
        """Publication that the model comes from."""
        return self._json("reference", {})

    @property
    def equations(self) -> str:
        """Generated Brian2 text of this variant."""
        return str(self.data.attrs.get("equations", ""))

    @property
    def schedule(self) -> str:
        """Order of the operations within one time step, as text."""
        return str(self.data.attrs.get("schedule", ""))

    @property
    def created(self) -> str:
        """ISO time at which the run ended."""
        return str(self.data.attrs.get("created", ""))

    def _json(self, name: str, empty: Any) -> Any:
        return json.loads(text) if (text := self.data.attrs.get(name, "")) else empty

    @takes(ResultError, name=TEXT)
    def parameter(self, name: str) -> Any:
        """Return the value of one parameter, without its unit.

        Raises
        ------
        ResultError
            When the model has no such parameter.
        """
        known = self.parameters
        if name not in known:
            raise ResultError(
                f"The model {self.model!r} has no parameter {name!r}.{closest(name, known)} "
                f"Parameters: {', '.join(known)}."
            )
        return known[name]["value"]

    def require_complete(self) -> Result:
        """Return the result itself if its protocol reached the end, and raise `ResultError` if not."""
        if not self.complete:
            raise ResultError(
                f"The {self.variant} run of {self.model!r} with seed {self.seed} stopped after "
                f"{self.data.sizes.get('step', 0)} steps, before its protocol ended, so its numbers are "
                "partial. Run it to the end, or read the variables you trust directly."
            )
        return self

    @takes(ResultError, phase=optional(TEXT), epoch=optional(EPOCHS), item=optional(INTEGER), trial=optional(INTEGER))
    def select(
        self,
        phase: str | None = None,
        epoch: int | Iterable[int] | None = None,
        *,
        item: int | None = None,
        trial: int | None = None,
    ) -> Result:
        """Return a result with only the steps of a phase, of epochs, of an item, or with one of its trials.

        Weight snapshots are kept for the chosen epochs; variables without steps, epochs or trials stay whole.

        Parameters
        ----------
        phase : str, optional
        epoch : int or iterable of int, optional
            Repetitions, counted from 1; 0 keeps the snapshot before learning and no step.
        item : int, optional
            Of a run with ``trials="items"``, the trial that shows it.
        trial : int, optional
            Counted from 0; arrays lose their dimension ``trial``.

        Raises
        ------
        ResultError
            When a phase, epoch, item or trial does not occur, listing those that do.
        """
        data = self.data
        if phase is not None:
            data = keep(data, "step_phase", [phase])
        if epoch is not None:
            data = keep_epochs(data, [epoch] if isinstance(epoch, int | np.integer) else list(epoch))
        if item is not None and trial is not None and "trial_item" in data.coords:
            raise ResultError(f"item={item!r} takes the trial that shows it. Give item= or trial={trial!r}, not both.")
        if item is not None:
            data = keep_item(data, item)
        if trial is not None:
            data = keep_trial(data, trial)
        return Result(data)

    def by_item(self) -> Result:
        """Return the result of a run with ``trials="items"`` as that of one which shows its items one after the other.

        Its steps are those of every trial, with the item of the trial in ``step_item``, and it has no dimension
        ``trial``. What was recorded in time is left out. Any other result is returned as it is.
        """
        return Result(apart_by_item(self.data)) if "trial_item" in self.data.coords else self

    def __repr__(self) -> str:
        lines = [self._headline()]
        lines += [f"  {name:<18} {shape(array)}" for name, array in self.data.data_vars.items()]
        lines += [f"  translated with: {listed(self.options)}"] if self.options else []
        lines += [f"  recalled: {listed(self.recalled)}"] if self.recalled else []
        return "\n".join([*lines, f"  parameters: {', '.join(settings(self.parameters, self.choices))}"])

    def _repr_html_(self) -> str:
        return f"<p><b>{html.escape(self._headline())}</b></p>{self.data._repr_html_()}"

    def _headline(self) -> str:
        state = "complete" if self.complete else "INCOMPLETE"
        run = f" protocol {self.protocol!r}," if self.protocol else ""
        return f"<Result of {self.model!r},{run} {self.variant} variant, seed {self.seed}, {self.device}, {state}>"


class _AbsentVariable(ResultError, AttributeError):
    """Attribute access to a variable that was not recorded (``hasattr`` stays usable)."""


def _check(data: xr.Dataset, what: str) -> None:
    if not isinstance(data, xr.Dataset):
        raise ResultError(
            f"{what} is no xarray.Dataset: data={quoted(data)}. Results come from simulate() and Result.load()."
        )
    absent = [name for name in _REQUIRED if name not in data.attrs]
    if absent:
        raise ResultError(
            f"{what} is not a brainmem result: it lacks the attributes {', '.join(absent)}. "
            "Results come from simulate() and Result.load()."
        )
    absent = [name for name in _STEP_COLUMNS if name not in data.variables]
    if absent:
        raise ResultError(
            f"{what} is an incomplete result: it lacks {', '.join(absent)}, which describe the "
            "protocol's steps. Run the simulation again."
        )
