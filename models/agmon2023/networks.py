"""Networks that the claims of Agmon and Burak (2023) are tested on: corrections of the weights, drift, visits."""

from dataclasses import replace
from functools import wraps

import brainmem.models.agmon2023.reference as reference
import brainmem.models.agmon2023.theory as theory
import numpy as np
import xarray as xr
from brainmem.models.agmon2023.model import lif_cells
from brainmem.models.agmon2023.reference import Embedding, Ring
from brainmem.models.agmon2023.transfers import ROOT, Transfer
from brian2 import hertz, ms

from brainmem import LearningRule, Parameter, Result, measure
from brainmem.claims import Experiment

WEIGHTS = "recurrent.w"
HOLDING = {"rate_step": "0.1*tau"}  # long steps will do where only the state that is reached counts
RELAXED, AGAIN = "25*tau", "20*tau"


def once(function):
    """Return a measure of a network that is taken once for all claims."""

    @wraps(function)
    def shared(experiment: Experiment, seed: int, **point):
        return experiment.once(function, seed, **point)

    return shared


TRANSFERS = {
    "root": ROOT,
    "tabulated": Transfer(
        "tabulated",
        lambda u: np.asarray(lif_cells(u * hertz**2) / hertz),
        lambda u: np.asarray(lif_cells.integral(u * hertz**2) / hertz**3),
        lambda u: np.asarray(lif_cells.slope(u * hertz**2) * hertz),
        ridge=1e-9,
    ),
}


def embedding(N: int, L: int, seed: int, *, stride: int = 1, transfer: str = "root") -> Embedding:
    """Return L random maps of N neurons."""
    ring = Ring(N, transfer=TRANSFERS[transfer])
    return Embedding(ring, reference.places(L, N, np.random.default_rng(seed)), stride)


