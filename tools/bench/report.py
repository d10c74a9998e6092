"""The figures of a workload as a row of the table."""

from __future__ import annotations

from statistics import median
from typing import Any

UNITS = {"s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")), "MB": ((1.0, "MB"),)}


def row(name: str, unit: str, threads: int, figures: dict[str, list[float]]) -> dict[str, Any]:
    ratios = [ours / theirs for ours, theirs in zip(figures["tallow"], figures["torch"], strict=True)]
    return {
        "workload": name,
        "threads": threads,
        "unit": unit,
        "tallow": median(figures["tallow"]),
        "torch": median(figures["torch"]),
        "ratio": median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "figures": figures,
    }


def amount(value: float, unit: str) -> str:
    factor, name = next(((f, n) for f, n in UNITS[unit] if value >= f), UNITS[unit][-1])
    return f"{value / factor:.3g} {name}"


def heading(machine: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    return (
        f"{machine['cpu']}, {machine['processors']} processors, Python {machine['python']}; {libraries}\n\n"
        "| workload | threads | Tallow | torch | ratio | least to most |\n|---|---|---|---|---|---|"
    )


def line(r: dict[str, Any]) -> str:
    low, high = r["ratio_range"]
    ours, theirs = amount(r["tallow"], r["unit"]), amount(r["torch"], r["unit"])
    return f"| {r['workload']} | {r['threads']} | {ours} | {theirs} | **{r['ratio']:.2f}** | {low:.2f} to {high:.2f} |"
