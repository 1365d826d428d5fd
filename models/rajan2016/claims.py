"""The claims of Rajan, Harvey & Tank (2016), as experiments.

A1 and A6 are the paper's own words (its abstract); A3, A4, A5, A8 and A9 are second-hand; A2, A7, A11 and A12 are ours,
as is all that concerns spikes (S1-S3, in spikes.py). The numbers they are held against come from a numerical
reconstruction, most of them from one seed. All pVar are those of the best of several test passes, since pVar is not
monotone in the passes. A9 ends with a law of the load that is ours.

A1-A12 are claims about the rate network, S1-S3 about the spiking variant.
"""

import numpy as np
from brainmem.models.rajan2016.networks import SMALL, Network, best_pvars
from brainmem.models.rajan2016.spikes import schemes, training_in_spikes, transfer

from brainmem import Claim, fit, measure, surrogate
from brainmem.claims import Experiment, Finding, at_least, at_most, near, within

WIDTHS = {"0.3": "sqrt(0.3)*second", "0.09": "0.3*second"}  # variance of the bumps in s^2: sigma
PVAR_TABLE = {  # pVar by variance of the bumps in s^2, then by p; N=500
    "0.3": {0.02: 0.345, 0.04: 0.679, 0.08: 0.926, 0.16: 0.950, 1.0: 0.954},
    "0.09": {0.01: 0.12, 0.02: 0.27, 0.08: 0.869, 0.16: 0.943, 0.25: 0.951, 0.5: 0.954, 1.0: 0.954},
}
CAPACITY_TABLE = {  # mean pVar by p, then by number of sequences; N=200, T=4 s, sigma=0.25 s
    0.08: {1: 0.78, 2: 0.39, 4: 0.16, 6: 0.10},
    0.16: {1: 0.91, 2: 0.80, 4: 0.41, 6: 0.27},
    0.5: {1: 0.95, 2: 0.95, 4: 0.92, 6: 0.73},
}
SPARSE_TABLE = {2: 0.90, 4: 0.82, 6: 0.46}  # 30 % of the units active, p=0.25
LOAD_LAW = {0.15: 0.1, 0.3: 0.25, 0.5: 0.38, 1.0: 0.74, 1.15: 0.87, 2.0: 0.92, 3.0: 0.95}  # pVar by p N sigma/(N_s T)

SEVERAL = {"N": 200, "T": "4*second", "sigma": "0.25*second", "learn_step": "3*ms", "tests": 8}


def _headline(experiment: Experiment, seed: int, p: float = 0.08, **more) -> Network:
    """Train the network of the claim: the paper's size, or a small one."""
    if not experiment.full:
        return Network(experiment, seed, p=max(p, 0.3), tests=4, **SMALL)
    slow = {"learn_step": "8*ms", "tests": 8} if p == 1 else {"tests": 15}
    return Network(experiment, seed, p=p, **slow, **more)


# A1, A2


def fraction(experiment: Experiment):
    """Measure pVar against the fraction of plastic synapses."""
    if not experiment.full:
        pvars = {p: best_pvars(experiment, 2, p=p, tests=4, **SMALL) for p in (0.0, 0.05, 0.3)}
        yield Finding("pVar, N=150, p=0", pvars[0.0], at_most(0.0))
        yield Finding("pVar, N=150, p=0.05", pvars[0.05])
        yield Finding("pVar, N=150, p=0.3", pvars[0.3], at_least(0.90, source="reconstruction"))
        return
    for variance, table in PVAR_TABLE.items():
        for p, value in table.items():
            found = _curve(experiment, p, variance)
            yield Finding(f"pVar, variance {variance} s2, p={p:g}", found, near(value, 0.03, seeds=1))
            if (variance, p) == ("0.3", 0.08):
                yield Finding("the lowest of these seeds", min(found), at_least(0.9))
    yield Finding("pVar, variance 0.3 s2, p=0", _curve(experiment, 0.0, "0.3"), at_most(0.0))


def _curve(experiment: Experiment, p: float, variance: str) -> tuple[float, ...]:
    slow = {0.5: {"learn_step": "4*ms"}, 1.0: {"learn_step": "8*ms"}}.get(p, {})
    tests = 2 if p == 0 else 8 if slow else 20 if (p, variance) == (0.08, "0.3") else 15
    sigma = {} if variance == "0.3" else {"sigma": WIDTHS[variance]}
    seeds = 1 if p in (0, 0.5, 1) else 3
    return best_pvars(experiment, seeds, p=p, tests=tests, **slow, **sigma)


