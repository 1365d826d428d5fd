"""Rows of the tables of Ventura (2024) that need no network: generative models of small teachers, by exact sums."""

from itertools import islice

import brainmem.models.ventura2024.reference as reference
import numpy as np

from brainmem import measure

AMPLITUDES = (0.5, 1, 2, 4)
ETA = 0.01
HEATS = np.arange(0.2, 1.5, 0.01)  # temperatures at which the specific heat is taken
PENALTIES = {"l2": (0.01, 0.02, 0.05, 0.1, 0.2, 0.4), "l1": (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)}


def drawn(kind: str, beta: float, seed: int, *, units: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a teacher, its distribution, and the moments of samples of it."""
    rng = np.random.default_rng(seed)
    teacher = reference.teacher(kind, units, beta, rng)
    p = reference.distribution(teacher)
    return teacher, p, reference.data_moments(p, count, rng)


def generative(kind: str, beta: float, seed: int, *, units: int = 12, count: int = 1000) -> dict[str, float]:
    """Return KL of each model, and of BM and of two phases with amplitude 1 (at its best u) Pearson and W1."""
    teacher, p, C = drawn(kind, beta, seed, units=units, count=count)
    machine = reference.boltzmann_machine(C)
    assert machine.reached
    hebbian = [reference.divergence(p, reference.distribution(a * C)) for a in np.arange(0.01, 2, 0.01)]
    row = {"uniform": reference.divergence(p, np.full(p.size, 1 / p.size)), "Hebb": min(hebbian)}
    row |= quality("BM", teacher, p, machine.J)
    for amplitude in AMPLITUDES:
        nights = list(islice(reference.sleep(amplitude * C, ETA), round(amplitude / ETA) + 1))
        kl = [reference.divergence(p, reference.distribution(J)) for J in nights]
        best = int(np.argmin(kl))
        row |= {f"A={amplitude}": kl[best], f"A={amplitude} u/A": best * ETA / amplitude, f"A={amplitude} u=A": kl[-1]}
        row |= quality("A=1", teacher, p, nights[best]) if amplitude == 1 else {}
    return row


def quality(name: str, teacher: np.ndarray, p: np.ndarray, J: np.ndarray) -> dict[str, float]:
    """Return KL, correlation of pair moments, and W1 of the teacher's energies of a model."""
    q = reference.distribution(J)
    energies = measure.energies(teacher, reference.all_states(len(teacher)))
    return {
        name: reference.divergence(p, q),
        f"{name} Pearson": measure.moment_correlation(reference.moments(p), reference.moments(q)),
        f"{name} W1": measure.energy_wasserstein(energies, energies, p=p, q=q),
    }


def cycles(kind: str, beta: float, seed: int, counts: tuple[int, ...]) -> list[float]:
    """Return KL after so many cycles of wake and sleep, amplitude 8 in all, N=10, M=1000."""
    _, p, C = drawn(kind, beta, seed, units=10, count=1000)
    return [reference.divergence(p, reference.distribution(reference.cycles(C, count))) for count in counts]


def regularised(kind: str, seed: int, strengths: tuple[float, ...]) -> dict[str, float]:
    """Return KL and the peak of the specific heat for each strength g, and KL with the best L2 and L1; N=12, M=100."""
    _, p, C = drawn(kind, 1.0, seed, units=12, count=100)
    row = {}
    for g in strengths:
        J = reference.boltzmann_machine(C, g=g).J
        row[f"g={g}"] = reference.divergence(p, reference.distribution(J))
        row[f"g={g} T"] = float(measure.specific_heat(J, HEATS).idxmax())
    for name, values in PENALTIES.items():
        machines = [reference.boltzmann_machine(C, **{name: value}) for value in values]
        row[name] = min(reference.divergence(p, reference.distribution(machine.J)) for machine in machines)
    return row
