"""Rows of the claims S1 to S3 on Agmon and Burak (2023) in spiking cells, which are ours."""

import brainmem.models.agmon2023.networks as run
import brainmem.models.agmon2023.spiking as cells

from brainmem.claims import Row, at_least, at_most

FOUR_CELLS = {"cells_per_unit": 4, "rate_max": "100*hertz"}  # rate_max stands for 15 Hz
TWENTY_CELLS = {**FOUR_CELLS, "cells_per_unit": 20}
SIZES = {"quick": {"N": 300, "starts": 10}, "full": {"N": 300, "starts": 75}}
spread = {
    "run": cells.spread,
    "points": {
        size: {
            "one map": {**point, "L": 1},
            **{scheme: {**point, "L": 2, "scheme": scheme} for scheme in ("none", "ideal", "held")},
        }
        for size, point in SIZES.items()
    },
    "seeds": {"quick": 1, "full": 3},
}


def over_one_map(table):
    """Return the rms displacement at the end over that of one map, over seeds."""
    square = (table.sel(name="3 s") ** 2).mean("seed")
    return (square / square.sel(point="one map")) ** 0.5


spiking = (
    Row("rms displacement after {name}, {point}", {"1 s": {...: None}, "3 s": {...: None}}, None, **spread),
    Row(
        "rms displacement after 3 s over one map's, {point}",
        {
            "full": {"none": at_least(4.0), "ideal": None, "held": at_most(1.2)},
            "quick": {"none": at_least(2.5), "ideal": None, "held": at_most(1.8)},  # of 20 trials
        },
        None,
        over_one_map,
        **spread,
    ),
    Row(
        "fraction on a wrong map, {point}",
        {"held": at_most(0.0), "ideal": at_most(0.0), ...: None},
        "wrong map",
        **spread,
    ),
)
gated = {
    "run": run.visited,
    "points": {
        "full": {
            "20 cells a unit": {"N": 300, "L": 2, "protocol": "visits", **TWENTY_CELLS},
            "4 cells a unit": {"N": 300, "L": 2, "protocol": "visits", **FOUR_CELLS},
        }
    },
    "seeds": 5,
    "when": "full",
}
by_spikes = (
    Row("sd of energies after one lap over before, {point}",
        {"20 cells a unit": at_most(0.35), "4 cells a unit": None}, "share", **gated),
    Row("drift after one lap, rate network, {point}", {...: None}, "drift", **gated),
)  # fmt: skip
transplant = {
    "run": cells.transplanted,
    "points": {
        "full": {
            "one map": {"N": 300, "L": 1, "starts": 60},
            **{scheme: {"N": 300, "L": 3, "starts": 20, "scheme": scheme} for scheme in ("none", "ideal", "held")},
        },
    },
    "seeds": 3,
    "when": "full",
}
HALF_SECONDS = ("0.5 s", "1 s", "1.5 s", "2 s", "2.5 s", "3 s")
transplanted = (
    Row("rms displacement after {name}, {point}", {name: {...: None} for name in HALF_SECONDS}, None, **transplant),
    Row("rms displacement after 3 s over one map's, {point}",
        {"none": at_least(2.0), "ideal": None, "held": at_most(1.2)}, None, over_one_map, **transplant),
    Row("fraction on a wrong map, {point}", {"held": at_most(0.0), ...: None}, "wrong map", **transplant),
)  # fmt: skip
