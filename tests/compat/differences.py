"""What two outcomes differ in, one line each."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headers import Case
    from sides import Outcome


def differences(case: Case, peer: Outcome, ours: Outcome) -> list[str]:
    """Every difference that the file does not allow; the first word is the part that differs."""
    found = [*_exits(case, peer, ours), *_texts(case, peer, ours)]
    if case.mode == "run":
        found += [*_counts(case, peer, ours), *_tables(peer, ours)]
    if case.mode != "run":
        texts = [_without_times(side.stdout) if case.mode == "script" else side.stdout for side in (peer, ours)]
        found += [f"printed Locust {line!r}, tidal {other!r}" for line, other in _unlike(*texts)]
    found += [*_notes(case, peer.notes, ours.notes), *_files(case, peer, ours)]
    return [line for line in found if line.split()[0].rstrip(":") not in case.differs]


def _without_times(text: str) -> str:
    """Response times are never the same."""
    return re.sub(r"\b\d+\b *", "# ", text)


def _exits(case: Case, peer: Outcome, ours: Outcome) -> Iterator[str]:
    if peer.exit != ours.exit:
        yield f"exit Locust {peer.exit}, tidal {ours.exit}"
    elif case.exit is not None and case.exit != peer.exit:
        yield f"exit both {peer.exit}, the file says {case.exit}"


def _texts(case: Case, peer: Outcome, ours: Outcome) -> Iterator[str]:
    for text in case.says:
        for name, side in (("Locust", peer), ("tidal", ours)):
            if text not in side.stdout + side.stderr + b"".join(side.written.values()).decode(errors="replace"):
                yield f"says {name} does not print {text!r}"


def _counts(case: Case, peer: Outcome, ours: Outcome) -> Iterator[str]:
    for n, what in enumerate(("requests", "failed requests")):
        one = {key: counts[n] for key, counts in peer.requests.items()}
        yield from _apart(case, f"requests: {what}", one, {key: c[n] for key, c in ours.requests.items()})
    yield from _apart(case, "failures:", _failures(case, peer), _failures(case, ours))
    yield from _apart(case, "exceptions:", peer.exceptions, ours.exceptions)
    yield from _apart(case, "served:", peer.served, ours.served)


def _failures(case: Case, side: Outcome) -> dict[tuple[str, str, str], int]:
    if "wrapper" not in case.differs:
        return side.failures
    return {(method, name, _unwrapped(error)): n for (method, name, error), n in side.failures.items()}


def _unwrapped(error: str) -> str:
    match = re.fullmatch(r"CatchResponseError\((.*)\)", error, re.DOTALL)
    return str(ast.literal_eval(match[1])) if match else error


def _apart(case: Case, what: str, one: Mapping[Any, int], other: Mapping[Any, int]) -> Iterator[str]:
    for key in sorted({**one, **other}, key=str):
        missing = "" if key in one and key in other else " (not there)"
        if not case.may_differ(one.get(key, 0), other.get(key, 0)) or (missing and not case.slack):
            label = key if isinstance(key, str) else " ".join(key)
            yield f"{what} {label}: Locust {one.get(key, 'none')}, tidal {other.get(key, 'none')}"


def _tables(peer: Outcome, ours: Outcome) -> Iterator[str]:
    for name in sorted({**peer.csv, **ours.csv}):
        if peer.csv.get(name) != ours.csv.get(name):
            yield f"csv {name}: Locust {peer.csv.get(name)}, tidal {ours.csv.get(name)}"
    for head in sorted(peer.heads ^ ours.heads):
        yield f"heads only {'Locust' if head in peer.heads else 'tidal'} prints {head!r}"


def _notes(case: Case, one: list[str], other: list[str]) -> Iterator[str]:
    if case.notes == "ordered":
        yield from (f"notes Locust {a!r}, tidal {b!r}" for a, b in _unlike("\n".join(one), "\n".join(other)))
        return
    only_set = case.notes == "set"
    left, right = (Counter(set(lines) if only_set else lines) for lines in (one, other))
    for line in sorted(left | right):
        if left[line] != right[line]:
            yield f"notes {line!r}: Locust {left[line]} times, tidal {right[line]} times"


def _unlike(one: str, other: str) -> list[tuple[str, str]]:
    """Pairs of lines that are not the same, up to the tenth."""
    lines, others = one.splitlines(), other.splitlines()
    longest = max(len(lines), len(others))
    lines, others = (side + ["(nothing)"] * (longest - len(side)) for side in (lines, others))
    return [(a, b) for a, b in zip(lines, others, strict=True) if a.rstrip() != b.rstrip()][:10]


def _files(case: Case, peer: Outcome, ours: Outcome) -> Iterator[str]:
    for name in case.writes:
        for who, side in (("Locust", peer), ("tidal", ours)):
            if not side.written.get(name):
                yield f"writes {who} leaves no {name}"
