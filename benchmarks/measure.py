"""Run a command to its end and say what it took, by the operating system's own accounting."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Cost:
    """Of one finished process and its children: seconds of wall clock and processor, peak resident megabytes."""

    wall: float
    cpu: float
    peak_mb: float


def run(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run the command; it has to succeed. Keep the calling process small: a child's peak starts at its parent's."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    if status != 0:
        raise RuntimeError(f"{command[0]} ended with status {status}")
    return Cost(round(wall, 2), round(usage.ru_utime + usage.ru_stime, 2), round(usage.ru_maxrss / 1000, 1))


def machine() -> dict[str, Any]:
    """What the figures were taken on; no names, no paths."""
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 2),
        "on": datetime.now(UTC).date().isoformat(),
    }


def medians(costs: Sequence[Cost]) -> dict[str, float]:
    """The median of each figure."""
    return {name: round(median(getattr(cost, name) for cost in costs), 2) for name in ("wall", "cpu", "peak_mb")}


def write(name: str, result: Mapping[str, Any]) -> Path:
    """Keep a result under benchmarks/results."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2, default=asdict, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
