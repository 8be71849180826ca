"""What was measured, cut by the plan's stage and by the user's class: folded with caps, shown as rows. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidal.model.cells import endpoint_row
from tidal.model.rows import ClassRow, StageRow
from tidal.model.stats import Tally
from tidal.model.struct import Struct, field
from tidal.model.text import clean
from tidal.model.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidal.model.events import Block, StageSpec
    from tidal.model.state import LogHalf, ReportHalf

CUTS_MAX = 200
"""Stages, and classes, that are kept apart; further ones are counted as (other)."""
CUT_ROWS_MAX = 2_000
"""Endpoints of all stages together; further ones are counted as (other) of their stage."""


class CutRecord(Struct):
    """What one stage, or one class, measured."""

    total: Tally = field(default_factory=Tally)
    endpoints: dict[tuple[str, str], Tally] = field(default_factory=dict)  # (method, name); of stages alone
    user_ms: int = 0


def count_cuts(reports: ReportHalf, block: Block, whole: Tally) -> None:
    """Fold a block into its stage's and its class's figures; `whole` is the sum of its tallies."""
    if block.is_warmup:
        return
    if block.stage:
        record = _record(reports.stages, block.stage)
        _add(record, block, whole)
        for key, tally in block.tallies.items():
            _endpoint(reports, record, key).merge(tally)
    if block.user_class:
        _add(_record(reports.classes, block.user_class), block, whole)


def _record(known: dict[str, CutRecord], name: str) -> CutRecord:
    return known.setdefault(name if name in known or len(known) < CUTS_MAX else OTHER, CutRecord())


def _add(record: CutRecord, block: Block, whole: Tally) -> None:
    record.total.merge(whole)
    record.user_ms += sum(block.user_ms.values())


def _endpoint(reports: ReportHalf, record: CutRecord, key: tuple[str, str]) -> Tally:
    if key not in record.endpoints and sum(len(r.endpoints) for r in reports.stages.values()) >= CUT_ROWS_MAX:
        key = ("", OTHER)
    return record.endpoints.setdefault(key, Tally())


# ------------------------------------------------------------------ rows


def stage_rows(log: LogHalf, reports: ReportHalf, plan_ms: int) -> tuple[StageRow, ...]:
    """A row for each stage of the plan in its order, then for those that only reports know."""
    specs = log.plan.stages if log.plan is not None else log.stages
    names = dict.fromkeys([s.name for s in specs] + sorted(reports.stages))
    return tuple(_stage_row(name, specs, reports.stages.get(name, CutRecord()), plan_ms) for name in names)


def _stage_row(name: str, specs: Sequence[StageSpec], record: CutRecord, plan_ms: int) -> StageRow:
    own = [spec for spec in specs if spec.name == name]
    lasted_ms = sum(max(0, min(spec.to_ms, plan_ms) - spec.from_ms) for spec in own)
    return StageRow(
        name=clean(name, 100),
        from_ms=min((spec.from_ms for spec in own), default=0),
        to_ms=max((spec.to_ms for spec in own), default=0),
        lasted_ms=lasted_ms,
        is_on=any(spec.from_ms <= plan_ms < spec.to_ms for spec in own),
        ran_user_ms=record.user_ms,
        total=endpoint_row(("", ""), record.total, (0, 0), lasted_ms),
        endpoints=tuple(endpoint_row(k, t, (0, 0), lasted_ms) for k, t in sorted(record.endpoints.items())),
    )


def class_rows(reports: ReportHalf, elapsed_ms: int) -> tuple[ClassRow, ...]:
    """A row for each user class whose users sent anything."""
    return tuple(
        ClassRow(clean(name, 200), record.user_ms, endpoint_row(("", ""), record.total, (0, 0), elapsed_ms))
        for name, record in sorted(reports.classes.items())
    )
