"""The claims of Kurikawa, Barak & Kaneko (2020): C1-C5 are the statements of the paper's abstract.

The numbers they are held against come from a numerical reconstruction of the rate network (source "reconstruction");
those of the spiking variant are ours. Which maps count as recalled is said by the model, ``model.recalled``.
"""

import numpy as np
import xarray as xr
from brainmem.models.kurikawa2020.model import model

from brainmem import Claim, Each, Observable, Phase, Protocol, Repeat, measure
from brainmem.claims import Row, at_least, at_most, near, within

RECALL = {  # fraction recalled by M, then by number of epochs; N=100, gamma=0.6; means over 3 seeds
    10: {1: 0.00, 2: 0.40, 5: 0.87, 10: 0.90, 20: 0.90},
    20: {1: 0.00, 2: 0.15, 5: 0.98, 10: 0.98, 20: 1.00},
    30: {1: 0.00, 2: 0.03, 5: 0.53, 10: 0.93, 20: 1.00},
    40: {1: 0.00, 2: 0.05, 5: 0.17, 10: 0.82, 20: 0.95},
    50: {1: 0.00, 2: 0.00, 5: 0.12, 10: 0.25, 20: 0.55},
    60: {1: 0.00, 2: 0.00, 5: 0.03, 10: 0.15, 20: 0.15},
}
OVERWRITING = {  # fraction recalled by eps, then by epoch; M=20, fixed order
    1e-2: {1: 0.05, 3: 0.05, 10: 0.05, 30: 0.03},
    3e-4: {1: 0.10, 3: 0.82, 10: 0.63, 30: 0.30},
    1e-4: {1: 0.10, 3: 0.80, 10: 0.95, 30: 0.88},
}
DECORRELATION = {  # index R by M, then by epoch
    20: {1: 0.29, 2: 0.21, 5: 0.17, 10: 0.16, 40: 0.13},
    40: {1: 0.45, 2: 0.29, 5: 0.21, 10: 0.18, 40: 0.15},
}
OVERLAP = {0.0: 0.0, 0.25: 0.34, 0.5: 0.55, 0.75: 0.79, 0.88: 0.89, 1.0: 0.92}  # by input strength over gamma;
OVERLAP |= {1.13: 0.91, 1.25: 0.86, 1.5: 0.69}  # M=40, 20 epochs
EXACT = ("full", "rate")

fixed = (Each("learn", items="M"), Each("recall", items="M", repeats="starts", epochs="test_epochs"))
in_fixed_order = model.replace(protocol=Protocol(model.protocol.phases, (Repeat("epochs", fixed),)))
recall_only = model.replace(protocol=Protocol(model.protocol.phases, (Each("recall", items="M", repeats="starts"),)))
shut = {"duration": "T_recall", "gates": {"plastic": 0}, "start": {"x": "uniform(-1, 1)"}, "average": "T_average"}
free = model.replace(protocol=Protocol((Phase("free", **shut),), (Each("free", items="starts"),)), observables=())
probe = Protocol((Phase("probe", stimuli=("cue", "target"), **shut),), (Each("probe", items="M"),))
probed = model.replace(protocol=probe, observables=(Observable("overlap", "x*target", population="units"),))


def own(maps, epochs, starts=1, **more):
    """Return parameters of the model's own protocol, which is tested in some epochs."""
    tested = tuple(n for n in (1, 2, 5, 8, 10, 20) if n <= epochs)
    return {"M": maps, "epochs": epochs, "test_epochs": tested, "starts": starts, **more}


def capacities(table):
    curves, fractions = [["M"], ["M"]], table.mean("seed")
    return xr.apply_ufunc(measure.capacity, table.M / 100, fractions, input_core_dims=curves, vectorize=True)


def designed(experiment, seed, design):
    cue, target = np.random.default_rng([seed, 20]).choice([-1.0, 1.0], (2, 20, 100))
    weights = DESIGNS[design](target, cue)
    np.fill_diagonal(weights, 0.0)
    given = {"inputs": {"cue": cue, "target": target}, "weights": {"recurrent": weights}}
    parameters = {"M": 20, "starts": 3 if experiment.full else 1}
    return experiment.simulate(model=recall_only, seed=seed, parameters=parameters, **given)


def spontaneous(experiment, seed, **parameters):
    """Return how near activity without input comes to patterns, with learned and with start weights."""
    trained = experiment.trained(seed, **parameters)
    options = {"record": ("x",), "interval": 0.025 if experiment.variant == "rate" else 0.012}
    options["parameters"] = {"M": parameters["M"], "starts": 10}
    runs = [experiment.again(trained, free, epoch=epoch, **options) for epoch in (-1, 0)]
    (after, before), target = (measure.settled(run, "x").values for run in runs), trained.target.values
    fresh = np.random.default_rng([seed, 4]).choice([-1.0, 1.0], target.shape)
    pairs = {"after": (after, target), "fresh": (after, fresh), "before": (before, target)}
    found = {name: np.mean(measure.nearest_cosine(*pair)) for name, pair in pairs.items()}
    return {**found, "ratio": found["after"] / found["fresh"]}


def probing(experiment, seed, scale, **parameters):
    """Return time mean and temporal sd of the overlap, averaged over maps, with another strength of the cue."""
    trained, changed = experiment.trained(seed, **parameters), {"M": parameters["M"], "gamma": scale * 0.6}
    result = experiment.again(trained, probed, parameters=changed, record=("protocol.overlap",), interval=0.025)
    overlap = measure.overlap(result.mean_x.values, result.target.values[result.step_item.values])
    sd = measure.settled(result, "overlap_trace").values.std(axis=1)
    return {"overlap": np.mean(overlap), "sd": np.mean(sd)}


