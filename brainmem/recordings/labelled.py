"""Words that call the columns and rows of a table what they are: regions, units, trials."""

from __future__ import annotations

import re

from brainmem.intake.tables import PLACE

__all__ = ["LABEL", "TRIAL", "UNIT"]

LABEL = PLACE
UNIT = re.compile(r"(units?|cells?|neurons?|clusters?|rois?)([\s_]?(ids?|names?|no|number))?|ids?|names?", re.I)
TRIAL = re.compile(r"trials?([\s_]?(ids?|no|number|index|idx))?", re.I)