def errors(experiment: Experiment):
    """Measure pVar where learning compares the recurrent current, the total current, or the rate with its target.

    Without the frozen input in the error, x is what the target needs plus that input, which is a ceiling below 1.
    """
    if not experiment.full:
        found = {
            e: best_pvars(experiment, 1, p=0.3, tests=4, error_on=e, **SMALL) for e in ("recurrent", "total", "rate")
        }
        yield Finding(
            "pVar, N=150, total current less recurrent", found["total"][0] - found["recurrent"][0], at_least(0)
        )
        yield Finding("pVar, N=150, rate less recurrent", found["rate"][0] - found["recurrent"][0], at_most(0))
        return
    total = best_pvars(experiment, 2, tests=15, error_on="total")
    yield Finding("pVar, error of the total current, p=0.08", total, near(0.968, 0.03, seeds=1))
    rate = best_pvars(experiment, 2, tests=15, error_on="rate", sigma=WIDTHS["0.09"])
    yield Finding("pVar, error of the rate, variance 0.09 s2, p=0.08", rate, near(0.57, 0.05, seeds=1))


def change(experiment: Experiment):
    """Measure how much each plastic synapse changes: the fewer, the more."""
    few, all_ = _headline(experiment, 0), _headline(experiment, 0, p=1.0)
    sizes = {net: np.abs(net.weights - net.start).sum(axis=0).mean() for net in (few, all_)}
    each = {net: sizes[net] * len(net.start) / net.plastic / np.abs(net.start).sum(axis=0).mean() for net in sizes}
    yield Finding("mean change of a plastic synapse over mean |J(0)|, few", each[few], _if_full(experiment, 25, 55))
    yield Finding("the same, p=1", each[all_], _if_full(experiment, 2, 4))
    yield Finding("few over all", each[few] / each[all_], at_least(1.5, source="reconstruction"))
    total = [measure.magnitude_of_change(net.weights, net.start) for net in (few, all_)]
    yield Finding("magnitude of change, few", total[0], _if_full(experiment, 2.5, 5))
    yield Finding("magnitude of change, p=1", total[1], _if_full(experiment, 2, 4))


def _if_full(experiment: Experiment, low: float, high: float):
    return within(low, high) if experiment.full else None


# A3, A4, A5


def low_dimension(experiment: Experiment):
    """Measure how many principal components hold 95 % of the variance of the rates, and how much is the sequence."""
    few = _headline(experiment, 0)
    rates, target = few.rates()[0], few.result.R.values[0]
    yield Finding(
        "pVar of these rates", measure.pvar(target[::10][: len(rates)], rates[: len(target[::10])]), at_least(0.85)
    )
    found, wanted = measure.dimension(rates), measure.dimension(target)
    yield Finding("dimension of the target", wanted, near(9, 1) if experiment.full else None)
    yield Finding("dimension of the rates less that of the target", found - wanted, within(-2, 3))
    yield Finding("bVar of the target", measure.bvar(target, 1e-3), at_least(0.95, source="reconstruction"))
    yield Finding("bVar of the rates", measure.bvar(rates, 0.01))


