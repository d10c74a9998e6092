"""How long a statement takes, as ``torch.utils.benchmark``."""

from __future__ import annotations

import statistics
import timeit as _timeit
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import tallow

__all__ = ["Measurement", "Timer"]

_UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


@dataclass
class Measurement:
    """Times of a statement, in seconds per run.

    Args:
        number_per_run: how often the statement ran for each of ``raw_times``.
        raw_times: seconds of each measurement.
    """

    number_per_run: int
    raw_times: list[float]
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    stmt: str = ""
    num_threads: int = 1
    metadata: dict[Any, Any] = field(default_factory=dict)

    @property
    def times(self) -> list[float]:
        """Seconds of one run, by measurement."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def mean(self) -> float:
        """Their mean."""
        return statistics.fmean(self.times)

    @property
    def median(self) -> float:
        """Their median."""
        return statistics.median(self.times)

    @property
    def iqr(self) -> float:
        """The distance of their quartiles."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    def __repr__(self) -> str:
        unit, scale = next(((u, s) for u, s in _UNITS if self.median >= s), _UNITS[-1])
        title = ": ".join(filter(None, (self.label or self.stmt, self.sub_label, self.description)))
        runs = f"{len(self.times)} measurement{'s' * (len(self.times) > 1)}, {self.number_per_run} runs per measurement"
        spread = f"  IQR:    {self.iqr / scale:.2f} {unit}\n" if len(self.times) > 1 else ""
        return (
            f"<tallow.utils.benchmark.Measurement>\n{title}\n  Median: {self.median / scale:.2f} {unit}\n{spread}"
            f"  {runs}, {self.num_threads} thread{'s' * (self.num_threads > 1)}"
        )


class Timer:
    """Runs a statement with a number of threads, after a warm-up.

    Example:
        >>> from tallow.utils.benchmark import Timer
        >>> Timer("x + 1", globals={"x": 1}).timeit(10).number_per_run
        10
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = _timeit.default_timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
    ) -> None:
        names = {"tallow": tallow, "torch": tallow, **(globals or {})}
        self._timer = _timeit.Timer(stmt, setup, timer, names)
        self._threads = num_threads
        self._names = {
            "label": label,
            "sub_label": sub_label,
            "description": description,
            "env": env,
            "stmt": stmt,
            "num_threads": num_threads,
        }

    def _run(self, number: int) -> float:
        before = tallow.get_num_threads()
        tallow.set_num_threads(self._threads)
        try:
            return self._timer.timeit(number)
        finally:
            tallow.set_num_threads(before)

    def _measured(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, **self._names)  # type: ignore[arg-type]

    def timeit(self, number: int = 1000000) -> Measurement:
        """One measurement of ``number`` runs."""
        self._run(max(number // 100, 2))
        return self._measured(number, [self._run(number)])

    def _number(self, seconds: float) -> int:
        number = 1
        while (spent := self._run(number)) < seconds:
            number = max(2 * number, int(number * seconds / max(spent, 1e-9)))
        return number

    def blocked_autorange(self, callback: Any = None, min_run_time: float = 0.2) -> Measurement:
        """Measurements of as many runs as take a few milliseconds, until ``min_run_time`` seconds are over."""
        number = self._number(min(min_run_time / 10, 0.01))
        times: list[float] = []
        while sum(times) < min_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
        return self._measured(number, times)

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0, callback: Any = None
    ) -> Measurement:
        """Measurements until their quartiles lie within ``threshold`` of the median, or the time is over."""
        number = self._number(min(min_run_time, 0.001))
        times: list[float] = []
        while sum(times) < max_run_time:
            times.append(self._run(number))
            if callback is not None:
                callback(number, times[-1])
            found = self._measured(number, times)
            if len(times) >= 4 and sum(times) >= min_run_time and found.iqr <= threshold * found.median:
                break
        return self._measured(number, times)
