"""How often each task of a user class is picked, as Locust prints it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tidal.tasks import is_task_set

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def task_ratio(tasks: Sequence[Any], total: bool, parent_ratio: float) -> dict[str, dict[str, Any]]:  # noqa: FBT001 - Locust's signature
    """Each task's share of its set, or of everything when `total`; a set's own tasks below it."""
    whole = parent_ratio if total else 1.0
    result: dict[str, dict[str, Any]] = {}
    for task, count in Counter(tasks).items():
        row: dict[str, Any] = {"ratio": count * whole / len(tasks)}
        if is_task_set(task):
            row["tasks"] = task_ratio(task.tasks, total, row["ratio"])
        result[task.__name__] = row
    return result


def get_ratio(user_classes: Sequence[Any], user_spawned: Mapping[str, int], total: bool) -> dict[str, dict[str, Any]]:  # noqa: FBT001 - Locust's signature
    """Each class's share of the users, with its tasks."""
    users = sum(user_spawned.values()) or 1
    result: dict[str, dict[str, Any]] = {}
    for cls in user_classes:
        share = user_spawned.get(cls.__name__, 0) / users
        result[cls.__name__] = {"ratio": share, "tasks": task_ratio(cls.tasks, total, share)}
    return result


def spread(user_classes: Sequence[Any], num_users: int | None) -> dict[str, int]:
    """About how many users of each class there are among so many."""
    fixed = sum(cls.fixed_count for cls in user_classes)
    weights = sum(cls.weight for cls in user_classes if not cls.fixed_count)
    weighted = max(0, (num_users or (1 if fixed else weights)) - fixed)
    return {cls.__name__: round(cls.fixed_count or cls.weight / weights * weighted) for cls in user_classes}


def print_task_ratio(user_classes: Sequence[Any], num_users: int | None, total: bool) -> None:  # noqa: FBT001 - Locust's signature
    """Print the shares in percent, indented."""
    _print(get_ratio(user_classes, spread(user_classes, num_users), total))


def _print(rows: Mapping[str, Any], level: int = 0) -> None:
    indent = "  " * level
    for name, row in rows.items():
        percent = f"{indent}{row['ratio'] * 100:<6.1f}"
        print(f" {percent:<10} {indent + name:<50}")
        _print(row.get("tasks", {}), level + 1)


def print_task_ratio_json(user_classes: Sequence[Any], num_users: int | None) -> None:
    """Print the shares as JSON, by class and of everything."""
    counts = spread(user_classes, num_users)
    found = {
        "per_class": get_ratio(user_classes, counts, total=False),
        "total": get_ratio(user_classes, counts, total=True),
    }
    print(json.dumps(found, indent=4))
