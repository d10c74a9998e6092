"""How long the ops of a program take, as ``torch.profiler``.

>>> import tallow
>>> from tallow.profiler import profile, record_function
>>> with profile() as p:
...     with record_function("step"):
...         _ = tallow.exp(tallow.tensor(1.0))
>>> [e.key for e in p.key_averages()][::2]
['step', 'exp']
"""

from __future__ import annotations

import enum
import functools
import json
import os
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tallow import ops

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]

_native = ops.profiler


class ProfilerActivity(enum.Enum):
    """Whose work is recorded. There is the CPU's; the others are accepted."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3


class ProfilerAction(enum.Enum):
    """What a step of a schedule does."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """Whose work can be recorded."""
    return {ProfilerActivity.CPU}


@dataclass
class Event:
    """One call of an op, or one ``record_function``. Times are in microseconds."""

    key: str
    start: float
    cpu_time_total: float
    depth: int
    input_shapes: str = ""
    self_cpu_time_total: float = 0.0

    @property
    def name(self) -> str:
        """The op."""
        return self.key


@dataclass
class Average:
    """The calls of an op together. Times are in microseconds; ``self`` is without those of the ops that it calls."""

    key: str
    input_shapes: str = ""
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    cuda_time_total: float = field(default=0.0, repr=False)
    self_cuda_time_total: float = field(default=0.0, repr=False)

    @property
    def cpu_time(self) -> float:
        """The mean of a call."""
        return self.cpu_time_total / self.count if self.count else 0.0


class EventList(list[Any]):
    """Events or averages, with a table of them."""

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_name_column_width: int = 55, **options: Any
    ) -> str:
        """The rows as text, the largest by ``sort_by`` first.

        Raises:
            AttributeError: there is no such column.
        """
        rows = list(self)
        if sort_by is not None:
            column = sort_by.replace("self_cuda", "self_cpu").replace("cuda", "cpu").replace("device", "cpu")
            rows.sort(key=lambda row: getattr(row, column), reverse=True)
        rows = rows[: row_limit if row_limit >= 0 else None]
        total = sum(row.self_cpu_time_total for row in self) or 1.0
        width = min(max([4, *(len(row.key) for row in rows)]), max_name_column_width)
        titles = (("Self CPU %", 10), ("Self CPU", 12), ("CPU total", 12), ("CPU time avg", 12), ("# of Calls", 10))
        head = "  ".join([f"{'Name':<{width}}", *(f"{title:>{size}}" for title, size in titles)])
        line = "-" * len(head)
        body = [
            f"{row.key[:width]:<{width}}  {100 * row.self_cpu_time_total / total:>9.2f}%  "
            f"{_readable(row.self_cpu_time_total):>12}  {_readable(row.cpu_time_total):>12}  "
            f"{_readable(getattr(row, 'cpu_time', row.cpu_time_total)):>12}  {getattr(row, 'count', 1):>10}"
            for row in rows
        ]
        return "\n".join([line, head, line, *body, line, f"Self CPU time total: {_readable(total)}", ""])

    def total_average(self) -> Average:
        """All of them as one."""
        return _average("Total", self)

    def __str__(self) -> str:
        return self.table()


def _readable(microseconds: float) -> str:
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


def _average(key: str, events: Iterable[Any], shapes: str = "") -> Average:
    result = Average(key, shapes)
    for event in events:
        result.count += getattr(event, "count", 1)
        result.cpu_time_total += event.cpu_time_total
        result.self_cpu_time_total += event.self_cpu_time_total
    return result


def _events(times: Any, names: str, shapes: str) -> EventList:
    """The native record; an event's own time is what its children, one level deeper and after it, leave of it."""
    found = EventList()
    open_: list[Event] = []
    for (begin, end, depth), name, shape in zip(times.tolist(), names.split("\n"), shapes.split("\n"), strict=False):
        duration = (end - begin) / 1e3
        event = Event(name, begin / 1e3, duration, depth, shape, duration)
        del open_[depth:]
        if open_:
            open_[-1].self_cpu_time_total -= duration
        open_.append(event)
        found.append(event)
    return found


