"""Recorded activity as targets of learning: read, checked, normalised; and surrogates where there is no recording."""

from brainmem.recordings.cleaning import Recording, read_recording
from brainmem.recordings.surrogate import surrogate

__all__ = ["Recording", "read_recording", "surrogate"]
