"""The slow imports of `brainmem.pool`'s workers. Only their fork server imports this module, once for all of them."""

import sys

# Brian2 imports matplotlib's pylab where it can, for people at a prompt; without it, it is there a second earlier.
sys.modules.setdefault("pylab", None)  # type: ignore[arg-type]

import brainmem.sweeps  # noqa: E402, F401