class record_function:
    """Gives a part of a program a name in the record; a block or a decorator.

    Example:
        >>> from tallow.profiler import record_function
        >>> with record_function("forward"):
        ...     pass
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self._open: list[int] = []

    def __enter__(self) -> record_function:
        self._open.append(_native.enter(self.name))
        return self

    def __exit__(self, *exc_info: object) -> None:
        _native.leave(self._open.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return run


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, **options: Any
) -> Callable[[int], ProfilerAction]:
    """What each step does: ``wait`` steps nothing, ``warmup`` and then ``active`` steps are recorded, ``repeat`` times.

    >>> from tallow.profiler import schedule
    >>> [schedule(wait=1, warmup=0, active=2, repeat=1)(i).value for i in range(4)]
    [0, 2, 3, 0]
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError("Invalid profiler schedule arguments")

    def action(step: int) -> ProfilerAction:
        if step < skip_first:
            return ProfilerAction.NONE
        cycle, at = divmod(step - skip_first, wait + warmup + active)
        if (repeat and cycle >= repeat) or at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if at == wait + warmup + active - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None, use_gzip: bool = False) -> Any:
    """A function for ``on_trace_ready`` that writes each trace into a folder, in Chrome's format."""

    def write(p: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        p.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json"))

    return write


class profile:
    """Records the ops that the thread runs in the block.

    Args:
        activities: accepted as torch has it; the CPU's work is recorded.
        schedule: what each step, which ends with ``step()``, does; without it all is recorded.
        on_trace_ready: called with the profile whenever a part of the schedule, or all, is done.
        record_shapes: whether shapes of arguments are kept, for ``key_averages(group_by_input_shape=True)``.
        profile_memory, with_stack, with_flops, with_modules: accepted as torch has them.
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        **options: Any,
    ) -> None:
        self._action = schedule or (lambda step: ProfilerAction.RECORD)
        self._ready = on_trace_ready
        self._shapes = record_shapes
        self._recording = False
        self._events = EventList()
        self.step_num = 0

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begins, as the block does."""
        self._turn(self._action(self.step_num))

    def stop(self) -> None:
        """Ends, as the block does."""
        if self._recording:
            self._finish()

    def step(self) -> None:
        """The next step of the schedule begins."""
        before = self._action(self.step_num)
        self.step_num += 1
        if before is ProfilerAction.RECORD_AND_SAVE and self._recording:
            self._finish()
        self._turn(self._action(self.step_num))

    def _turn(self, action: ProfilerAction) -> None:
        wanted = action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if wanted and not self._recording:
            _native.start(self._shapes)
            self._recording = True
        elif not wanted and self._recording:
            self._finish()

    def _finish(self) -> None:
        self._events = _events(*_native.stop())
        self._recording = False
        if self._ready is not None:
            self._ready(self)

    def events(self) -> EventList:
        """Every call, in order."""
        return self._events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The calls of each op together, in the order of first calls."""
        groups: dict[tuple[str, str], list[Event]] = {}
        for event in self._events:
            groups.setdefault((event.key, event.input_shapes if group_by_input_shape else ""), []).append(event)
        return EventList(_average(key, events, shapes) for (key, shapes), events in groups.items())

    def export_chrome_trace(self, path: str) -> None:
        """Writes the events for ``chrome://tracing`` and Perfetto."""
        events = [
            {"ph": "X", "cat": "cpu_op", "name": e.key, "pid": os.getpid(), "tid": 0, "ts": e.start,
             "dur": e.cpu_time_total, "args": {"Input Dims": e.input_shapes}}
            for e in self._events
        ]  # fmt: skip
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"schemaVersion": 1, "traceEvents": events}, file)

    def table(self, *args: Any, **kwargs: Any) -> str:
        """``key_averages().table(...)``"""
        return self.key_averages().table(*args, **kwargs)
