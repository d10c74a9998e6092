"""Starting several processes that run one function, and ending all of them when one fails."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from .reductions import install

__all__ = [
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "spawn",
    "start_processes",
]

class ProcessException(Exception):
    """A process of :func:`spawn` failed: `error_index` says which, `error_pid` its process id."""

    def __init__(self, msg: str, error_index: int, error_pid: int) -> None:
        super().__init__(msg, error_index, error_pid)
        self.msg = msg
        self.error_index = error_index
        self.error_pid = error_pid

    def __str__(self) -> str:
        return self.msg


class ProcessRaisedException(ProcessException):
    """It raised; the message has the traceback."""


class ProcessExitedException(ProcessException):
    """It ended with `exit_code`, or by the signal `signal_name`."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int, exit_code: int, signal_name: str | None = None
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.args = (msg, error_index, error_pid, exit_code, signal_name)
        self.exit_code = exit_code
        self.signal_name = signal_name


def _run(fn: Callable[..., Any], index: int, args: tuple[Any, ...], errors: Any) -> None:
    try:
        fn(index, *args)
    except KeyboardInterrupt:
        pass  # the parent was interrupted too, and reports it
    except Exception:
        errors.send(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """The processes that :func:`start_processes` started."""

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes = processes
        self.errors = errors
        self.sentinels = {process.sentinel: index for index, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """The process ids, in order."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait for at least one process to end, at most `timeout` seconds; True if all have.

        Where one failed, the others get `grace_period` seconds to end, then are terminated.

        Raises:
            ProcessRaisedException: with the traceback of the process that raised.
            ProcessExitedException: for one that ended by a signal or with an exit code.
        """
        if not self.sentinels:
            return True
        for sentinel in multiprocessing.connection.wait(list(self.sentinels), timeout):
            index = self.sentinels.pop(sentinel)  # type: ignore[call-overload]
            self.processes[index].join()
            if self.processes[index].exitcode != 0:
                self._end(grace_period)
                self._raise(index)
        return not self.sentinels

    def _end(self, grace_period: float | None) -> None:
        import logging

        if grace_period is not None:
            self._wait(grace_period)
        for end in ("terminate", "kill"):
            for process in self.processes:
                if process.is_alive():
                    logging.getLogger(__name__).warning("process %s has to %s: another one failed", process.pid, end)
                    getattr(process, end)()
            self._wait(30 if grace_period is None else grace_period)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, until - time.monotonic()))

    def _raise(self, index: int) -> None:
        process = self.processes[index]
        code = process.exitcode
        if self.errors[index].poll():
            try:
                trace = self.errors[index].recv()
            except EOFError:  # it ended without a word
                trace = None
            if trace is not None:
                message = f"\n\n-- Process {index} terminated with the following error:\n{trace}"
                raise ProcessRaisedException(message, index, process.pid)
        if code >= 0:
            message = f"process {index} terminated with exit code {code}"
            raise ProcessExitedException(message, index, process.pid, code)
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"<Unknown signal {-code}>"
        raise ProcessExitedException(f"process {index} terminated with signal {name}", index, process.pid, code, name)


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(i, *args)`` in `nprocs` processes; tensors in `args` are shared.

    Args:
        join: wait until all have ended. If False, a :class:`ProcessContext` is returned at once.
        daemon: whether the processes end with this one.
        start_method: "spawn", "fork" or "forkserver".

    Raises:
        ProcessRaisedException, ProcessExitedException: if one fails; the others are ended.
    """
    install()
    context = multiprocessing.get_context(start_method)
    processes, errors = [], []
    for index in range(nprocs):
        receiver, sender = context.Pipe(duplex=False)
        kind: Any = context.Process  # type: ignore[attr-defined]
        process = kind(target=_run, args=(fn, index, args, sender), daemon=daemon)
        process.start()
        sender.close()
        processes.append(process)
        errors.append(receiver)
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """:func:`start_processes` by the method "spawn"."""
    if start_method != "spawn":
        raise ValueError(f"spawn(): starts by 'spawn' only, got {start_method=}; use start_processes()")
    return start_processes(fn, args, nprocs, join, daemon, start_method)