RECALLED = (measure.recall_table, "recalled")
GAINED = (capacities, lambda table: table.sel(epoch=20) - table.sel(epoch=1))
LATE, BEST = {5: None, 20: None}, {30: at_least(0.85), ...: at_least(0.9)}
CALM = {"rate": at_most(0.5)}  # spike noise keeps the overlap moving, more so with few cells per unit
CELLS = near(RECALL, lambda value, M, n: max(0.1, 3 * np.sqrt(value * (1 - value) / (3 * M))), seeds=3)
DESIGNS = {"J_H": measure.designed_hebb, "J_PI": lambda *given: measure.designed_pseudo_inverse(*given, gamma=0.6)}
FROM_DESIGNS = {"J_H": {"rate": at_most(0.05, source="reconstruction")}, "J_PI": at_least(0.95)}

claims = (
    Claim(
        "C1",
        "Capacity rises strongly with repetition of the maps",
        source="abstract",
        measure=RECALLED,
        points={
            ("quick", "rate"): own([10, 20], 5),
            ("quick", "spiking"): own(20, 5),
            EXACT: own(list(RECALL), 20, 3),
            ("full", "spiking"): [own(10, 5, 3), own(20, 5, 3), own(30, 10, 3)],
        },
        seeds={"quick": 2, EXACT: 8, ("full", "spiking"): 3},
        rows=(
            Row("recalled, M={M}, n={epoch}", CELLS, at={("quick", "rate"): {"epoch": (1, 5)}}, when="rate"),
            Row("recalled, M={M}, n={epoch}", {...: {1: at_most(0.25), ...: None}}, when="spiking"),
            Row("recalled, M={M}, best within {epochs} epochs", BEST, (*RECALLED, np.max), when="spiking"),
            Row("capacity M/N, n={epoch}", dict.fromkeys((1, 2, 5, 10, 20)), summary=capacities, when=EXACT),
            Row("capacity gained from n=1 to n=20", at_least(0.3), summary=GAINED, when=EXACT),
            # slower learning, and a larger network at the same load: the reconstruction has no numbers for these
            Row("recalled, M=40, eps=1e-4, n={epoch}", LATE, points=own(40, 20, 3, eps=1e-4), seeds=3, when=EXACT),
            Row("recalled, N=200, M=60, n={epoch}", LATE, points=own(60, 20, 3, N=200), seeds=3, when=EXACT),
        ),
    ),
    Claim(
        "C2",
        "The learning rate decides between overwriting and strengthening",
        model=in_fixed_order,
        measure=RECALLED,
        points={
            "quick": own(10, 3, eps=[1e-2, 3e-4], test_epochs=(1, 3), T_learn="200*tau"),
            "full": own(20, 30, 3, eps=list(OVERWRITING), test_epochs=(1, 3, 10, 30), T_learn="600*tau"),
        },
        seeds={"quick": 1, "full": 8},
        rows=(
            Row("recalled, eps={eps:g}, n={epoch}", {EXACT: near(OVERWRITING, 0.2)}),
            Row("best recall, eps=3e-4 minus eps=1e-2", at_least(0.4), (*RECALLED, np.max), lambda t: t[1] - t[0]),
        ),
    ),
    Claim(
        "C3",
        "Repeated learning decorrelates the memories in the connectivity",
        points={"quick": own([20], 5), "full": own([20, 40], 40, 3)},
        seeds={"quick": 1, "full": 3},
        measure=measure.decorrelation,
        rows=(
            Row("R, M={M}, n={epoch}", {"rate": near(DECORRELATION, 0.03), "spiking": near(DECORRELATION, 0.06)}),
            Row("R(n={epochs})/R(n=1), M={M}", at_most(0.7), (measure.decorrelation, lambda R: R[-1] / R[1])),
            # Pearson's correlation ignores amplitude and lets some of the weak states of J_H pass
            Row("recalled from {design}, M=20", FROM_DESIGNS, RECALLED, points={"design": list(DESIGNS)}, run=designed),
        ),
    ),
    Claim(
        "C4",
        "Spontaneous activity visits the memories",
        source="abstract",
        run=spontaneous,
        points={"quick": own(20, 5), "full": own(40, 20, 3)},
        seeds={"quick": 1, "full": 5},
        rows=(
            Row("cosine to the nearest target, after learning", {"rate": within(0.32, 0.56)}, "after"),
            Row("the same for fresh random patterns", {"rate": within(0.15, 0.28)}, "fresh"),
            Row("cosine to the nearest target, before learning", {"rate": within(0.15, 0.30)}, "before"),
            Row("after learning, targets over random patterns", at_least(1.3), "ratio"),
        ),
    ),
    Claim(
        "C5",
        "Recall is a bifurcation in the strength of the input",
        source="abstract",
        run=probing,
        points={
            "quick": own(20, 5, scale=[0.0, 0.5, 1.0, 1.5]),
            EXACT: own(40, 20, 3, scale=list(OVERLAP)),
            ("full", "spiking"): own(20, 5, 3, scale=list(OVERLAP)),
        },
        seeds={"quick": 1, "full": 3},
        rows=(
            Row("overlap, g={scale:g} gamma", {EXACT: near(OVERLAP, 0.08)}, "overlap"),
            Row("g/gamma of the largest overlap", within(0.75, 1.25), "overlap", lambda t: t.idxmax("scale")),
            Row("temporal sd of the overlap, g=gamma over g=gamma/2", CALM, "sd", lambda t: t.loc[1.0] / t.loc[0.5]),
        ),
    ),
)
