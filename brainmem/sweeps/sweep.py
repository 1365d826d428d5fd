"""Run one model at many parameter values and seeds, each binary built once, several runs at a time."""

from __future__ import annotations

import itertools
import os
import pickle
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from brainmem.engine.device import BuildJob, Device, Executable, as_device
from brainmem.engine.prepare import prepare
from brainmem.errors import DeviceError, RuleError, quoted
from brainmem.intake.arguments import (
    CALLABLE,
    PATH,
    SEEDS,
    SPAN,
    TRIALS,
    a,
    instance,
    optional,
    seeds_of,
    several,
    takes,
)
from brainmem.intake.records import RECORD, Asked, as_record
from brainmem.model.freezing import fixed_weights
from brainmem.model.memory import MemoryModel
from brainmem.model.phases import with_starts
from brainmem.model.protocols import form_of
from brainmem.model.variants import Variant, variant_of, with_cells
from brainmem.models import get_model
from brainmem.numbers.loading import RUN, load_given, needed
from brainmem.numbers.run import Given
from brainmem.results.result import Result
from brainmem.simulation.jobs import job_of
from brainmem.simulation.simulate import translated_for
from brainmem.storage.files import check_folder
from brainmem.storage.leaving import remove_left_behind
from brainmem.storage.seals import fault_of
from brainmem.sweeps.elsewhere import Caller, run_elsewhere
from brainmem.sweeps.executors import run_in_executor
from brainmem.sweeps.manifest import check_listing, write_error, write_listing
from brainmem.sweeps.measured import check_measure
from brainmem.sweeps.points import (
    PROTOCOL,
    Form,
    Parameters,
    Task,
    Work,
    form_at,
    forms_of,
    plan_points,
    read_points,
    with_choice,
)
from brainmem.sweeps.running import on_disk, ready_for, run_here
from brainmem.sweeps.store import Sweep

__all__ = ["sweep"]

Progress = Callable[[int, int, int], object]


def _is_name(given: Any) -> bool:
    return isinstance(given, str)


def _is_part(given: Any) -> bool:
    whole = isinstance(given, tuple) and len(given) == 2 and all(type(number) is int for number in given)
    return whole and 1 <= given[0] <= given[1]


