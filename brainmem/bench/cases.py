"""What `brainmem bench` measures, and the goals.

A further benchmark is one function that yields its contenders, and one `Case` in `CASES` with its goals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from brainmem.bench.dreams import LOOP, dreaming, plastic_dreaming
from brainmem.bench.peers import open_peers
from brainmem.bench.programs import SPIKE_STEP, rate_program, spiking_program
from brainmem.bench.registry import OURS, Case, Contenders, Effort, Goal
from brainmem.bench.rounds import enough_steps, per_step
from brainmem.bench.scripts import second_run
from brainmem.bench.squares import PLASTIC as PART
from brainmem.bench.squares import SQUARES, squares_program
from brainmem.bench.sweeping import sweep_seconds

__all__ = ["CASES", "PLAIN", "REAL_TIME", "SECOND"]

PLAIN = "brian2"  # Brian2's own loops, with our protocol around them
FLOAT64 = "float64"
REAL_TIME = "real time"
SEPARATE = "separate runs"
TRIALS = 200
SECOND = "one second"

MILLISECONDS = "20 ms"
ONE_CORE = "one core"

POINTS = 4  # of the shorter of the two sweeps that a difference is taken of
SIZES = (100, 500, 1000)
LARGE = (500, 1000)


@contextmanager
def rate_step(size: int, effort: Effort, *, network: str, engines: tuple[str, ...]) -> Iterator[Contenders]:
    """Time one step of a rate network in float64, beside the same network in `engines` and in plain Brian2."""
    from brainmem import Device

    effort.say(f"{network}, N={size}: compiling")
    devices = {OURS: Device(), PLAIN: Device(kernels="plain")}
    programs = {name: rate_program(network, size, device) for name, device in devices.items()}
    with open_peers(engines, network, size, effort.say) as peers:
        effort.say(f"{network}, N={size}: measuring")
        yield stepping(programs | {name: peer.seconds for name, peer in peers.items()}, effort)


@contextmanager
def narrow_step(size: int, effort: Effort, *, network: str) -> Iterator[Contenders]:
    """Time one step of a rate network in float32 beside float64."""
    from brainmem import Device

    effort.say(f"{network} in float32, N={size}: compiling")
    programs = {OURS: rate_program(network, size, Device(float=32)), FLOAT64: rate_program(network, size, Device())}
    effort.say(f"{network} in float32, N={size}: measuring")
    yield stepping(programs, effort)


@contextmanager
def batched_step(size: int, effort: Effort) -> Iterator[Contenders]:
    """Time one step of many trials on the same weights, beside one step of as many separate dense runs."""
    from brainmem import Device

    effort.say(f"batched recall, N={size}: compiling")
    programs = {OURS: rate_program("static", size, Device(), trials=TRIALS)}
    programs[SEPARATE] = rate_program("static", size, Device())
    effort.say(f"batched recall, N={size}: measuring")
    steps = stepping(programs, effort)
    yield {OURS: steps[OURS], SEPARATE: lambda: TRIALS * steps[SEPARATE]()}


@contextmanager
def squares_step(size: int, effort: Effort) -> Iterator[Contenders]:
    """Time one step with recursive least squares of a part of the columns, beside a loop in numpy and plain Brian2."""
    from brainmem import Device

    effort.say(f"least squares, N={size}: compiling")
    programs = {OURS: squares_program(size, Device()), PLAIN: squares_program(size, Device(kernels="plain"))}
    with open_peers(("numpy",), SQUARES, size, effort.say) as peers:
        effort.say(f"least squares, N={size}: measuring")
        yield stepping(programs | {name: peer.seconds for name, peer in peers.items()}, effort)


@contextmanager
def spiking_second(size: int, effort: Effort) -> Iterator[Contenders]:
    """Time one second of biological time of a plastic spiking network, beside plain Brian2 and the second itself."""
    from brainmem import Device

    effort.say(f"spiking, N={size}: compiling")
    programs = {OURS: spiking_program(size, Device()), PLAIN: spiking_program(size, Device(kernels="plain"))}
    effort.say(f"spiking, N={size}: measuring")
    steps = {name: (lambda one=one: one() / SPIKE_STEP) for name, one in stepping(programs, effort).items()}
    yield {**steps, REAL_TIME: lambda: 1.0}


@contextmanager
def second_script(size: int, effort: Effort) -> Iterator[Contenders]:
    """Time a script of its own process whose network was compiled before, from start to end of a short simulation."""
    effort.say(f"second run, N={size}: measuring")
    with TemporaryDirectory(prefix="brainmem-bench-") as cache:
        yield {OURS: second_run(size, Path(cache)), SECOND: lambda: 1.0}


@contextmanager
def sweep_point(size: int, effort: Effort) -> Iterator[Contenders]:
    """Time a point of a sweep whose simulation is one step, beside 20 ms."""
    seconds = partial(sweep_seconds, size=size, steps=1, jobs=1)
    effort.say(f"sweep, N={size}: measuring")
    seconds(1)  # compiles
    yield {OURS: lambda: per_step(seconds, 1 if effort.tiny else POINTS), MILLISECONDS: lambda: 0.020}


@contextmanager
def sweep_on_two_cores(size: int, effort: Effort) -> Iterator[Contenders]:
    """Time a point of a sweep on two cores, beside the same sweep on one."""
    from brainmem import Device

    effort.say(f"sweep on two cores, N={size}: measuring")
    steps = enough_steps(rate_program("static", size, Device()), effort.seconds)
    sweeps = {OURS: partial(sweep_seconds, size=size, steps=steps, jobs=2)}
    sweeps[ONE_CORE] = partial(sweep_seconds, size=size, steps=steps, jobs=1)
    for seconds in sweeps.values():
        seconds(2)  # compiles, and starts the processes that later sweeps use
    points = 1 if effort.tiny else POINTS
    yield {name: partial(per_step, seconds, points) for name, seconds in sweeps.items()}


def stepping(seconds: dict[str, Callable[[int], float]], effort: Effort) -> dict[str, Callable[[], float]]:
    """Return contenders that take the time of one step; each gets the steps that it needs for `effort`."""
    steps = {name: enough_steps(of_steps, effort.seconds) for name, of_steps in seconds.items()}
    return {name: partial(per_step, of_steps, steps[name]) for name, of_steps in seconds.items()}


def per_synapse(size: int) -> float:
    """Turn seconds per step into nanoseconds per synapse and step."""
    return 1e9 / size**2


def _step_case(network: str, what: str, goals: tuple[Goal, ...], *peers: str) -> Case:
    return Case(
        network,
        what,
        contenders=partial(rate_step, network=network, engines=("numpy", *peers)),
        sizes=SIZES,
        goals=goals,
        unit=PER_SYNAPSE,
        scale=per_synapse,
    )


def _narrow_case(network: str, what: str) -> Case:
    return Case(
        f"{network}32",
        f"{what}, float32",
        contenders=partial(narrow_step, network=network),
        sizes=LARGE,
        goals=(Goal(FLOAT64, 1 / 1.7),),
        unit=PER_SYNAPSE,
        scale=per_synapse,
        float=32,
    )


PEERS = ("jax", "annarchy", "annarchy -ffast-math")
PER_SYNAPSE = "ns per synapse and step"
STATIC = "static dense step"
PLASTIC = "plastic dense step, any rule"
RANK_ONE = "plastic dense step, rows scaled plus rank one"

STATIC_GOALS = (
    Goal("dgemv", 1.15, sizes=(500,)),
    Goal("jax", 1.0, sizes=(100,)),
    Goal("jax", 1.15, sizes=(500,)),
    Goal(PLAIN, 1 / 6, sizes=(500,)),
    Goal("annarchy", 1 / 6, sizes=(500,)),
)
PLASTIC_GOALS = (Goal("jax", 1.1), Goal(PLAIN, 1 / 7, sizes=(500,)), Goal("annarchy", 1 / 9, sizes=(500,)))
RANK_ONE_GOALS = (
    Goal("jax", 1.1, sizes=(100,)),
    Goal("jax", 0.7, sizes=LARGE),
    Goal(PLAIN, 1 / 7, sizes=(500,)),
    Goal("annarchy", 1 / 9, sizes=(500,)),
)

CASES = (
    _step_case("static", STATIC, STATIC_GOALS, "dgemv", *PEERS),
    _step_case("plastic", PLASTIC, PLASTIC_GOALS, *PEERS),
    _step_case("rank_one", RANK_ONE, RANK_ONE_GOALS, *PEERS),
    _narrow_case("static", STATIC),
    _narrow_case("plastic", PLASTIC),
    _narrow_case("rank_one", RANK_ONE),
    Case(
        "batched",
        f"batched recall, {TRIALS} trials, one step",
        contenders=batched_step,
        sizes=(500,),
        goals=(Goal(SEPARATE, 1 / 8),),
    ),
    Case(
        SQUARES,
        f"recursive least squares, {100 * PART:.0f} % of the columns, one step",
        contenders=squares_step,
        sizes=(500,),
        goals=(Goal("numpy", 1 / 5),),
        unit="us",
        scale=lambda size: 1e6,
    ),
    Case(
        "spiking",
        "spiking plastic network at 20 Hz, one second",
        contenders=spiking_second,
        sizes=(500,),
        goals=(Goal(REAL_TIME, 1.0), Goal(PLAIN, 1 / 3)),
    ),
    Case(
        "dreams",
        "unlearning dream of a binary network",
        contenders=dreaming,
        sizes=(400,),
        goals=(Goal(LOOP, 2.0),),
        unit="ms",
        scale=lambda size: 1e3,
    ),
    Case(
        "plastic_dreams",
        "the same, unlearned by a rule in time",
        contenders=plastic_dreaming,
        sizes=(400,),
        goals=(Goal(LOOP, 1.5),),
        unit="ms",
        scale=lambda size: 1e3,
    ),
    Case(
        "second_run",
        "second run of an unchanged script",
        contenders=second_script,
        sizes=(100,),
        goals=(Goal(SECOND, 1.0),),
    ),
    Case(
        "sweep",
        "point of a sweep, beside its simulation",
        contenders=sweep_point,
        sizes=(100,),
        goals=(Goal(MILLISECONDS, 1.0),),
    ),
    Case(
        "two_cores",
        "point of a sweep on two cores",
        contenders=sweep_on_two_cores,
        sizes=(100,),
        goals=(Goal(ONE_CORE, 1 / 1.9),),
        cores=2,
    ),
)
