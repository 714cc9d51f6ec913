"""One line at the end of a run for each adapter that a contract suite ran over: what passed and what was skipped.

A suite is a class with `contract`, the name of its port. What it ran over is its `subject`, in which the parameters of
its fixtures stand in braces ("encrypted on {blobs}"), or its own name where it has none. Each test's report carries the
line, so that it gets here from the workers of xdist too.
"""

from collections import Counter, defaultdict
from typing import Any

import pytest

_PROPERTY = "contract"


def pytest_itemcollected(item: pytest.Item) -> None:
    suite: Any = getattr(item, "cls", None)
    port: str | None = getattr(suite, "contract", None)
    if port is None:
        return
    subject: str = getattr(suite, "subject", suite.__name__.removeprefix("Test"))
    callspec: Any = getattr(item, "callspec", None)
    parameters: dict[str, object] = defaultdict(lambda: "-", {} if callspec is None else callspec.params)
    line = f"{port} contract: {subject.format_map(parameters)}"
    item.user_properties.append((_PROPERTY, line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, set[str]] = defaultdict(set)
    for outcome in ("passed", "failed", "error", "skipped", "xfailed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, line in getattr(report, "user_properties", []):
                if name == _PROPERTY:
                    outcomes[line][outcome] += 1
                    if outcome == "skipped":
                        reasons[line].add(report.longrepr[2].removeprefix("Skipped: "))
    if outcomes:
        terminalreporter.section("contracts")
    width = max(map(len, outcomes), default=0)
    for line, counts in sorted(outcomes.items()):
        wrong = "".join(f", {counts[each]} {each}" for each in ("failed", "error", "xfailed") if counts[each])
        why = ": ".join(["", *sorted(reasons[line])])
        told = f"{line:<{width}}  {counts['passed']} passed, {counts['skipped']} skipped{why}{wrong}"
        terminalreporter.write_line(told, red=bool(wrong), yellow=bool(why) and not wrong)
