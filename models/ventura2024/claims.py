"""The claims of Ventura (2024), and the numbers of a reconstruction that they are held against.

What the paper says is marked so; every number is of a numerical reconstruction in plain numpy, on its own seeds. S1 is
ours. C8 and C9 are exact gradients (``reference.py``); networks that sample are reported beside them.
"""

import brainmem.models.ventura2024.networks as run

from brainmem.claims import Row, at_most, near, within

# x = D eps/N at which Delta_min of the mean curve first reaches 0, is largest, and falls below 0 again; alpha .3
NETWORKS = {
    "N=100": {"N": 100},
    "N=200": {"N": 200},
    "N=400": {"N": 400},
    "N=400, eps=.02": {"N": 400, "eps": 0.02},
    "N=400, eps=.05": {"N": 400, "eps": 0.05},
    "N=400, eps=.1": {"N": 400, "eps": 0.1},
}
REACHED = dict(zip(NETWORKS, (0.112, 0.126, 0.144, 0.147, 0.187), strict=False))
FALLEN = dict(zip(NETWORKS, (0.335, 0.337, 0.334, 0.309, 0.240), strict=False))
TOP = dict(zip(NETWORKS, (0.240, 0.245, 0.230, 0.235, 0.210), strict=False))
BEST = dict(zip(NETWORKS, (0.652, 0.702, 0.719, 0.537, 0.190), strict=False))
OVERLAP = {0.125: 0.991, 0.135: 0.966, 0.138: 0.933, 0.145: 0.845, 0.15: 0.723, 0.16: 0.422, 0.17: 0.310}
FINAL = {  # final overlap by coupling, then by overlap of the cue; N=400, eps=.01, alpha=.3
    "Hebb": dict(zip(run.STARTS, (0.196, 0.245, 0.298, 0.331, 0.350, 0.359, 0.369), strict=True)),
    "SP 0.01": dict(zip(run.STARTS, (0.206, 0.273, 0.317, 0.360, 0.380, 0.396, 1.000), strict=True)),
    "SP 0.5": dict(zip(run.STARTS, (0.232, 0.297, 0.358, 0.408, 0.452, 0.543, 1.000), strict=True)),
    "SP 1": dict(zip(run.STARTS, (0.271, 0.362, 0.467, 0.654, 0.887, 0.994, 1.000), strict=True)),
    "SP 1.3": dict(zip(run.STARTS, (0.290, 0.420, 0.645, 0.932, 0.997, 1.000, 1.000), strict=True)),
    "HU x=.08": dict(zip(run.STARTS, (0.318, 0.455, 0.649, 0.884, 0.976, 0.992, 0.996), strict=True)),
    "HU in": dict(zip(run.STARTS, (0.323, 0.468, 0.748, 0.965, 1.000, 1.000, 1.000), strict=True)),
    "HU top": dict(zip(run.STARTS, (0.292, 0.420, 0.656, 0.959, 1.000, 1.000, 1.000), strict=True)),
    "pseudo-inverse": dict(zip(run.STARTS, (0.286, 0.406, 0.630, 0.951, 1.000, 1.000, 1.000), strict=True)),
}
LEAST = {"Hebb": -2.42, "SP 0.01": 0.01, "SP 0.5": 0.5, "SP 1": 1.0, "SP 1.3": 1.3, "HU x=.08": -0.68}
LEAST |= {"HU in": 0.0, "HU top": 0.66, "pseudo-inverse": 1.34}
WITH_SP = {"Hebb": 0.93, "HU in": 0.980, "HU top": 0.960, "pseudo-inverse": 0.950}
SPREAD = {"Hebb": 0.55, "SP 1.3": 0.24, "HU in": 0.27, "HU top": 0.11, "pseudo-inverse": 0.01}
NOISE = {0.1: -4.77, 0.3: -3.14, 0.5: -2.16, 0.7: -0.47, 0.9: 1.05, 0.98: 0.71}  # Delta_min by overlap; N=200
TIMES = {"x=.08": 0.08, "in": 0.145, "top": 0.23}
EXACT = ("full", "rate")


def turn(name):
    return lambda table: run.turns(table)[name]


sleeping = {
    "run": run.sleep,
    "points": {"quick": {"N=100": {"N": 100}}, "full": NETWORKS},
    "seeds": {"quick": 4, "full": lambda point: 10 if point.get("N") == 400 else 20},
    "when": "rate",
}
curves = (
    Row("x at which Delta_min first reaches 0, {point}", near(REACHED, 0.012), "least", turn("in")),
    Row("x of its maximum, {point}", near(TOP, 0.03), "least", turn("top")),
    Row("x at which it falls below 0 again, {point}", near(FALLEN, 0.012), "least", turn("fin")),
    Row("best Delta_min of a network, {point}", near(BEST, 0.03, seeds=20), run.best),
    Row("highest of the mean curve, {point}", {"N=400, eps=.1": at_most(0.0)}, "least", turn("height")),
    Row("Delta_min of Hebb's rule, {point}", {...: within(-2.9, -1.6)}, run.first),
)
hebb = {
    "run": run.recalled_by_hebb,
    "points": {"quick": {"alpha": [0.1], "N": 500}, "full": {"alpha": list(OVERLAP), "N": 4000}},
    "when": "rate",
}
loads = {
    "run": run.sleep,
    "points": {
        "quick": {"alpha": [0.45, 0.6, 0.75], "N": 100, "x_max": "1.25*alpha"},
        "full": {"alpha": [round(0.5 + 0.02 * k, 2) for k in range(11)], "N": 400, "x_max": "1.1*alpha"},
    },
    "seeds": {"quick": 3, "full": 5},
    "when": "rate",
}
mapped = {
    "run": run.maps,
    "points": {
        "quick": {"N": 100, "margins": (0.01, 1.0), "times": TIMES},
        "full": {"N": 400, "margins": (0.01, 0.5, 1.0, 1.3), "times": TIMES},
    },
    "seeds": {"quick": 2, "full": 4},
    "when": "rate",
}
