"""A table that is read by row number, and whose number of rows is a number of the run: it is not compiled in."""

from __future__ import annotations

from typing import Any

import brian2
import numpy as np

__all__ = ["RowTable"]

# The array begins with the number of rows, so that programs need not know it. A row between two is the lower one.
_ONE = """
    static inline double %NAME%(const double row)
    {
        const double* values = _namespace%NAME%_values;
        const int last = (int)values[0] - 1, k = (int)(row + 1e-6);
        return values[1 + (k < 0 ? 0 : k > last ? last : k)];
    }
"""
_TWO = """
    static inline double %NAME%(const double row, const int i)
    {
        if (i < 0 || i >= %COLUMNS%) return NAN;
        const double* values = _namespace%NAME%_values;
        const int last = (int)values[0] - 1, k = (int)(row + 1e-6);
        return values[1 + (long)(k < 0 ? 0 : k > last ? last : k)*%COLUMNS% + i];
    }
"""
_CYTHON_ONE = """
cdef double %NAME%(const double row):
    global _namespace%NAME%_values
    cdef int last = <int>_namespace%NAME%_values[0] - 1
    cdef int k = <int>(row + 1e-6)
    return _namespace%NAME%_values[1 + (0 if k < 0 else last if k > last else k)]
"""
_CYTHON_TWO = """
cdef double %NAME%(const double row, const int i):
    global _namespace%NAME%_values
    if i < 0 or i >= %COLUMNS%:
        return _numpy.nan
    cdef int last = <int>_namespace%NAME%_values[0] - 1
    cdef int k = <int>(row + 1e-6)
    return _namespace%NAME%_values[1 + (0 if k < 0 else last if k > last else k)*%COLUMNS% + i]
"""


class RowTable(brian2.TimedArray):
    """A `TimedArray` with a time step of 1 s, called with ``row*second``, whose values may get any number of rows.

    Parameters
    ----------
    columns : int, optional
        Values in each row; without it the table is read as ``name(row*second)``, else as ``name(row*second, i)``.
    unit : Unit
    name : str
    """

    def __init__(self, columns: int | None = None, *, unit: Any = 1, name: str) -> None:
        shape = (1,) if columns is None else (1, columns)
        super().__init__(np.zeros(shape) * unit, dt=1 * brian2.second, name=name)
        texts = {"cpp": _ONE, "cython": _CYTHON_ONE} if columns is None else {"cpp": _TWO, "cython": _CYTHON_TWO}
        for target, text in texts.items():
            self.implement(target, text.replace("%COLUMNS%", str(columns)))
        self.implementations.add_dynamic_implementation("numpy", lambda owner: self._of_rows)

    def implement(self, target: str, text: str) -> None:
        """Give the code of a target, in which ``%NAME%`` stands for the name and reads the `packed` values."""
        code = text.replace("%NAME%", self.name)
        self.implementations.add_dynamic_implementation(
            target,
            lambda owner: code,
            namespace=lambda owner: {f"{self.name}_values": self.packed},
            name=self.name,
        )

    @property
    def packed(self) -> np.ndarray:
        """The number of rows, followed by all values."""
        return np.concatenate([[len(self.values)], self.values.ravel()])

    def _namespace(self, owner: Any) -> dict[str, np.ndarray]:
        return {f"{self.name}_values": self.packed}

    def _of_rows(self, row: Any, *column: Any) -> np.ndarray:
        place = np.asarray(row + 1e-6).astype(int)  # np.clip would take five times as long for one number
        place = np.minimum(np.maximum(place, 0), len(self.values) - 1)
        return self.values[(place, *column)]
