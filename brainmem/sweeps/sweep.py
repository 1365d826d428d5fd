"""Run one model at many parameter values and seeds, each binary built once, several runs at a time."""

from __future__ import annotations

import errno
import itertools
import os
import pickle
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from brainmem.engine.device import BuildJob, Device, Executable, as_device
from brainmem.engine.prepare import prepare
from brainmem.errors import DeviceError, ResultError, RuleError
from brainmem.intake.arguments import CALLABLE, PATH, SEEDS, SPAN, a, optional, several, takes
from brainmem.intake.records import RECORD, Asked, as_record
from brainmem.model.memory import MemoryModel
from brainmem.model.phases import with_starts
from brainmem.model.protocols import form_of
from brainmem.model.variants import Variant, variant_of, with_cells
from brainmem.models import get_model
from brainmem.numbers.loading import RUN, load_given, needed
from brainmem.numbers.run import Given
from brainmem.results.result import Result
from brainmem.simulation.jobs import job_of
from brainmem.simulation.ready import Ready, make_ready
from brainmem.simulation.simulate import execute
from brainmem.storage.files import advice, check_folder
from brainmem.storage.leaving import mark, remove, remove_left_behind
from brainmem.storage.netcdf import write_dataset
from brainmem.storage.seals import fault_of
from brainmem.sweeps.manifest import check_listing, forget_error, write_error, write_listing
from brainmem.sweeps.measured import check_measure, measured
from brainmem.sweeps.points import (
    PROTOCOL,
    Form,
    Parameters,
    Task,
    Work,
    forms_of,
    plan_points,
    read_points,
    with_choice,
)
from brainmem.sweeps.pool import run_in_processes
from brainmem.sweeps.store import Sweep
from brainmem.translation import translate

__all__ = ["sweep"]

Progress = Callable[[int, int, int], object]

_DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_GO_ON = "What was finished is kept, and the same call goes on from there."