def bands(experiment: Experiment):
    """Measure the weights against the distance of their units, and what the sequence needs of them."""
    for label, net in (("few", _headline(experiment, 0)), ("p=1", _headline(experiment, 0, p=1.0))):
        width = max(1, len(net.weights) // 25)
        found = measure.band_structure(net.weights, net.place, width=width)
        near_, far = np.abs(found.offset) <= 2 * width, np.abs(found.offset) > len(net.weights) // 5
        middle = found.mean[near_].mean()
        yield Finding(f"mean weight near the diagonal, {label}", middle, at_least(0.0, source="reconstruction"))
        yield Finding(f"mean weight far from it, {label}", found.mean[far].mean(), at_most(0.0))
        ratio = found.sd.mean() / np.abs(found.mean).mean()
        yield Finding(
            f"sd of a band over its mean, {label}", ratio, at_least(5.0) if experiment.full and label == "few" else None
        )


def fluctuations(experiment: Experiment):
    """Measure pVar with the means of the bands alone, with the rest alone, and with the rest shuffled.

    A sequence would be near 1, no activity in relation to the target near 0 or below.
    """
    for label, p in (("few", 0.08), ("p=1", 1.0)):
        nets = [_headline(experiment, seed, p) for seed in experiment.seeds(1, 2)]
        means = [measure.band_structure(net.weights, net.place).means for net in nets]
        rest = [net.weights - mean for net, mean in zip(nets, means, strict=True)]
        shuffled = [mean + np.random.default_rng(5).permuted(r, axis=0) for mean, r in zip(means, rest, strict=True)]
        yield Finding(f"pVar, all of the weights, {label}", tuple(net.pvar_with() for net in nets), at_least(0.85))
        cases = {"band means alone": means, "fluctuations alone": rest, "means and shuffled fluctuations": shuffled}
        for name, matrices in cases.items():
            found = tuple(net.pvar_with(weights=matrix) for net, matrix in zip(nets, matrices, strict=True))
            yield Finding(f"pVar, {name}, {label}", found, at_most(0.0, source="reconstruction"))


# A6, A7


def cooperation(experiment: Experiment):
    """Measure pVar without the frozen input, with another one, and with a tenth of another one added."""
    for label, p in (("few", 0.08), ("p=1", 1.0)):
        nets = [_headline(experiment, seed, p) for seed in experiment.seeds(2, 2)]
        traces = [net.result.h.values for net in nets]
        without = tuple(net.pvar_with(h=0 * h) for net, h in zip(nets, traces, strict=True))
        other = tuple(net.pvar_with(h=h) for net, h in zip(nets, traces[::-1], strict=True))
        mixed = tuple(net.pvar_with(h=a + 0.1 * b) for net, a, b in zip(nets, traces, traces[::-1], strict=True))
        yield Finding(f"pVar, its own input, {label}", tuple(net.pvar_with() for net in nets), at_least(0.85))
        yield Finding(
            f"pVar, h=0, {label}", without, at_most(0.0, source="reconstruction") if experiment.full else None
        )
        yield Finding(f"pVar, another input, {label}", other, at_most(0.0, source="reconstruction"))
        yield Finding(f"pVar, a tenth of another added, {label}", mixed)


def random_start(experiment: Experiment):
    """Measure pVar from a random state: all synapses forgive it, few do not."""
    for label, p, expected in (("few", 0.08, at_most(0.6)), ("p=1", 1.0, at_least(0.85))):
        nets = [_headline(experiment, seed, p) for seed in experiment.seeds(1, 2)]
        starts = np.random.default_rng(7).normal(size=(3, 1, len(nets[0].weights)))
        found = tuple(net.pvar_with(onset=start) for net in nets for start in starts)
        own = tuple(net.pvar_with() for net in nets)
        yield Finding(f"pVar from the state it was trained from, {label}", own, at_least(0.85))
        yield Finding(f"pVar from a random state, {label}", found, expected if experiment.full else None)


# A8


def delayed_choice(experiment: Experiment):
    """Measure pVar and the selectivity through the delay, with and without noise at test."""
    sizes = {} if experiment.full else {"N": 200, "p": 0.3}
    net = Network(experiment, 0, task="rajan2016/choice", tests=30 if experiment.full else 6, **sizes)
    yield Finding("pVar of both trials", net.pvar, near(0.934, 0.03) if experiment.full else at_least(0.6))
    preferred = net.result.preferred.values.reshape(-1)
    preferred = np.where(preferred == 2, -1, preferred)
    goal = np.clip(net.result.R.values, 0.01, 0.99)[:, 6500:7000]
    yield Finding("selectivity of the clipped target at the end of the delay", measure.selectivity(goal, preferred))
    levels, found = (0.0, 0.05, 0.1, 0.3) if experiment.full else (0.0, 0.3), []
    for level in levels:
        seeds = experiment.seeds(1, 3) if level else (0,)
        rates = [net.rates(noise_sd=level, seed=seed)[:, 650:700] for seed in seeds]
        found.append(tuple(measure.selectivity(rate, preferred) for rate in rates))
        expected = at_least(0.7) if level == 0 else at_most(0.4) if level == 0.3 and experiment.full else None
        yield Finding(f"selectivity at the end of the delay, noise of sd {level:g}", found[-1], expected)
    kept = np.mean(found[-1]) / np.mean(found[0])
    yield Finding("selectivity kept under noise of sd 0.3", kept, at_most(0.5) if experiment.full else None)
    both = measure.pearson(*net.rates(), axis=0)  # of a unit's rates in the two trials
    shared, specific = both[preferred == -1].mean(), both[preferred >= 0].mean()
    yield Finding("correlation of both trials, units without preference", shared, at_least(0.7))
    yield Finding("the same, units that prefer one", specific, at_most(0.3))


# A9


def several(experiment: Experiment):
    """Measure how many sequences one network holds."""
    table = CAPACITY_TABLE if experiment.full else {0.16: {1: 0.91}}
    found = {}
    for p, row in table.items():
        for count, value in row.items():
            found[p, count] = best_pvars(experiment, 1, p=p, sequences=count, **SEVERAL)
            yield Finding(f"pVar, p={p:g}, {count} sequences", found[p, count], near(value, 0.1))
    if not experiment.full:
        return
    for count, value in SPARSE_TABLE.items():
        sparse = best_pvars(experiment, 1, p=0.25, sequences=count, coding_level=0.3, **SEVERAL)
        dense = best_pvars(experiment, 1, p=0.25, sequences=count, **SEVERAL)
        yield Finding(f"pVar, 30 % of the units active, {count} sequences", sparse, near(value, 0.1))
        gain = sparse[0] - dense[0]
        yield Finding(f"the same less that of all units active, {count}", gain, at_least(0.0) if count > 2 else None)
    loads, values = list(LOAD_LAW), list(LOAD_LAW.values())
    misses = [pvar[0] - np.interp(p * 200 * 0.25 / (count * 4), loads, values) for (p, count), pvar in found.items()]
    yield Finding(
        "pVar against the law of the load p N sigma/(N_s T): rms", np.sqrt(np.mean(np.square(misses))), at_most(0.1)
    )


# A11


def recorded(experiment: Experiment):
    """Fit a surrogate of recorded activity, of which a travelling bump explains 40 %."""
    sizes, passes = ({"units": 437}, 15) if experiment.full else ({"units": 100, "duration": 2.0, "width": 0.12}, 5)
    fits = [
        fit(
            surrogate(**sizes, bvar=0.4, seed=seed),
            parameters={"p": 0.12 if experiment.full else 0.4, "tests": passes},
            seed=seed,
            device=experiment.device,
        )
        for seed in experiment.seeds(1, 2)
    ]
    yield Finding("pVar (the paper's recording: .85)", tuple(found.pvar for found in fits), at_least(0.75))
    kept = tuple(measure.bvar(found.rates[0], found.interval) for found in fits)
    yield Finding("bVar of the network, surrogate .40", kept, within(0.3, 0.6, source="ours"))


def _claim(key: str, statement: str, experiment, **more) -> Claim:
    """Return a claim about one variant: a network of the paper's size and length was never run in spikes."""
    variant = "rate" if key.startswith("A") else "spiking"

    def limited(given: Experiment) -> tuple[Finding, ...]:
        return tuple(experiment(given)) if given.variant == variant else ()

    return Claim(key, statement, experiment=limited, **more)


claims = (
    _claim("A1", "A small fraction of the synapses suffices; more help little", fraction, source="abstract"),
    _claim("A2", "The fewer synapses are plastic, the more each changes", change),
    _claim("A3", "The activity has few dimensions", low_dimension),
    _claim("A4", "Weights excite nearby and inhibit far units in the mean, below their fluctuations", bands),
    _claim("A5", "The sequence needs the fluctuations of the weights about the mean of their band", fluctuations),
    _claim("A6", "Recurrence and input cooperate", cooperation, source="abstract"),
    _claim("A7", "A fully trained network forgives a random start, a sparsely trained one does not", random_start),
    _claim("A8", "One network runs two sequences and holds a choice through a delay", delayed_choice),
    _claim("A9", "A network holds several sequences, more if they are sparse; the load decides", several),
    _claim("A11", "Activity like that recorded is learned through few synapses, background and all", recorded),
    _claim("A12", "Learning from the total current fits best, from the rate it is slowest", errors),
    _claim("S1", "Drive-matched populations of cells run the sequence of a rate network", transfer),
    _claim("S2", "Recursive least squares works inside the spiking network", training_in_spikes),
    _claim("S3", "Published ways into spikes, side by side", schemes),
)
