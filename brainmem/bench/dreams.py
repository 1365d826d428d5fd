"""Unlearning dreams, by our program and by a loop written by hand in C++.

A dream starts from random spins, visits single spins in fresh random orders until a sweep flips none, and takes
``eps/N*S_i*S_j`` from all weights off the diagonal. Weights start from Hebb's rule at load 0.3.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from brainmem.bench.programs import program_seconds
from brainmem.bench.registry import OURS, Contenders, Effort

if TYPE_CHECKING:
    from brainmem import MemoryModel

__all__ = ["LOOP", "SOURCE", "dream_model", "dreaming", "hebbian", "loop_program", "plastic_dreaming", "plastic_model"]

LOOP = "C loop"
LOAD, EPS = 0.3, 0.01
DREAMS, TINY = (127, 511), (1, 3)  # of the two runs whose difference is taken
# The flags with which Brian2 compiles our program.
FLAGS = ("-O3", "-ffast-math", "-fno-finite-math-only", "-march=native", "-std=c++11")
SOURCE = r"""
#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>
#include <vector>

int main(int argc, char** argv)
{
    const long N = std::atol(argv[1]), dreams = std::atol(argv[2]);
    const double eps = std::atof(argv[3]);
    std::vector<double> J(N*N), S(N), h(N);
    std::vector<int> order(N);
    FILE* file = std::fopen(argv[4], "rb");
    if (!file || std::fread(J.data(), sizeof(double), N*N, file) != (size_t)(N*N)) return 1;
    std::fclose(file);
    std::mt19937 draw(1);
    long sweeps = 0;
    for (long i = 0; i < N; i++) order[i] = i;
    for (long dream = 0; dream < dreams; dream++)
    {
        for (long i = 0; i < N; i++) S[i] = draw() & 1 ? 1 : -1;
        for (long j = 0; j < N; j++)
        {
            double sum = 0;
            for (long i = 0; i < N; i++) sum += J[j*N + i]*S[i];
            h[j] = sum;
        }
        for (bool moved = true; moved; sweeps++)
        {
            moved = false;
            for (long i = N - 1; i > 0; i--) std::swap(order[i], order[(long)(draw()/4294967296.0*(i + 1))]);
            for (long visit = 0; visit < N; visit++)
            {
                const long k = order[visit];
                if (h[k]*S[k] >= -1e-12) continue;
                S[k] = -S[k];
                moved = true;
                const double change = 2*S[k];
                for (long j = 0; j < N; j++) h[j] += change*J[k*N + j];  // J is symmetric
            }
        }
        for (long j = 0; j < N; j++)
        {
            const double factor = eps/N*S[j];
            for (long i = 0; i < N; i++) J[j*N + i] -= factor*S[i];
            J[j*N + j] = 0;
        }
    }
    std::printf("%.17g\n", (double)sweeps/dreams);
    file = std::fopen(argv[5], "wb");
    if (!file || std::fwrite(J.data(), sizeof(double), N*N, file) != (size_t)(N*N)) return 1;
    return std::fclose(file);
}
"""


def hebbian(size: int) -> np.ndarray:
    """Return the weights ``[post, pre]`` of random patterns at load 0.3."""
    patterns = np.random.default_rng(size).choice([-1.0, 1.0], (max(1, round(LOAD * size)), size))
    weights = patterns.T @ patterns / size
    np.fill_diagonal(weights, 0)
    return weights


def dream_model() -> MemoryModel:
    """Return the model whose every item is a dream."""
    from brainmem import (
        Each,
        LearningRule,
        MemoryModel,
        Observable,
        Parameter,
        Phase,
        Population,
        Projection,
        Protocol,
    )

    dream = Phase("dream", duration="1000*second", until="flips < 0.5", start={"S": "signs()"})
    return MemoryModel(
        "bench_dreams",
        parameters=(
            Parameter("N", 400),
            Parameter("dreams", DREAMS[0]),
            Parameter("eps", EPS),
            Parameter("tie", 1e-12),
        ),
        populations=(Population("spins", "h : 1\nS : 1", sequential="S = sign(h + tie*S)"),),
        projections=(
            Projection(
                "recurrent",
                "spins",
                "spins",
                current="h_post = w*S_pre : 1 (summed)",
                initial={"w": "normal(0, 1/sqrt(N))"},
            ),
        ),
        rules=(LearningRule("unlearn", "recurrent", episodic="w += -(eps/N_pre)*S_pre*S_post", at=("dream",)),),
        observables=(Observable("flips", "int(S_change != 0)", population="spins", reduce="sum"),),
        protocol=Protocol(phases=(dream,), schedule=(Each("dream", items="dreams"),)),
        rate_dt="1*second",
    )


def plastic_model() -> MemoryModel:
    """Return the same model with a rule that is continuous in time, whose gate one sweep of its own opens."""
    from brainmem import Each, LearningRule, Parameter, Phase, Protocol

    dream = Phase("dream", duration="1000*second", until="flips < 0.5", start={"S": "signs()"})
    consolidate = Phase("consolidate", duration="T", gates={"minus": "eps"})
    rule = LearningRule("unlearn", "recurrent", continuous="dw/dt = -(minus/T)*S_pre*S_post/N_pre : 1")
    model = dream_model()
    return model.replace(
        name="bench_plastic_dreams",
        parameters=(*model.parameters, Parameter("T", "1*second")),
        rules=(rule,),
        protocol=Protocol(phases=(dream, consolidate), schedule=(Each(("dream", "consolidate"), items="dreams"),)),
    )


def loop_program(size: int, folder: Path) -> Callable[[int], list[str]]:
    """Compile the loop, and return a function of a number of dreams that gives the command to run."""
    source, program = folder / "dreams.cpp", folder / "dreams"
    source.write_text(SOURCE, encoding="utf-8")
    subprocess.run(["g++", *FLAGS, "-o", str(program), str(source)], check=True)
    hebbian(size).tofile(folder / "start")
    files = [str(folder / "start"), str(folder / "end")]
    return lambda dreams: [str(program), str(size), str(dreams), str(EPS), *files]


def dreaming(size: int, effort: Effort) -> AbstractContextManager[Contenders]:
    """Time one dream, beside the loop written by hand where there is g++."""
    return _timed(dream_model(), size, effort)


def plastic_dreaming(size: int, effort: Effort) -> AbstractContextManager[Contenders]:
    """Time one dream and the sweep in which it is unlearned, beside the same loop."""
    return _timed(plastic_model(), size, effort)


@contextmanager
def _timed(model: MemoryModel, size: int, effort: Effort) -> Iterator[Contenders]:
    from brainmem import simulate

    weights, counts = hebbian(size), TINY if effort.tiny else DREAMS

    def ours(dreams: int) -> None:
        simulate(model, parameters={"N": size, "dreams": dreams}, weights={"recurrent": weights}, record=())

    effort.say(f"dreams, N={size}: compiling")
    for dreams in counts:
        ours(dreams)
    with TemporaryDirectory() as folder:
        contenders = {OURS: lambda: _per_dream(ours, counts)}
        if shutil.which("g++"):
            command = loop_program(size, Path(folder))
            contenders[LOOP] = lambda: _per_dream(
                lambda dreams: subprocess.run(command(dreams), check=True, stdout=subprocess.DEVNULL), counts
            )
        effort.say(f"dreams, N={size}: measuring")
        yield contenders


def _per_dream(run: Callable[[int], object], counts: tuple[int, int]) -> float:
    """Return the CPU time of one dream: starts and ends cancel in the difference of two runs."""
    short, long = (program_seconds(lambda count=count: run(count)) for count in counts)
    return max(long - short, 1e-9) / (counts[1] - counts[0])
