"""A scenario is a fault at a moment and what must hold; `play` runs it for real and judges what came out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import measure
from deadline import until
from field import PACE_MS, now_ms, wait_closed
from stage import seen

from tidal.model import phases
from tidal.model.events import RunOptions, WorkerLost
from tidal.model.struct import replace
from tidal.outputs.json import frame_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from field import Field, Folded
    from measure import Arrival

    from tidal.live import LiveFeed
    from tidal.model.rows import Frame

SLACK_MS = 350
"""How much later than its pace a request may come on a quiet machine before its user counts as missing."""
SLACK_FACTOR = 2
"""A busy machine: so many times the worst lateness that was seen before the fault."""
STEADY_S, SETTLE_S, CALM_S = 3.0, 1.5, 6.0
NOISE = ("CPU", "lag", "stood still", "behind", "kept its pace", "read late")
"""Reasons of a verdict that are the machine's, which these tests share with others."""


@dataclass(frozen=True, slots=True)
class At:
    """What is done to the field so many seconds after the load is steady."""

    at_s: float
    fault: Callable[[Field], object]

    @property
    def name(self) -> str:
        """The fault in words."""
        return self.fault.__name__.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Holds:
    """What must hold."""

    back_s: float = 0.0  # every user runs again so long after the fault; 0: nobody is ever missed
    double_s: float = 0.0  # so long a user may run twice
    lost_s: float = 0.0  # a killed process's last seconds may be missing in the log
    verdicts: tuple[str, ...] = ("valid",)
    because: str = ""  # what the verdict's reasons say, when it is not valid
    story: tuple[str, ...] = ()  # what the story says
    stays: bool = False  # every user is run by one process all the time
    no_loss: bool = True  # no worker is called lost
    trouble: str = ""  # what a screen says while it lasts


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault, or several, in the middle of a steady load."""

    name: str
    faults: tuple[At, ...]
    holds: Holds = field(default_factory=Holds)
    users: int = 20
    workers: int = 2
    processes: int = 1
    spawn_rate: float = 0.0  # 0: all at once
    calm_s: float = CALM_S  # how long the load is watched once everything is well again
    options: RunOptions = field(default_factory=RunOptions)
    prepare: Callable[[Field], object] | None = None  # before the run is opened

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Outcome:
    """One row of the table."""

    name: str
    back_s: float = 0.0
    missing_user_s: float = 0.0
    double_s: float = 0.0
    peak: float = 0.0  # of the plan, over any two seconds
    after: float = 0.0  # of the plan, once everything was well again
    target: int = 0
    workers: int = 0
    log: int = 0
    ledger_missing_s: float = 0.0
    ledger_surplus_s: float = 0.0
    exit_code: int | None = None
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    slack_s: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def check(self, holds: bool, what: str) -> None:  # noqa: FBT001 - a condition
        """Note what does not hold."""
        if not holds:
            self.wrong.append(what)

    def row(self) -> str:
        """The row as text."""
        counts = (
            f"{self.target}={self.workers}={self.log}" if self._equal else f"{self.target}/{self.workers}/{self.log}"
        )
        return (
            f"{self.name[:44]:44} {self.back_s:6.1f} {self.missing_user_s:8.1f} {self.ledger_missing_s:8.1f}"
            f" {self.double_s:6.1f} {self.peak:6.0%} {self.after:7.1%} {counts:>16} {self.exit_code!s:>4}"
            f" {self.verdict:8} {'ok' if not self.wrong else 'WRONG: ' + '; '.join(self.wrong)}"
        ) + "".join(f"\n      {reason[:150]}" for reason in self.reasons)

    @property
    def _equal(self) -> bool:
        return self.target == self.workers == self.log


HEADER = (
    f"{'scenario':44} {'back s':>6} {'missing':>8} {'ledger':>8} {'twice':>6} {'peak':>6} {'after':>7}"
    f" {'target=wrk=log':>16} exit verdict"
)


def play(stage: Field, scenario: Scenario) -> Outcome:
    """Run it, end it, judge it."""
    play_ = Play(stage, scenario)
    play_.begin()
    play_.hurt()
    play_.settle()
    play_.end()
    return play_.judge()


class Play:
    """One scenario on one field."""

    def __init__(self, stage: Field, scenario: Scenario) -> None:
        self.stage, self.scenario = stage, scenario
        self.out = Outcome(scenario.name)
        self.users = [f"Visitor/{n}" for n in range(scenario.users)]
        self.hurt_ms: list[int] = []  # when each fault was done
        self.steady_ms = self.well_ms = self.stopped_ms = 0
        self.most_ms = PACE_MS + SLACK_MS
        self.troubles: set[str] = set()
        self.feed: LiveFeed
        self.last: Frame

    def __repr__(self) -> str:
        return f"<Play of {self.scenario}>"

    # ------------------------------------------------------------------ the course

    def begin(self) -> None:
        """Workers, a run, a steady load, and how steady it is."""
        self.open()
        self.steady()

    def open(self) -> None:
        """Workers, and a run that begins."""
        stage, scenario = self.stage, self.scenario
        assert stage.admin
        if scenario.prepare is not None:
            scenario.prepare(stage)
        for number in range(1, scenario.workers + 1):
            stage.add_worker(f"w{number}", scenario.processes)
        given = scenario.options
        stage.open_run(
            replace(
                given,
                users=scenario.users,
                spawn_rate=scenario.spawn_rate or scenario.users,
                host=stage.target_url,
                expect_workers=scenario.workers,
                keep_running=True,
            )
        )
        self.feed = stage.watch(stage.run)
        seen(self.feed, lambda f: f.run.phase == phases.RUNNING, "the run runs", 60)

    def steady(self) -> None:
        """Wait for the whole load, and see how steady it is."""
        stage, scenario = self.stage, self.scenario
        seen(self.feed, lambda f: f.run.users_running >= scenario.users, f"{scenario.users} users run", 60)
        until(self._is_whole, 60, "every user has sent a request lately")
        self.steady_ms = now_ms()
        self.pass_s(STEADY_S)
        calm = [a for a in stage.arrivals() if a[0] >= self.steady_ms]
        self.most_ms = PACE_MS + max(SLACK_MS, SLACK_FACTOR * measure.lateness_ms(calm, PACE_MS))
        self.out.slack_s = (self.most_ms - PACE_MS) / 1000

    def hurt(self) -> None:
        """Do what is to be done, each at its moment."""
        begun_s = time.monotonic()
        for step in self.scenario.faults:
            self.pass_s(begun_s + step.at_s - time.monotonic())
            self.hurt_ms.append(now_ms())
            step.fault(self.stage)
        self._look()

    def settle(self) -> None:
        """Wait until all users run once each, then watch them for a while."""
        self.pass_s(SETTLE_S)
        until(self._is_well, 60 + self.scenario.holds.back_s, f"the load is whole again: {self._missing_now()}")
        self.well_ms = now_ms()
        self.pass_s(self.scenario.calm_s)

    def end(self, *, wish: bool = True) -> None:
        """Stop the run, or wait for its end; everything ends by itself."""
        self.stopped_ms = now_ms()
        if wish:
            self.stage.stop_run()
        self.last = wait_closed(self.feed)
        self.out.exit_code = self.last.run.exit_code
        if self.stage.elsewhere is None:
            assert self.stage.master.wait(90) == 0, self.stage.log_of(self.stage.master)

    def pass_s(self, seconds: float) -> None:
        """Let time pass, looking at the screen meanwhile."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            self._look()
            time.sleep(min(0.1, left_s))

    def _look(self) -> None:
        self.troubles.add(self.feed.trouble().partition(" (for ")[0])

    def _senders(self, lately_ms: int) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {user: set() for user in self.users}
        for ms, user, sender in self.stage.arrivals():
            if ms >= lately_ms and user in found:
                found[user].add(sender)
        return found

    def _is_whole(self) -> bool:
        return all(self._senders(now_ms() - PACE_MS - SLACK_MS).values())

    def _is_well(self) -> bool:
        """Whether everybody who can run users has some, and none has moved lately."""
        self._look()
        shown = self.feed.frame()
        idle = [w for w in shown.workers if w.state in phases.ABLE and not w.users] if shown is not None else []
        lately_ms = now_ms() - max(self.most_ms, int(SETTLE_S * 1000))
        return not idle and all(len(senders) == 1 for senders in self._senders(lately_ms).values())

    def _missing_now(self) -> list[str]:
        return [user for user, senders in self._senders(now_ms() - self.most_ms).items() if not senders]

    # ------------------------------------------------------------------ the judgement

    def judge(self) -> Outcome:
        """Everything that must hold, in figures."""
        self.judge_load(list(self.stage.arrivals()))
        self.judge_words()
        return self.count()

    def count(self) -> Outcome:
        """The three counts, of which the log's is its archive's alone: everything else is ended before."""
        served, diaries = self.stage.served(), self.stage.diaries()
        self.stage.end_workers()
        self.stage.close()
        self._judge_counts(served["by_user"], diaries, self.stage.folded())
        return self.out

    def judge_load(self, arrivals: list[Arrival]) -> None:
        """Gaps, doubles and pace, as the target saw them."""
        out, holds, slack_s = self.out, self.scenario.holds, self.out.slack_s
        span_ms = (self.steady_ms, self.stopped_ms)
        gaps = [g for g in measure.gaps(arrivals, self.users, span_ms, self.most_ms) if self._is_ours(g)]
        out.missing_user_s = measure.missing_ms(gaps, PACE_MS) / 1000
        out.back_s = max((self._back_ms(gap) for gap in gaps), default=0) / 1000
        late_s = max((self._back_ms(gap) - self._excuse_ms(gap) for gap in gaps), default=0) / 1000
        out.check(late_s <= holds.back_s + (slack_s if holds.back_s else 0), f"back after {out.back_s:.1f} s")
        twice = measure.doubles(arrivals, self.most_ms)
        out.double_s = max((gap.to_ms - gap.from_ms for gap in twice), default=0) / 1000
        over_s = max((gap.to_ms - gap.from_ms - self._excuse_ms(gap) for gap in twice), default=0) / 1000
        out.check(over_s <= holds.double_s + slack_s, f"a user ran twice for {out.double_s:.1f} s")
        moved = [user for user, own in measure.by_user(arrivals).items() if len({sender for _, _, sender in own}) > 1]
        out.check(not moved or not holds.stays, f"{moved} moved to another process")
        count = self.scenario.users
        calm_ms = (self.steady_ms, (self.hurt_ms or [self.well_ms])[0])
        before = measure.pace_of_plan(arrivals, self.users, PACE_MS, calm_ms)
        well_ms = (self.well_ms, self.stopped_ms)
        out.after = measure.pace_of_plan(arrivals, self.users, PACE_MS, well_ms)
        out.peak = measure.peak_of_plan(arrivals, count, PACE_MS, span_ms)
        within = [a for a in arrivals if well_ms[0] <= a[0] < well_ms[1]]
        edges = (
            2 * max(0, measure.lateness_ms(within, PACE_MS)) / (well_ms[1] - well_ms[0])
        )  # a late first or last request
        out.check(abs(out.after - 1) <= 0.01 + abs(before - 1) + edges, f"{out.after:.1%} of the plan at the end")

    def _excuse_ms(self, gap: measure.Gap) -> int:
        """How much of it the machine explains."""
        return self.stage.stalls.excuse_ms(gap.from_ms, gap.to_ms)

    def _is_ours(self, gap: measure.Gap) -> bool:
        """Whether it is longer than the machine explains."""
        return gap.to_ms - gap.from_ms > self.most_ms + self._excuse_ms(gap)

    def _back_ms(self, gap: measure.Gap) -> int:
        """How long after its fault a user was there again; it may have gone to the one that was killed next."""
        within = [ms for ms in self.hurt_ms if gap.from_ms <= ms < gap.to_ms]
        before = [ms for ms in self.hurt_ms if ms < gap.from_ms]
        return gap.to_ms - (within[-1] if within else before[-1] if before else gap.from_ms)

    def judge_words(self) -> None:
        """What the last screen said: verdict, exit code, story; and what screens said meanwhile."""
        out, holds, last = self.out, self.scenario.holds, self.last
        story = " | ".join(row.text for row in last.story)
        out.reasons = last.verdict.reasons
        out.verdict = last.verdict.word
        reasons = [r for r in last.verdict.reasons if not any(noise in r for noise in NOISE)]
        is_noise = bool(last.verdict.reasons) and not reasons
        out.check(out.verdict in holds.verdicts or is_noise, f"verdict {out.verdict}: {reasons}")
        out.check(not reasons or any(holds.because in r for r in out.reasons), f"the verdict says {reasons}")
        for text in holds.story:
            out.check(text in story, f"the story does not say {text!r}")
        if holds.no_loss and not self.stage.killed:
            lost = [row.text for row in last.story if row.kind == WorkerLost.KIND]
            out.check(not lost, f"falsely lost: {lost}")
        is_said = not holds.trouble or any(holds.trouble in said for said in self.troubles)
        out.check(is_said, f"no screen said {holds.trouble!r}, but {self.troubles}")
        wanted = {"valid": 0, "suspect": 61, "invalid": 60}.get(out.verdict, 0)
        out.check(out.exit_code == wanted, f"exit code {out.exit_code}")

    def _judge_counts(self, by_user: dict[str, int], diaries: dict[int, dict[str, int]], folded: Folded) -> None:
        """The target's own count = the workers' own count = the log's; what a killed process kept is missing."""
        out, holds, killed = self.out, self.scenario.holds, self.stage.killed
        out.verdict, out.exit_code = self.last.verdict.word, self.last.run.exit_code
        total = {user: sum(diary.get(user, 0) for diary in diaries.values()) for user in by_user}
        again = folded.frame(self.last.at_ms)
        out.target, out.workers, out.log = sum(by_user.values()), sum(total.values()), again.total.requests
        ledger = again.ledger
        out.ledger_missing_s, out.ledger_surplus_s = ledger.missing_user_ms / 1000, ledger.surplus_user_ms / 1000
        per_s = self.scenario.users * 1000 / PACE_MS
        in_flight = again.total.cancelled + (self.scenario.users if holds.lost_s else 0)
        out.check(0 <= out.target - out.workers <= in_flight, f"target {out.target}, workers {out.workers}")
        out.check(0 <= out.workers - out.log <= per_s * holds.lost_s, f"workers {out.workers}, log {out.log}")
        for agent, diary in diaries.items():
            wrote = sum(diary.values())
            if agent not in killed and not holds.lost_s and self.stage.elsewhere is None:
                out.check(wrote == folded.by_agent[agent], f"agent {agent} did {wrote}, log {folded.by_agent[agent]}")
        if not in_flight:
            out.check(total == by_user, "a user's count differs")
        if holds.no_loss and not killed and not holds.lost_s:
            out.check(set(ledger.losses) == set(), "the ledger names a loss")
        sides = (ledger.planned_user_ms + ledger.surplus_user_ms, ledger.ran_user_ms + ledger.missing_user_ms)
        out.check(sides[0] == sides[1], f"the ledger does not balance: {sides}")
        near_s = self.scenario.users * (out.slack_s + PACE_MS / 1000)
        off_s = abs(out.ledger_missing_s - out.missing_user_s)
        out.check(off_s <= near_s, f"the ledger says {out.ledger_missing_s:.1f} user-seconds are missing")
        out.check(frame_json(again) == frame_json(self.last), "the archive's last picture is another than the live one")
