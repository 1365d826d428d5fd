"""Recorded activity as targets of learning: read, checked, normalised; surrogates; pictures as patterns."""

from brainmem.recordings.cleaning import read_recording
from brainmem.recordings.pictures import digits, patterns_from_images
from brainmem.recordings.recording import Recording
from brainmem.recordings.surrogate import surrogate

__all__ = ["Recording", "digits", "patterns_from_images", "read_recording", "surrogate"]
