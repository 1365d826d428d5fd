"""The slow imports of the workers of `brainmem.sweeps.pool`. Only their fork server imports this module, once."""

import os
import sys

from brainmem.storage.leaving import with_parent

# Brian2 imports matplotlib's pylab where it can, for people at a prompt; without it, it is there a second earlier.
sys.modules.setdefault("pylab", None)  # type: ignore[arg-type]

# The imports take seconds, in which the server does not look whether it is still needed. Its forks come later: they
# find no second thread.
stop = with_parent(os.getppid(), lambda: os._exit(1))

import brainmem.sweeps.sweep  # noqa: E402, F401

stop()
