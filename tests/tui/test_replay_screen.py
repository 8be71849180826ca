"""The same dashboard on a recording: badge, scrubber, and the keys that move in time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from fakes import FilmFeed, StillFeed, Wishes, dashboard, screen_text, settled
from frames import ASCII, BEGAN_MS, LOOK, frame
from rich.cells import cell_len

from tidal.errors import ArchiveDamaged
from tidal.model.checked import Checked
from tidal.model.explain import Mark
from tidal.model.struct import replace
from tidal.tui.app import TidalApp
from tidal.tui.feed import SPEEDS
from tidal.tui.pump import Pump, look_at, speed_beside
from tidal.tui.widgets.scrubber import Place, Scrubber, checked_words, scrubber_line, scrubber_lines

if TYPE_CHECKING:
    from tidal.model.closeup import Focus
    from tidal.model.rows import Frame

LAST_MS = BEGAN_MS + 600_000


def film() -> FilmFeed:
    """Ten minutes, standing at 4:00."""
    feed = FilmFeed(lambda at_ms: frame((at_ms - BEGAN_MS) // 1000), BEGAN_MS, LAST_MS)
    feed.seek(BEGAN_MS + 240_000)
    return feed


@pytest.mark.parametrize(
    ("keys", "at_s"),
    [
        (("right",), 245),
        (("left",), 235),
        (("shift+right",), 300),
        (("shift+left", "left"), 175),
        (("right", "right", "right"), 255),
        (("home",), 0),
        (("end",), 600),
        (("home", "left"), 0),
        (("end", "shift+right"), 600),
    ],
)
async def test_arrows_move_in_time(keys: tuple[str, ...], at_s: int) -> None:
    """Five seconds, a minute, the rims; presses add up however fast they come."""
    feed = film()
    async with TidalApp(feed, look=LOOK).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press(*keys)
        await settled(pilot)
        assert feed.position_ms == BEGAN_MS + at_s * 1000
        shown = screen_text(pilot)
        assert "REPLAY" in shown
        assert f"{at_s // 60}:{at_s % 60:02} of 10:00" in shown.splitlines()[-3]


async def test_space_plays_and_pauses_and_the_scrubber_says_so() -> None:
    """Glyph and word, and the speed."""
    feed = film()
    async with TidalApp(feed, look=LOOK).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "■ PAUSED" in screen_text(pilot)
        await pilot.press("space")
        await settled(pilot)
        assert feed.playing
        assert "► PLAYING" in screen_text(pilot)
        await pilot.press("greater_than_sign", "greater_than_sign", "less_than_sign", "greater_than_sign")
        await settled(pilot)
        assert feed.speed == 4
        assert " 4x" in screen_text(pilot)
        await pilot.press("space")
        await settled(pilot)
        assert not feed.playing


class KnownFilm(FilmFeed):
    """A recording that was explained."""

    def marks(self) -> tuple[Mark, ...]:
        """One of each kind."""
        found = ((120, "loss", "w2 was lost"), (150, "note", "cache [red]on"), (300, "anomaly", "p95 rose"))
        return tuple(Mark(BEGAN_MS + at_s * 1000, group, "error", said) for at_s, group, said in found)

    def idle(self) -> tuple[tuple[int, int], ...]:
        """Two stretches; one stands here."""
        return (BEGAN_MS, BEGAN_MS + 20_000), (BEGAN_MS + 200_000, BEGAN_MS + 260_000)


@pytest.mark.parametrize(
    ("keys", "at_s", "said"),
    [
        (("a",), 300, "anomaly: p95 rose"),
        (("home", "l"), 120, "loss: w2 was lost"),
        (("home", "o"), 150, "note: cache [red]on"),
        (("T",), 240, "no threshold after this moment"),
        (("right_curly_bracket",), 300, "anomaly: p95 rose"),
        (("left_curly_bracket",), 150, "note: cache [red]on"),
        (("left_curly_bracket", "left_curly_bracket"), 120, "loss: w2 was lost"),
        (("i",), 260, ""),
        (("end", "i"), 600, "nothing stands idle after this moment"),
    ],
)
async def test_a_replay_jumps_to_what_is_worth_looking_at(keys: tuple[str, ...], at_s: int, said: str) -> None:
    """By kind, forth and back, past what stands idle; what it is, or that there is none, is said."""
    feed = KnownFilm(lambda at_ms: frame((at_ms - BEGAN_MS) // 1000), BEGAN_MS, LAST_MS)
    feed.seek(BEGAN_MS + 240_000)
    app = TidalApp(feed, look=LOOK)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        assert feed.position_ms == BEGAN_MS + at_s * 1000
        assert [told.message for told in app._notifications][-1:] == ([said] if said else [])


async def test_a_recording_that_was_not_explained_says_so() -> None:
    """A live run that is rewound knows its events, not what they come to."""
    app = TidalApp(film(), look=LOOK)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await pilot.press("a")
        await settled(pilot)
        assert [told.message.split(":")[0] for told in app._notifications] == [
            "no anomaly is known while the run goes on"
        ]


async def test_the_bar_can_be_clicked() -> None:
    """The mouse seeks."""
    feed = film()
    app = TidalApp(feed, look=LOOK)
    async with app.run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        row = screen_text(pilot).splitlines()[-3]
        left, right = row.index("━"), row.rindex("─")
        await pilot.click(Scrubber, offset=((left + right) // 2, 0))
        await settled(pilot)
        assert abs(feed.position_ms - (BEGAN_MS + 300_000)) < 10_000


async def test_a_filter_takes_the_keys_that_would_move_in_time() -> None:
    """A space in a filter is a space."""
    feed = film()
    app = TidalApp(feed, look=LOOK)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"get cart", "home", "left", "enter")
        await settled(pilot)
        assert not feed.playing
        assert feed.position_ms == BEGAN_MS + 240_000
        assert dashboard(pilot).grid("requests").filter_text == "get cart"


async def test_ticks_stay_when_the_replay_goes_back() -> None:
    """What happened is marked on the bar, also what lies ahead."""
    feed = film()
    async with TidalApp(feed, look=LOOK).run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        ticks = screen_text(pilot).splitlines()[-3].count("▲")
        assert ticks >= 2
        await pilot.press("home")
        await settled(pilot)
        assert screen_text(pilot).splitlines()[-3].count("▲") >= ticks - 1  # the position hides one


async def test_a_replay_has_no_keys_that_steer_and_quits_at_once() -> None:
    """The past cannot be stopped."""
    app = TidalApp(film(), Wishes(), look=LOOK)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("u", "x", "n", "d")
        assert app.screen is dashboard(pilot)
        assert not {"Users", "Stop", "Note"} & set(screen_text(pilot).splitlines()[-1].split())
        await pilot.press("q")
    assert app.return_value == "quit"


async def test_keys_of_a_replay_do_nothing_in_a_live_run() -> None:
    """There is no scrubber, and no badge."""
    app = TidalApp(StillFeed(frame()), Wishes(), look=LOOK)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("space", "left", "home", "less_than_sign")
        assert "REPLAY" not in screen_text(pilot)
        assert not app.screen.query_one(Scrubber).display


async def test_what_is_below_the_scrubber_is_the_same_as_live() -> None:
    """Badge and scrubber apart, a replay shows what the live screen showed."""
    shown = []
    for app in (TidalApp(film(), look=LOOK), TidalApp(StillFeed(frame(240)), Wishes(), look=LOOK)):
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            shown.append(screen_text(pilot).splitlines())
    replayed, live = shown
    assert [line.replace("REPLAY", "      ") for line in replayed[:19]] == live[:19]


class TornFilm(FilmFeed):
    """A recording whose middle cannot be read."""

    def frame(self, focus: Focus | None = None) -> Frame | None:
        """Refuse."""
        raise ArchiveDamaged("block 7 of r7f3a.tidal does not match its checksum")


async def test_a_damaged_recording_is_trouble_not_a_crash() -> None:
    """The screen stays and says what is wrong."""
    torn = TornFilm(lambda _: frame(), BEGAN_MS, LAST_MS)
    async with TidalApp(torn, look=LOOK).run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        assert "▲ block 7 of r7f3a.tidal does not match its checksum" in screen_text(pilot)


# ------------------------------------------------------------------ without a screen


def test_orders_are_carried_out_before_the_picture_is_taken() -> None:
    """The picture after a seek is of the moment sought."""
    feed = film()
    picture = look_at(feed, [lambda f: f.seek(BEGAN_MS + 10_000), lambda f: f.play()])
    assert picture.frame is not None
    assert picture.frame.run.elapsed_ms == 10_000
    assert picture.place is not None
    assert replace(picture.place, ticks=(), rps_milli=(), rps_start_ms=0, checked=None) == Place(
        playing=True, speed=1.0, position_ms=BEGAN_MS + 10_000, first_ms=BEGAN_MS, last_ms=LAST_MS
    )
    assert len(picture.place.rps_milli) == 600


async def test_a_pump_hurries_when_it_is_asked_to() -> None:
    """A seek does not wait for the next half second."""
    taken: list[object] = []
    pump = Pump(film(), taken.append)
    task = asyncio.create_task(pump.run())
    await pump.next_picture()
    pump.skip(60)
    pump.skip(-5)
    await pump.next_picture()
    task.cancel()
    assert taken[-1].place.position_ms == BEGAN_MS + 295_000  # type: ignore[attr-defined]


def test_speeds_are_steps_between_a_quarter_and_sixty_four() -> None:
    """An odd speed steps to a neighbour of the nearest."""
    assert [speed_beside(speed, 1) for speed in SPEEDS[:-1]] == list(SPEEDS[1:])
    assert speed_beside(64, 1) == 64
    assert speed_beside(0.25, -1) == 0.25
    assert speed_beside(3.9, -1) == 2


@pytest.mark.parametrize("width", [30, 60, 80, 200])
@pytest.mark.parametrize("part", [-1.0, 0.0, 0.5, 1.0, 2.0])
def test_a_scrubber_is_as_wide_as_the_screen(width: int, part: float) -> None:
    """At both rims, and for positions outside of the recording."""
    ticks = ((BEGAN_MS - 5, "bad"), (LAST_MS, "warn"))
    place = Place(
        speed=0.25, position_ms=round(BEGAN_MS + part * 600_000), first_ms=BEGAN_MS, last_ms=LAST_MS, ticks=ticks
    )
    line = scrubber_line(place, width, LOOK)
    assert sum(cell_len(text) for text, _ in line) == width or width < 60


def test_a_recording_of_one_moment_has_a_scrubber() -> None:
    """No division by nothing."""
    assert scrubber_line(Place(), 80, LOOK)


# ------------------------------------------------------------------ whether it is what was recorded


@pytest.mark.parametrize(
    ("checked", "said", "tone"),
    [
        (None, "", ""),
        (Checked(), "◐ verifying", "dim"),
        (Checked(7, 60), "◐ 7 of 60 verified", "dim"),
        (Checked(60, 60, is_done=True), "✔ 60 of 60 verified", "good"),
        (Checked(is_done=True), "◌ nothing to verify", "dim"),
        (Checked(0, 60, 60, is_done=True), "◌ of another version", "warn"),
        (Checked(58, 60, 60, is_chain=True, is_done=True), "✔ 58 of 60 by chain", "good"),
        (Checked(12, 60, is_done=True, differs_ms=BEGAN_MS + 130_000), "✘ differs at 2:10", "bad"),
    ],
)
def test_how_far_a_recording_is_proved_is_told_below_the_clock(checked: Checked | None, said: str, tone: str) -> None:
    """In a few words, of one width whatever they are, in ASCII as well."""
    place = Place(position_ms=BEGAN_MS, first_ms=BEGAN_MS, last_ms=LAST_MS, rps_milli=(1_000,) * 600, checked=checked)
    assert checked_words(place, LOOK) == (said, tone)
    assert checked_words(place, ASCII)[0].isascii()
    rows = ["".join(text for text, _ in runs) for runs in scrubber_lines(place, 80, LOOK)]
    assert [cell_len(row) for row in rows] == [80, 80]
    assert rows[1].rstrip().endswith(said)


async def test_the_screen_says_what_is_proved_and_goes_to_the_first_difference() -> None:
    """A mark on the scrubber that the keys for events reach."""
    feed = film()
    async with TidalApp(feed, look=LOOK).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "✔ 60 of 60 verified" in screen_text(pilot)
        feed.proof = Checked(33, 60, is_done=True, differs_ms=BEGAN_MS + 330_500)
        await settled(pilot)
        assert "✘ differs at 5:30" in screen_text(pilot)
        await pilot.press("right_square_bracket")
        await settled(pilot)
        assert feed.position_ms == BEGAN_MS + 330_500
