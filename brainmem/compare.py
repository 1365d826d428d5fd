"""Old name of `brainmem.comparison`: a submodule called like a function would hide it."""

from brainmem.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