@takes(
    RuleError,
    **{name: RUN[name] for name in ("model", "device", "inputs", "weights", "initial")},
    parameters=a(
        "a mapping from names to values, or a list of these", lambda given: not isinstance(given, str | type(None))
    ),
    seeds=SEEDS,
    store=PATH,
    record=RECORD,
    interval=optional(SPAN),
    measure=optional(CALLABLE),
    trials=optional(TRIALS),
    part=optional(a("(k, n), the k-th of n parts, two whole numbers with k from 1 to n", _is_part)),
    executor=optional(
        instance("a concurrent.futures.Executor, such as client.get_executor() of a dask client", Executor)
    ),
    protocol=optional(several("the name of a protocol, or a list of these", _is_name, alone=True)),
    progress=optional(CALLABLE),
)
def sweep(
    model: MemoryModel | str,
    variant: Variant | str = "rate",
    *,
    parameters: Parameters | Sequence[Parameters] = {},  # noqa: B006 - never changed
    seeds: int | Iterable[int] = 1,
    store: str | Path,
    device: Device | str | None = None,
    jobs: int | None = None,
    inputs: Mapping[str, Any] | None = None,
    weights: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    record: Asked = ("weights",),
    interval: Any = None,
    trials: int | str | None = None,
    measure: Callable[[Result], Any] | None = None,
    protocol: str | Sequence[str] | None = None,
    part: tuple[int, int] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Run `model` at every combination of values and seeds, and keep each result as a file in the folder `store`.

    With `measure`, keep what it makes of each result in place of the result. Points that the store already has are not
    run again, so that the same call resumes a sweep that was stopped, and a call with more values or seeds extends it.
    A point whose run fails keeps its error and stops no other; the next call tries it again.

    Parameters
    ----------
    model : MemoryModel or str
    variant : {"rate", "spiking"}, Rate or Spiking
        Its choices and parameters of cells hold for every point.
    parameters : mapping or sequence of mappings
        Lists, ranges and arrays are swept, in all combinations; numbers, texts and tuples hold for every point. A
        sequence of mappings gives the points one by one. Options of choices are given, and swept, in the same way.
    seeds : int or iterable of int
        ``8`` stands for 0, 1, ..., 7. Every point runs with every seed.
    store : path
        Made if missing. It refuses to mix sweeps that differ in more than swept values and seeds.
    device : Device or str, optional
    jobs : int, optional
        Processes at a time; as many as the machine has cores when not given. ``1`` runs in this process.
    inputs, weights, initial, record, interval, trials
        See `simulate`; the same for every point.
    measure : callable, optional
        Takes the `Result` of a point and returns what `Sweep.dataset` takes: a number, an array, an
        `xarray.DataArray` or `Dataset`, or a dict of these. It alone is kept, not the result, and an error in it is
        the point's. Other processes import it, so that it must be a function of a module; with ``jobs=1`` any
        function will do that reads nothing but its argument and its module. A store refuses another function, and
        the same with another text.
    protocol : str or list of str, optional
        Which of the model's protocols is run, the first when not given; a list is swept, under the name ``protocol``.
    part : tuple of int, optional
        ``(k, n)``: run the k-th of n parts of the points, every n-th from the k-th on. Several calls, also on other
        machines, may run their parts at once into one store, which lists all points.
    executor : concurrent.futures.Executor, optional
        Runs the points in place of processes of this one: ``client.get_executor()`` of a dask client, an
        ``mpi4py.futures.MPIPoolExecutor``, a pool of processes or threads. Its workers see `store` under the same
        name, have the same packages and a compiler. A point whose worker is lost is submitted again, twice; then its
        error is kept.
    progress : callable, optional
        Called with the numbers of finished, failed and all points.

    Returns
    -------
    Sweep
        The points asked for, of the part if one is given; ``Sweep.load(store)`` gives all that the store holds.

    Raises
    ------
    RuleError, TranslationError
        For names, units or texts that no point could run with.
    DeviceError
        When processes that run points were lost; what was finished is kept.
    ResultError
        When the store holds another sweep.
    """
    _check_workers(jobs, executor)
    if measure is not None:
        check_measure(measure, alone=jobs == 1)
    model = get_model(model) if isinstance(model, str) else model
    variant = variant_of(variant)
    points = read_points(_with_cells(variant, with_choice(model, parameters, protocol)))
    given = load_given(model, {}, inputs=inputs, weights=weights, initial=initial)
    chosen = [(form, [p for p in points.given if form_at(model, p) == form]) for form in forms_of(points, model)]
    forms = tuple(_form(model, variant, given, form, of_form, trials) for form, of_form in chosen)
    work = Work(model, forms, given, as_device(device), as_record(record), interval, trials, measure)
    store = check_folder(store)
    listing, every = plan_points(work, points, seeds_of(seeds), store)
    check_listing(store, listing)
    remove_left_behind(store, ".*")
    tasks = every if part is None else every[part[0] - 1 :: part[1]]
    todo = [task for task in tasks if not _is_finished(task.path)]
    work, ready, refused = _prepare(work, todo)
    if refused and len(refused) == len(tasks) and not _any_runs(work, every, tasks):
        raise refused[0][1]
    write_listing(store, listing)
    done = _counted(len(tasks), len(tasks) - len(todo), progress)
    _run(work, ready, refused, jobs=jobs, executor=executor, done=done)
    remove_left_behind(store, ".*")
    own = {task.path.stem: listing.points[task.path.stem] for task in tasks}
    found = Sweep.of(store, [replace(listing, points=own)])
    _warn_of_failures(found)
    return found


def _check_workers(jobs: Any, executor: Executor | None) -> None:
    if jobs is not None and (not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1):
        raise DeviceError(f"sweep(): jobs={jobs!r}: give how many processes may run at a time, 1 or more.")
    if jobs is not None and executor is not None:
        raise DeviceError(
            f"sweep(): jobs={jobs} and executor={quoted(executor)} are given. The executor has workers of its own, as "
            "many as it was made with: leave out jobs, or for processes on this machine the executor."
        )


def _form(
    model: MemoryModel,
    variant: Variant,
    given: Given,
    form: Mapping[str, str],
    points: list[dict[str, Any]],
    trials: int | str | None,
) -> Form:
    """Return the model with its choices and protocol, translated, with what it needs of what is given."""
    options = {name: option for name, option in form.items() if name != PROTOCOL}
    chosen, _ = form_of(model, options, form.get(PROTOCOL))
    named = dict.fromkeys(name for point in points for name in point)
    own = needed(chosen, replace(given, parameters=named))
    model = with_starts(chosen, own.initial)
    if trials is None:
        return Form(translated_for(model, variant, None, own), own)
    here = [{name: value for name, value in point.items() if name not in form} for point in points]
    for point in here[1:]:
        fixed_weights(model, point, variant.name)
    return Form(translated_for(model, variant, trials, replace(own, parameters=here[0])), own)


def _with_cells(variant: Variant, parameters: Any) -> Any:
    """Return parameters, or a list of points, with those of the cells."""
    if isinstance(parameters, Mapping):
        return with_cells(variant, parameters)
    return [with_cells(variant, point) for point in parameters]


def _is_finished(path: Path) -> bool:
    return os.path.isfile(path) and not fault_of(path)


def _prepare(work: Work, todo: list[Task]) -> tuple[Work, list[Task], list[tuple[Task, Exception]]]:
    """Calibrate, and build each distinct binary once; also return the points for which that fails, and why."""
    built: list[tuple[BuildJob, Executable | Exception]] = []
    ready, refused = [], []
    for _, group in itertools.groupby(todo, key=lambda task: id(task.parameters)):
        tasks = list(group)
        try:
            number = _build(work, tasks[0], built)
        except Exception as error:
            refused += [(task, error) for task in tasks]
        else:
            ready += [replace(task, executable=number) for task in tasks]
    return replace(work, executables=tuple(executable for _, executable in built)), ready, refused


def _build(work: Work, task: Task, built: list[tuple[BuildJob, Executable | Exception]]) -> int:
    """Return which of `built` runs `task`, after adding it if none does."""
    job = job_of(ready_for(work, task), work.interval)
    number = next((i for i, (other, _) in enumerate(built) if other == job), len(built))
    if number == len(built):
        built.append((job, _prepared(job, work.device)))
    made = built[number][1]
    if isinstance(made, Exception):
        raise made
    return number


def _any_runs(work: Work, every: list[Task], tasks: list[Task]) -> bool:
    """Tell whether a point of another part can be run, where none of this part can."""
    other = {id(task.parameters): task for task in every} if len(tasks) < len(every) else {}
    for task in other.values():
        with suppress(Exception):
            ready_for(work, task)
            return True
    return False


def _prepared(job: BuildJob, device: Device) -> Executable | Exception:
    try:
        return prepare(job, device)
    except Exception as error:
        return error


def _run(
    work: Work,
    ready: list[Task],
    refused: list[tuple[Task, Exception]],
    *,
    jobs: int | None,
    executor: Executor | None,
    done: Callable[[bool], None],
) -> None:
    def failed(task: Task, error: Exception) -> None:
        write_error(task.path, error)
        done(False)

    for task, error in refused:
        failed(task, error)
    if executor is None:
        run_here(work, ready, jobs=jobs, done=done)
    elif ready:
        with on_disk(pickle.dumps((Caller.here(work), pickle.dumps(work))), ready[0].path.parent) as path:
            run_in_executor(executor, partial(run_elsewhere, path), ready, done=done, lost=failed)


def _counted(total: int, finished: int, progress: Progress | None) -> Callable[[bool], None]:
    """Return what to call as points end, which tells `progress` how many have."""
    failed = 0

    def done(well: bool) -> None:
        nonlocal finished, failed
        finished, failed = finished + well, failed + (not well)
        if progress is not None:
            progress(finished, failed, total)

    return done


def _warn_of_failures(found: Sweep) -> None:
    if found.failed:
        warnings.warn(
            f"{len(found.failed)} of {len(found.points)} points failed, the first ({found.failed[0]}) with "
            f"{found.failed[0].error}\nThe store keeps all errors; the same call tries these points again.",
            RuntimeWarning,
            stacklevel=4,
        )
