"""Functions of curves, for every target, whose points are numbers of the run; see `brainmem.text.curves`."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainmem.engine.rows import RowTable
from brainmem.text.curves import curve_value

__all__ = ["CurveTable"]

# The array begins with the number of rows. Where points lie at equal distances, the first guess is the row.
_FIND = """
    const double* rows = _namespace%NAME%_values + 1;
    const int last = (int)rows[-1] - 1;
    const double first = rows[0], end = rows[4*last];
    int low = 0, high = last + 1;
    const double guess = 1 + (x - first)/(end - first)*(last - 1);
    if (guess >= 1 && guess < last)
    {
        const int k = (int)guess;
        if (x >= rows[4*k]) { low = k; if (x < rows[4*(k + 1)]) high = k + 1; }
        else high = k;
    }
    while (high - low > 1)
    {
        const int k = (low + high)/2;
        if (x >= rows[4*k]) low = k; else high = k;
    }
    const double* row = rows + 4*low;
"""
_CPP = {
    "value": "    return row[1] + row[2]*((x < first ? first : x > end ? end : x) - row[0]);",
    "integral": """    const double mean = row[2] == 0 ? row[1] : row[1] + 0.5*row[2]*(x - row[0]);
    return mean == 0 ? row[3] : row[3] + mean*(x - row[0]);""",
    "slope": "    return row[2];",
}
_CYTHON_FIND = """
cdef double %NAME%(const double x):
    global _namespace%NAME%_values
    cdef int last = <int>_namespace%NAME%_values[0] - 1
    cdef double first = _namespace%NAME%_values[1], end = _namespace%NAME%_values[1 + 4*last]
    cdef int low = 0, high = last + 1, k
    while high - low > 1:
        k = (low + high)//2
        if x >= _namespace%NAME%_values[1 + 4*k]:
            low = k
        else:
            high = k
    cdef int at = 1 + 4*low
    cdef double begin = _namespace%NAME%_values[at], value = _namespace%NAME%_values[at + 1]
    cdef double slope = _namespace%NAME%_values[at + 2], integral = _namespace%NAME%_values[at + 3]
"""
_CYTHON = {
    "value": "    return value + slope*((first if x < first else end if x > end else x) - begin)",
    "integral": """    cdef double mean = value if slope == 0 else value + 0.5*slope*(x - begin)
    return integral if mean == 0 else integral + mean*(x - begin)""",
    "slope": "    return slope",
}


class CurveTable(RowTable):
    """A function of a curve, called with what has the unit of its x; its rows are those of `curve_rows`.

    Parameters
    ----------
    returns : {"value", "integral", "slope"}
    argument, unit : Unit
        Of what it takes and of what it returns.
    name : str
    """

    def __init__(self, returns: str, *, argument: Any, unit: Any, name: str) -> None:
        super().__init__(unit=unit, name=name)
        self.returns = returns
        self._arg_units, self._arg_names, self._arg_types = [argument], ["x"], ["any"]
        self.values = np.zeros((2, 4))
        head = f"static inline double {name}(const double x)\n{{"
        self.implement("cpp", f"{head}{_FIND}{_CPP[returns]}\n}}\n")
        self.implement("cython", f"{_CYTHON_FIND}{_CYTHON[returns]}\n")
        self.implementations.add_dynamic_implementation("numpy", lambda owner: self._of_curve)

    def _of_curve(self, x: Any) -> np.ndarray:
        return curve_value(np.asarray(x, dtype=float), self.values, self.returns)
