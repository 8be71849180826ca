"""Workers that operators let go: what is refused, who takes the users, and that it holds for one life only."""

from __future__ import annotations

from histories import T0, at, beat, beats, changed, closed, folded, keyframed, left, lost, ready, running, seen, stopped

from tidal.model import events as ev
from tidal.model.decide import decide
from tidal.model.frame import frame
from tidal.model.senses import Senses
from tidal.model.sharing import MOVE_LEAD_MS
from tidal.model.story import tell


def _answer(history: list[object], name: str = "w2", ms: int = 5_000) -> list[ev.Event]:
    """What the master writes when ann wants a worker gone."""
    intent = ev.ByOperator("i1", "ann", T0, ev.WantDrain(name))
    return decide(folded(*history), Senses(T0 + ms, intents=(intent,)))  # type: ignore[arg-type]


def _ordered(name: str = "w2", ms: int = 5_000, number: int = 1) -> ev.ByMaster:
    return at(ms, ev.DrainOrdered(name, "ann", f"{name}.{number}"))


def test_a_wish_becomes_an_order_for_the_life_that_is_there() -> None:
    """Accepted with its author; the next turn moves the users."""
    history = [*running("w1"), lost("w2"), seen("w2", 2), changed("w2", "running", 2)]
    assert _answer(history) == [ev.IntentAccepted("i1", "ann", "drain w2"), ev.DrainOrdered("w2", "ann", "w2.2")]


def test_its_users_move_before_it_goes() -> None:
    """Draining at once, whatever its heartbeats still say; the plan moves its slots a little later."""
    state = folded(*running("w1", "w2"), _ordered())
    (plan,) = decide(state, Senses(T0 + 5_000))
    assert isinstance(plan, ev.PlanSet)
    assert (plan.from_ms, plan.owners, plan.why) == (5_000 + MOVE_LEAD_MS, ("w1.1",), "w2 leaves")
    late = folded(*running("w1", "w2"), _ordered(), at(5_100, changed("w2", "running")))
    assert {w.name: w.state for w in frame(late, T0 + 5_200).workers} == {"w1": "ready", "w2": "draining"}
    assert keyframed(late).log.drains == {"w2.1": "ann"}


def test_a_heartbeat_from_before_the_order_changes_nothing() -> None:
    """It says running: the order is known, so no entry says otherwise."""
    running_yet = beat("w2", state="running", users=5)
    history = [*running("w1", "w2"), _ordered(), changed("w2", "draining")]
    sensed = Senses(T0 + 5_100, beats(beat("w1"), running_yet), looked=True)
    told = [e for e in decide(folded(*history), sensed) if isinstance(e, ev.WorkerChanged) and e.name == "w2"]
    assert [(e.state, e.running) for e in told] == [("draining", True)]


def test_the_story_says_who_wanted_it_and_that_it_went() -> None:
    """Ordered, then left."""
    state = folded(*running("w1", "w2"), _ordered())
    assert state.log.story[-1].text == "ann drains w2"
    (gone,) = (e for e in decide(state, Senses(T0 + 6_000, beats(beat("w1")), looked=True, left=("w2.1",)))
               if isinstance(e, ev.WorkerLeft))  # fmt: skip
    assert tell(state.log, gone) == ("info", "w2 left: drained by ann")


def test_who_cannot_be_let_go_and_why() -> None:
    """Nobody to take over, gone already, leaving already, unknown, a run that stops."""
    two = running("w1", "w2")
    refused = {
        "w1 is the last worker: nobody could take its users; stop the run, or start another worker": (
            [*running("w1")],
            "w1",
        ),
        "w2 is lost already": ([*two, lost("w2")], "w2"),
        "w2 is left already": ([*two, left("w2")], "w2"),
        "w2 leaves already": ([*two, _ordered()], "w2"),
        "no worker 'w9': it has w1, w2": ([*two], "w9"),
        "the run is stopping": ([*two, at(4_000, stopped())], "w2"),
    }
    for why, (history, name) in refused.items():
        assert _answer(history, name) == [ev.IntentRefused("i1", "ann", f"drain {name}", why)]


def test_of_two_that_are_asked_to_go_the_last_stays() -> None:
    """Each wish sees what the one before it did."""
    history = [*running("w1", "w2"), _ordered("w1")]
    (refused,) = [e for e in _answer(history) if isinstance(e, ev.IntentRefused)]
    assert "w2 is the last worker" in refused.why


def test_an_order_for_a_life_that_is_over_does_nothing() -> None:
    """The worker came back under its name: it serves on."""
    back = [*ready("w1"), *running("w2"), lost("w2"), seen("w2", 2), changed("w2", "running", 2)]
    state = folded(*back, _ordered("w2", number=1))
    assert (state.log.workers["w2"].state, state.log.drains) == ("running", {})
    assert folded(*running("w1"), closed(), _ordered("w9")).log.drains == {}
