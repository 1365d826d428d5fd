"""Tables of activity as text files."""

from __future__ import annotations


def csv(path, columns, *, lines=()):
    """Write columns by name as a table, with further lines below the header."""
    rows = [",".join(columns), *lines]
    rows += [",".join(str(value) for value in row) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(rows))
    return path


def cells(values):
    """Return columns (time, unit) by name."""
    return {f"cell{k}": column for k, column in enumerate(values.T)}
