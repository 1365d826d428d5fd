"""brainmem: learning rules and memory networks, written once, run as rate units and as spiking neurons.

The public names stand in ``__init__.pyi``, each with the module that it comes from. They are loaded when first used:
Brian2 takes seconds to import, and the analysis of saved results does not need it.
"""

import lazy_loader

from brainmem.errors import plain_tracebacks

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

plain_tracebacks()  # where Brian2 has been imported before