def _is_name(given: Any) -> bool:
    return isinstance(given, str)


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
    measure: Callable[[Result], Any] | None = None,
    protocol: str | Sequence[str] | None = None,
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
    inputs, weights, initial, record, interval
        See `simulate`; the same for every point.
    measure : callable, optional
        Takes the `Result` of a point and returns what `Sweep.dataset` takes: a number, an array, an
        `xarray.DataArray` or `Dataset`, or a dict of these. It alone is kept, not the result, and an error in it is
        the point's. Other processes import it, so that it must be a function of a module; with ``jobs=1`` any
        function will do that reads nothing but its argument and its module. A store refuses another function, and
        the same with another text.
    protocol : str or list of str, optional
        Which of the model's protocols is run, the first when not given; a list is swept, under the name ``protocol``.
    progress : callable, optional
        Called with the numbers of finished, failed and all points.

    Returns
    -------
    Sweep
        The points asked for; ``Sweep.load(store)`` gives all that the store holds.

    Raises
    ------
    RuleError, TranslationError
        For names, units or texts that no point could run with.
    ResultError
        When the store holds another sweep.
    """
    if measure is not None:
        check_measure(measure, alone=jobs == 1)
    if jobs is not None and (not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1):
        raise DeviceError(f"sweep(): jobs={jobs!r}: give how many processes may run at a time, 1 or more.")
    model = get_model(model) if isinstance(model, str) else model
    variant = variant_of(variant)
    points = read_points(_with_cells(variant, with_choice(model, parameters, protocol)))
    given = load_given(model, {}, inputs=inputs, weights=weights, initial=initial)
    forms = tuple(_form(model, variant, given, form, points.given) for form in forms_of(points, model))
    work = Work(model, forms, given, as_device(device), as_record(record), interval, measure)
    store = check_folder(store)
    listing, tasks = plan_points(work, points, _listed(seeds), store)
    check_listing(store, listing)
    remove_left_behind(store, ".*")
    todo = [task for task in tasks if not _is_finished(task.path)]
    work, ready, refused = _prepare(work, todo)
    if refused and len(refused) == len(tasks):
        raise refused[0][1]
    write_listing(store, listing)
    _run(work, ready, refused, jobs=jobs, done=_counted(len(tasks), len(tasks) - len(todo), progress))
    found = Sweep.of(store, [listing])
    _warn_of_failures(found)
    return found


def _form(
    model: MemoryModel, variant: Variant, given: Given, form: Mapping[str, str], points: list[dict[str, Any]]
) -> Form:
    """Return the model with its choices and protocol, translated, with what it needs of what is given."""
    options = {name: option for name, option in form.items() if name != PROTOCOL}
    chosen, _ = form_of(model, options, form.get(PROTOCOL))
    named = dict.fromkeys(name for point in points for name in point)
    own = needed(chosen, replace(given, parameters=named))
    return Form(translate(with_starts(chosen, own.initial), variant), own)


def _with_cells(variant: Variant, parameters: Any) -> Any:
    """Return parameters, or a list of points, with those of the cells."""
    if isinstance(parameters, Mapping):
        return with_cells(variant, parameters)
    return [with_cells(variant, point) for point in parameters]


def _is_finished(path: Path) -> bool:
    return os.path.isfile(path) and not fault_of(path)


def _listed(seeds: Any) -> tuple[int, ...]:
    return tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)


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
    job = job_of(_ready(work, task), work.interval)
    number = next((i for i, (other, _) in enumerate(built) if other == job), len(built))
    if number == len(built):
        built.append((job, _prepared(job, work.device)))
    made = built[number][1]
    if isinstance(made, Exception):
        raise made
    return number


def _ready(work: Work, task: Task) -> Ready:
    translated, given = work.forms[task.form].translated, work.given_at(task)
    return make_ready(translated, given, seed=task.seed, device=work.device, record=work.record)


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
    done: Callable[[bool], None],
) -> None:
    for task, error in refused:
        write_error(task.path, error)
        done(False)
    jobs = min(_cores(work.device) if jobs is None else jobs, len(ready))
    if jobs <= 1:
        for task in ready:
            done(_run_point(work, task))
        return
    with _on_disk(work, ready[0].path.parent) as path:
        run_in_processes(partial(_run_point_of, path), ready, jobs=jobs, done=done)


def _cores(device: Device) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // max(1, device.threads))


@contextmanager
def _on_disk(work: Work, folder: Path) -> Iterator[Path]:
    """Write `work` to a file, so that only its path and the points' numbers cross to workers."""
    path = folder / f".{mark()}.work"
    try:
        try:
            path.write_bytes(pickle.dumps(work))
        except OSError as error:
            raise ResultError(f"Cannot write {str(path)!r}: {advice(error)}") from error
        yield path
    finally:
        remove(path)


@lru_cache(maxsize=1)
def _read_work(path: Path) -> Work:
    try:
        return pickle.loads(path.read_bytes())
    except (ImportError, AttributeError) as error:
        raise RuleError(
            f"sweep(): another process cannot import the function measure ({error}). Write it as a function of a file "
            "beside the script, and import it from there; or sweep with jobs=1, in this process."
        ) from error


def _run_point_of(path: Path, task: Task) -> bool:
    return _run_point(_read_work(path), task)


def _run_point(work: Work, task: Task) -> bool:
    """Run one point into its file and return whether that went well."""
    try:
        result = execute(_ready(work, task), work.executables[task.executable])
        result.data.attrs["key"] = task.path.stem
        if work.measure is None:
            _keep_foreign(task.path)
            result.save(task.path)
        else:
            kept = measured(work.measure, result)
            _keep_foreign(task.path)
            write_dataset(kept, task.path, key=task.path.stem)
    except Exception as error:
        _keep_error(task.path, error)
        return False
    forget_error(task.path)
    return True


def _keep_error(path: Path, error: Exception) -> None:
    """Keep why a run failed; where the disk is full, further runs would be lost too: raise then."""
    if getattr(error.__cause__, "errno", None) in _DISK_IS_FULL:
        raise ResultError(f"{error} {_GO_ON}") from error
    try:
        write_error(path, error)
    except ResultError as full:
        raise ResultError(f"{full} {_GO_ON}") from error


def _keep_foreign(path: Path) -> None:
    """Give another name to a whole result that stands where that of a point belongs: it is somebody's."""
    if os.path.isfile(path) and fault_of(path):
        try:
            Result.load(path)
        except ResultError:
            return
        os.rename(path, path.with_name(f"was-{path.stem}-{uuid.uuid4().hex[:8]}.nc"))


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
