"""Networks that the claims of Agmon and Burak (2023) are tested on: corrections of the weights, drift, visits."""

import brainmem.models.agmon2023.reference as reference
import brainmem.models.agmon2023.theory as theory
import numpy as np
import xarray as xr
from brainmem.models.agmon2023.reference import Embedding, Ring

from brainmem import Result, measure
from brainmem.claims import Experiment

WEIGHTS = "recurrent.w"
HOLDING = {"rate_step": "0.1*tau"}  # long steps will do where only the state that is reached counts
RELAXED, AGAIN = "25*tau", "10*tau"


def embedding(N: int, L: int, seed: int, *, stride: int = 1) -> Embedding:
    """Return L random maps of N neurons."""
    return Embedding(Ring(N), reference.places(L, N, np.random.default_rng(seed)), stride)


def run(experiment: Experiment, maps: Embedding, M: np.ndarray, protocol: str, **options) -> Result:
    """Run a protocol from all places of the maps at once, as trials, with M added to the weights."""
    parameters = {"N": maps.ring.N, "L": len(maps.place), "starts": maps.ring.N // maps.stride}
    options = {"record": (), "trials": "items", **options}
    parameters |= options.pop("parameters", {})
    inputs = {"place": maps.place, **options.pop("inputs", {})}
    weights = {"recurrent": maps.J + M}
    return experiment.simulate(protocol=protocol, parameters=parameters, inputs=inputs, weights=weights, **options)


def updates(experiment: Experiment, maps: Embedding, *, moving: str = "all", number: int = 5) -> xr.Dataset:
    """Flatten the landscape of held bumps by updates of M; return M and the energies before the first and after each.

    Each update is a linear step with the states of least energy that keep their centres (scheme 2).
    """
    M, found, state = np.zeros_like(maps.J), [], {}
    for update in range(number + 1):
        held = run(
            experiment,
            maps,
            M,
            "hold_on" if state else "hold",
            record=("end_I", "end_z"),
            initial=state,
            parameters={"moving": moving, "T_hold": AGAIN if state else RELAXED, **HOLDING},
        )
        current, z = held.end_I.values[0], held.end_z.values[0]
        state = {"I": current, "z": z}
        energies = held.energy.values[0]
        found.append((M, energies, current))
        if update < number:
            M = M + reference.linear_step(reference.transfer(current), energies)
    return xr.Dataset(
        {
            "M": (("update", "post", "pre"), np.stack([item[0] for item in found])),
            "energy": (("update", "state"), np.stack([item[1] for item in found])),
            "current": (("update", "state", "unit"), np.stack([item[2] for item in found])),
        }
    )


def corrected(
    experiment: Experiment, seed: int, *, N: int, L: int, scheme: str = "none", stride: int = 1
) -> np.ndarray:
    """Return M of a scheme, which runs once for all claims.

    ``none``; ``ideal``, one step on the bumps of one map; ``held`` and ``held, bump``, the best of five updates with
    held bumps; ``one map``, a step for the first map alone; ``shuffled`` and ``random``, controls of its size.
    """
    key = ("agmon2023 M", N, L, seed, scheme, stride)
    if key not in experiment.trained_runs:
        experiment.trained_runs[key] = _corrected(experiment, seed, embedding(N, L, seed, stride=stride), scheme)
    return experiment.trained_runs[key]


def _corrected(experiment: Experiment, seed: int, maps: Embedding, scheme: str) -> np.ndarray:
    rng = np.random.default_rng([seed, 1])
    if scheme == "none":
        return np.zeros_like(maps.J)
    if scheme.startswith("held"):
        found = updates(experiment, maps, moving="bump" if scheme.endswith("bump") else "all")
        return found.M.isel(update=int(found.energy.std("state").argmin())).values
    if scheme == "one map":
        r = reference.transfer(maps.ideal[: maps.ring.N // maps.stride])
        return reference.linear_step(r, reference.energy(r, maps.J, maps.h))
    ideal = maps.idealised()
    if scheme == "shuffled":
        order = rng.permutation(len(ideal))
        return ideal[np.ix_(order, order)]
    if scheme == "random":
        upper = np.triu(rng.normal(0, ideal.std(), ideal.shape), 1)
        return upper + upper.T
    return ideal


def landscape(experiment: Experiment, seed: int, *, N: int, L: int, scheme: str = "none", M=None) -> dict[str, float]:
    """Return mean and spread of the energy of one map's bumps at all places, and the sizes of J and M."""
    maps = embedding(N, L, seed)
    M = corrected(experiment, seed, N=N, L=L, scheme=scheme) if M is None else M
    energies = run(experiment, maps, M, "landscape").energy.values.ravel()
    by_map = energies.reshape(L, -1).std(axis=1)
    sizes = {"sd of J": maps.J.std(), "sd of M": M.std()}
    return {
        "mean": energies.mean(),
        "sd": energies.std(),
        "ptp": np.ptp(energies),
        "sd of the first map": by_map[0],
        "of the last map": by_map[-1],
        **sizes,
    }


def drift(experiment: Experiment, seed: int, *, N: int, L: int, scheme: str = "none", starts: int = 10, M=None,
          **parameters) -> dict[str, float]:  # fmt: skip
    """Release bumps at evenly spaced places; return how far they are after 3 s, and how well they fit a bump."""
    maps = embedding(N, L, seed, stride=N // starts)
    M = corrected(experiment, seed, N=N, L=L, scheme=scheme) if M is None else M
    released = run(experiment, maps, M, "drift", record=("end_I",), seed=seed, parameters=parameters)
    return moved(maps, reference.transfer(released.end_I.values[-1]))


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
        "squared change of rates": ((rates - reference.transfer(maps.ideal)) ** 2).sum(axis=1).mean(),
        "peak": rates.max(axis=1).mean(),
        "end points": ends.number,
        "bits": ends.bits,
    }


def held_and_released(experiment: Experiment, seed: int, *, N: int, L: int, scheme: str) -> dict[str, float]:
    """Release held bumps; return the squared change of rates after 3 s."""
    maps = embedding(N, L, seed, stride=N // 10)
    M = corrected(experiment, seed, N=N, L=L, scheme=scheme)
    held = run(experiment, maps, M, "hold", record=("end_I",), parameters={**HOLDING, "T_hold": RELAXED})
    state = held.end_I.values[0]
    released = run(experiment, maps, M, "let_go", record=("end_I",), initial={"I": state})
    before, after = reference.transfer(state), reference.transfer(released.end_I.values[-1])
    return {"squared change of rates": ((after - before) ** 2).sum(axis=1).mean()}


def flattened(experiment: Experiment, seed: int, *, N: int, L: int, moving: str = "all") -> dict[str, float]:
    """Return the spread of energies of held bumps before the updates, after each, and how much the best one gains."""
    found = updates(experiment, embedding(N, L, seed), moving=moving)
    sd = found.energy.std("state").values
    scheme = "held" if moving == "all" else "held, bump"
    best = int(sd.argmin())
    experiment.trained_runs["agmon2023 M", N, L, seed, scheme, 1] = found.M.values[best]
    changes = np.diff(found.M.values, axis=0).std(axis=(1, 2))
    return {
        **{f"after {number}": value for number, value in enumerate(sd)},
        "gain": sd[0] / sd[best],
        "first over last change of M": changes[0] / changes[-1],
    }


def between_places(experiment: Experiment, seed: int, *, N: int, L: int, scheme: str) -> dict[str, float]:
    """Return the spread of energies of held bumps half-way between places, beside that at places."""
    maps = embedding(N, L, seed, stride=N // 60)
    M = corrected(experiment, seed, N=N, L=L, scheme=scheme)
    found = {}
    for name, shift in (("at places", 0.0), ("between", 0.5)):
        distance = maps.distances - shift
        held = run(
            experiment, maps, M, "hold", inputs={"distance": distance}, parameters={**HOLDING, "T_hold": RELAXED}
        )
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
    ideal = reference.transfer(maps.ideal)
    before = reference.energy(ideal, maps.J, maps.h).std()
    after = drift_of(maps, M)
    return {
        "sd before": before,
        "share": reference.energy(ideal, w, maps.h).std() / before,
        "asymmetry": np.abs(w - w.T).max(),
        "drift": after,
    }


def drift_of(maps: Embedding, M: np.ndarray, *, starts: int = 20) -> float:
    """Return the drift of the rate network with M, in plain numpy."""
    few = Embedding(maps.ring, maps.place, maps.ring.N // starts)
    rates = reference.transfer(reference.run(few.ideal, maps.J + M, maps.h, duration=3.0, dt=1e-3))
    return moved(few, rates)["drift"]


def sum_of_maps(experiment: Experiment, seed: int, *, N: int, L: int) -> dict[str, float]:
    """Return the energies of bumps in units of what theory says of random maps."""
    found = landscape(experiment, seed, N=N, L=L)
    ring = Ring(N)
    return {"mean": found["mean"] / theory.mean_energy(ring, L), "sd": found["sd"] / theory.energy_sd(ring, L)}
