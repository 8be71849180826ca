"""`python -m tidal.generator.ratio FORM [USERS]`: what share of their users and tasks a file's classes have.

Imports the file that the order on standard input names, and prints as Locust's --show-task-ratio does.
"""

from tidal.generator.patching import patch_all

patch_all()

import json  # noqa: E402 - after the patch
import sys  # noqa: E402
from collections import Counter  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from tidal.generator.loadfile import load  # noqa: E402
from tidal.model.codec import PipeReader  # noqa: E402
from tidal.model.pipe import Load, NotLoaded  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TABLE, JSON = "table", "json"
Ratios = dict[str, dict[str, Any]]


def class_counts(classes: "Iterable[Any]", users: int | None) -> dict[str, int]:
    """How many users of each class there would be."""
    classes = list(classes)
    fixed = sum(cls.fixed_count for cls in classes)
    weights = sum(cls.weight for cls in classes if not cls.fixed_count)
    free = max(0, (users or (1 if fixed else weights)) - fixed)
    return {cls.__name__: round(cls.fixed_count or (cls.weight / weights * free if weights else 0)) for cls in classes}


def ratios(classes: "Iterable[Any]", counts: "Mapping[str, int]", *, total: bool) -> Ratios:
    """Each class's share of the users, with its tasks' shares: of the class, or of everything (`total`)."""
    everybody = sum(counts.values()) or 1
    shares = {cls: counts.get(cls.__name__, 0) / everybody for cls in classes}
    return {
        cls.__name__: {"ratio": share, "tasks": _task_ratios(cls.tasks, share if total else 1.0, total=total)}
        for cls, share in shares.items()
    }


def _task_ratios(tasks: list[Any], share: float, *, total: bool) -> Ratios:
    found: Ratios = {}
    for task, count in Counter(tasks).items():
        ratio = count * share / len(tasks)
        found[task.__name__] = {"ratio": ratio}
        if isinstance(task, type) and hasattr(task, "tasks"):
            found[task.__name__]["tasks"] = _task_ratios(task.tasks, ratio if total else 1.0, total=total)
    return found


def lines(found: Ratios, level: int = 0) -> "Iterator[str]":
    """As a table: percent, and the name, indented below its parent."""
    indent = "  " * level
    for name, ratio in found.items():
        percent = f"{indent}{ratio['ratio'] * 100:<6.1f}"
        yield f" {percent:<10} {indent + name:<50}"
        yield from lines(ratio.get("tasks", {}), level + 1)


def table(classes: list[Any], counts: "Mapping[str, int]") -> str:
    """Both tables of --show-task-ratio."""
    rule = "-" * 80
    parts = ["", " Task ratio per User class", rule, *lines(ratios(classes, counts, total=False))]
    return "\n".join([*parts, "", " Total task ratio", rule, *lines(ratios(classes, counts, total=True))])


def as_json(classes: list[Any], counts: "Mapping[str, int]") -> str:
    """The same, as --show-task-ratio-json has it."""
    found = {"per_class": ratios(classes, counts, total=False), "total": ratios(classes, counts, total=True)}
    return json.dumps(found, indent=4)


def main() -> int:
    """Load, print, leave."""
    form, *more = sys.argv[1:]
    order = PipeReader().feed(sys.stdin.buffer.read())[0]
    if not isinstance(order, Load):
        return 70
    answer, found = load(order)
    if isinstance(answer, NotLoaded):
        print(answer.why, file=sys.stderr)
        return 1
    classes = list(found.values())
    counts = class_counts(classes, int(more[0]) if more else None)
    print(as_json(classes, counts) if form == JSON else table(classes, counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