def run(experiment: Experiment, maps: Embedding, M: np.ndarray, protocol: str, **options) -> Result:
    """Run a protocol from all places of the maps at once, as trials, with M added to the weights."""
    parameters = {"N": maps.ring.N, "L": len(maps.place), "starts": maps.ring.N // maps.stride}
    parameters |= options.pop("parameters", {})
    inputs = {"place": maps.place, **options.pop("inputs", {})}
    if maps.ring.transfer is not ROOT:  # whose bump is the model's
        inputs = {"imposed": maps.ideal, "along": maps.along, **inputs}
        parameters |= {
            "transfer": maps.ring.transfer.name,
            "total_0": maps.ring.rate.sum() * hertz,
            "D": theory.inertia(maps.ring) * hertz**3,
        }
    options = {"record": (), "trials": "items", **options}
    weights = {"recurrent": maps.J + M}
    return experiment.simulate(protocol=protocol, parameters=parameters, inputs=inputs, weights=weights, **options)


@once
def updates(
    experiment: Experiment,
    seed: int,
    *,
    N: int,
    L: int,
    stride: int = 1,
    moving: str = "all",
    number: int = 5,
    transfer: str = "root",
) -> xr.Dataset:
    """Flatten the landscape of held bumps by updates of M; return M, the energies and how far a centre is off.

    Before the first and after each. An update is a linear step with the states of least energy that keep their centres
    (scheme 2).
    """
    maps, rates = embedding(N, L, seed, stride=stride, transfer=transfer), replace(experiment, variant="rate")
    M, found, state = np.zeros_like(maps.J), [], {}
    for update in range(number + 1):
        held = run(
            rates,
            maps,
            M,
            "hold_on" if state else "hold",
            record=("end_I", "end_z"),
            initial=state,
            parameters={"moving": moving, "T_hold": AGAIN if state else RELAXED, **HOLDING},
        )
        current, z = held.end_I.values[0], held.end_z.values[0]
        state = {"cells.I": current, "centre.z": z}
        energies, rates_held = held.energy.values[0], maps.ring.transfer.rate(current)
        off = np.abs((maps.lever * rates_held).sum(axis=1) / rates_held.sum(axis=1)).max()
        found.append((M, energies, off))
        if update < number:
            M = M + maps.step(current, energies)
    return xr.Dataset(
        {
            "M": (("update", "post", "pre"), np.stack([item[0] for item in found])),
            "energy": (("update", "state"), np.stack([item[1] for item in found])),
            "off": ("update", np.array([item[2] for item in found])),
        }
    )


@once
def corrected(
    experiment: Experiment,
    seed: int,
    *,
    N: int,
    L: int,
    scheme: str = "none",
    stride: int = 1,
    transfer: str = "root",
) -> np.ndarray:
    """Return M of a scheme.

    ``none``; ``ideal``, one step on the bumps of one map; ``held`` and ``held, bump``, the best of five updates with
    held bumps; ``one map``, a step for the first map alone; ``of the root``, what ``held`` is for the paper's transfer
    function; ``shuffled`` and ``random``, controls of the size of ``ideal``.
    """
    maps = embedding(N, L, seed, stride=stride, transfer=transfer)
    rng = np.random.default_rng([seed, 1])
    if scheme == "none":
        return np.zeros_like(maps.J)
    if scheme == "of the root":
        return corrected(experiment, seed, N=N, L=L, scheme="held", stride=stride)
    if scheme.startswith("held"):
        moving = "bump" if scheme.endswith("bump") else "all"
        found = updates(experiment, seed, N=N, L=L, stride=stride, moving=moving, transfer=transfer)
        return found.M.values[found.energy.values.std(axis=1).argmin()]
    if scheme == "one map":
        first = maps.ideal[: maps.ring.N // maps.stride]
        return maps.step(first, maps.energy(first))
    ideal = maps.idealised()
    if scheme == "shuffled":
        order = rng.permutation(len(ideal))
        return ideal[np.ix_(order, order)]
    if scheme == "random":
        upper = np.triu(rng.normal(0, ideal.std(), ideal.shape), 1)
        return upper + upper.T
    return ideal


@once
def landscape(experiment: Experiment, seed: int, *, N: int, L: int, scheme: str = "none") -> dict[str, float]:
    """Return mean and spread of the energy of one map's bumps at all places, and the sizes of J and M."""
    maps = embedding(N, L, seed)
    M = corrected(experiment, seed, N=N, L=L, scheme=scheme)
    energies = run(experiment, maps, M, "landscape").energy.values.ravel()
    by_map = energies.reshape(L, -1).std(axis=1)
    return {
        "mean": energies.mean(),
        "sd": energies.std(),
        "ptp": np.ptp(energies),
        "sd of the first map": by_map[0],
        "sd of the last map": by_map[-1],
        "sd of M over J": M.std() / maps.J.std(),
    }


@once
def drift(experiment: Experiment, seed: int, *, N: int, L: int, scheme: str = "none", starts: int = 10, stride: int = 1,
          transfer: str = "root", **parameters) -> dict[str, float]:  # fmt: skip
    """Release bumps at evenly spaced places; return how far they are at the end, and how well they fit a bump."""
    maps = embedding(N, L, seed, stride=N // starts, transfer=transfer)
    M = corrected(experiment, seed, N=N, L=L, scheme=scheme, stride=stride, transfer=transfer)
    released = run(experiment, maps, M, "drift", record=("end_I",), seed=seed, parameters=parameters)
    return moved(maps, maps.ring.transfer.rate(released.end_I.values[-1]))


def moved(maps: Embedding, rates: np.ndarray) -> dict[str, float]:
    """Return the drift of states that began at the places of `maps`."""
    found = measure.decode(rates, maps.ring.rate, maps.place)
    scores = measure.bump_scores(rates, maps.ring.rate, maps.place)
    maps_begun = np.repeat(np.arange(len(maps.place)), maps.ring.N // maps.stride)
    begun = np.tile(np.arange(0, maps.ring.N, maps.stride), len(maps.place))
    own = scores[np.arange(len(rates)), maps_begun].argmax(axis=-1)
    gone = np.abs(measure.displacement(own, begun, size=maps.ring.N))
    ends = measure.end_points(own[maps_begun == 0])
    return {
        "drift": gone.mean(),
        "drift of the first map": gone[maps_begun == 0].mean(),
        "of the last map": gone[maps_begun == len(maps.place) - 1].mean(),
        "largest drift": gone.max(),
        "Q": found.score.mean(),
        "wrong map": np.mean(found.map != maps_begun),
        "squared change": ((rates - maps.ring.transfer.rate(maps.ideal)) ** 2).sum(axis=1).mean(),
        "peak": rates.max(axis=1).mean(),
        "end points": ends.number,
        "bits": ends.bits,
    }


@once
def held_and_released(experiment: Experiment, seed: int, *, N: int, L: int, scheme: str) -> dict[str, float]:
    """Release held bumps; return the squared change of rates after 3 s."""
    maps = embedding(N, L, seed, stride=N // 10)
    M = corrected(experiment, seed, N=N, L=L, scheme=scheme)
    held = run(experiment, maps, M, "hold", record=("end_I",), parameters={**HOLDING, "T_hold": RELAXED})
    state = held.end_I.values[0]
    released = run(experiment, maps, M, "let_go", record=("end_I",), initial={"cells.I": state})
    before, after = ROOT.rate(state), ROOT.rate(released.end_I.values[-1])
    return {"squared change": ((after - before) ** 2).sum(axis=1).mean()}


def squared_change_held(experiment: Experiment, seed: int, **point) -> float:
    """Return that number alone."""
    return held_and_released(experiment, seed, **point)["squared change"]


def flattened(experiment: Experiment, seed: int, *, N: int, L: int, **options) -> dict[str, float]:
    """Return the spread of energies of held bumps before the updates, after each, and how much the best one gains."""
    found = updates(experiment, seed, N=N, L=L, **options)
    sd = found.energy.std("state").values
    changes = np.diff(found.M.values, axis=0).std(axis=(1, 2))
    return {
        **{f"after {number}": value for number, value in enumerate(sd)},
        "gain": sd[0] / sd.min(),
        "shrinks": changes[0] / changes[-1],
        "off": found.off.max(),
    }


def between_places(experiment: Experiment, seed: int, *, N: int, L: int, scheme: str) -> dict[str, float]:
    """Return the spread of energies of held bumps half-way between places, beside that at places."""
    maps = embedding(N, L, seed, stride=N // 60)
    M = corrected(experiment, seed, N=N, L=L, scheme=scheme)
    found = {}
    for name, shift in (("at", 0.0), ("between", 0.5)):
        along = maps.along - shift
        held = run(experiment, maps, M, "hold", inputs={"along": along}, parameters={**HOLDING, "T_hold": RELAXED})
        found[name] = held.energy.values[0].std()
    return found


def visited(
    experiment: Experiment, seed: int, *, N: int, L: int, protocol: str = "episodes", **parameters
) -> dict[str, float]:
    """Show the network its places; return the spread of energies before and after, and the drift after."""
    maps = embedding(N, L, seed)
    learned = run(
        experiment, maps, 0 * maps.J, protocol, record=(WEIGHTS,), trials=None, seed=seed, parameters=parameters
    )
    w = learned.recurrent_w.values[-1]
    M = w - maps.J
    before = maps.energy(maps.ideal).std()
    after = drift_of(maps, M)
    return {
        "sd before": before,
        "share": maps.energy(maps.ideal, M).std() / before,
        "asymmetry": np.abs(w - w.T).max(),
        "drift": after,
    }


def visited_blindly(experiment: Experiment, seed: int, *, N: int, L: int) -> dict[str, float]:
    """Return the same for a rule whose third factor is a constant: the mean size of the true one."""
    rule = LearningRule(
        "episodic",
        "recurrent",
        episodic="w += (1 - exp(-gain))*third*r_pre*r_post/G0",
        at=("episode",),
    )
    sd = landscape(experiment, seed, N=N, L=L)["sd"]
    third = Parameter("third", sd * hertz**3, meaning="constant third factor", source="ours")
    blind = replace(experiment, model=experiment.model.replace(rule, third), measured={})
    return visited(blind, seed, N=N, L=L)


def falling(experiment: Experiment, seed: int, *, N: int, L: int) -> dict[str, float]:
    """Return the largest rise of the energy in a millisecond, from random states and from bumps."""
    maps = embedding(N, L, seed, stride=N // 10)
    M, rng = np.zeros_like(maps.J), np.random.default_rng([seed, 2])
    states = np.where(np.arange(len(maps.apart))[:, None] % 2, maps.ideal, rng.normal(0, 50, maps.ideal.shape))
    seen = run(experiment, maps, M, "let_go", record=("energy",), interval=1 * ms, initial={"cells.I": states},
               parameters={"T": "0.5*second"})  # fmt: skip
    energies = seen.energy_trace.values.reshape(-1, len(states))
    return {"rise": np.diff(energies, axis=0).max() / np.abs(energies).max()}


def later(experiment: Experiment, seed: int, *, N: int, L: int) -> float:
    """Return the mean distance between the places of bumps after 3 and after 10 s."""
    maps, ends = embedding(N, L, seed, stride=N // 10), []
    for duration in (3, 10):
        parameters = {"T": f"{duration}*second", "rate_step": 1 * ms}
        last = run(experiment, maps, 0 * maps.J, "drift", record=("end_I",), parameters=parameters)
        rates = ROOT.rate(last.end_I.values[-1])
        ends.append(measure.decode(rates, maps.ring.rate, maps.place).place)
    return np.abs(measure.displacement(*ends, size=N)).mean()


def scaled(experiment: Experiment, seed: int, *, N: int, L: int, f: float) -> dict[str, float]:
    """Return the spread of energies with f times the M of one linear step, over that without."""
    maps = embedding(N, L, seed)
    M = f * corrected(experiment, seed, N=N, L=L, scheme="ideal")
    spreads = [run(experiment, maps, part, "landscape").energy.values.std() for part in (M, 0 * M)]
    return {"sd over none": spreads[0] / spreads[1]}


def disturbed(experiment: Experiment, seed: int, *, N: int, L: int, eps: float) -> dict[str, float]:
    """Return the drift with the best M and each weight off by a Gaussian share of itself."""
    maps = embedding(N, L, seed, stride=N // 10)
    W = maps.J + corrected(experiment, seed, N=N, L=L, scheme="held")
    W = W * (1 + eps * np.random.default_rng([seed, 3]).normal(0, 1, W.shape))
    released = run(experiment, maps, W - maps.J, "drift", record=("end_I",))
    return moved(maps, ROOT.rate(released.end_I.values[-1]))


def drift_of(maps: Embedding, M: np.ndarray, *, starts: int = 20) -> float:
    """Return the drift of the rate network with M, in plain numpy."""
    few = Embedding(maps.ring, maps.place, maps.ring.N // starts)
    rates = ROOT.rate(reference.run(few.ideal, maps.J + M, maps.h, duration=3.0, dt=1e-3))
    return moved(few, rates)["drift"]


def sum_of_maps(experiment: Experiment, seed: int, *, N: int, L: int) -> dict[str, float]:
    """Return the energies of bumps in units of what theory says of random maps."""
    found = landscape(experiment, seed, N=N, L=L)
    ring = Ring(N)
    return {"mean": found["mean"] / theory.mean_energy(ring, L), "sd": found["sd"] / theory.energy_sd(ring, L)}
