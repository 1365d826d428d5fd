"""Whole studies: claims, reproduction, fits, reports, the demo."""
