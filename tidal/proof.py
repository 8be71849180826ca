"""Is a recording what its master saw? Its entries are folded again, and at each checkpoint the hash must be the same.

A checkpoint names the last entry of each stream that its hash covers. Reports commute, but the hash knows both
positions, so the fold must stand at exactly these two: entries of one stream that lie before the other has come so far
(a part of another master's, a disk that was full) wait. Keyframes are held to the same fold, for seeking begins there.
A checkpoint that lies behind the fold (a successor that began further back) is proved in another pass.

A state's hash can be made anew only by the fold that made it. The bytes of the entries are held to the chain of hashes
besides (`chained.py`), by any version: an archive of another one is proved by that alone.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tidal.archive_file import ENTRIES, KEYFRAME
from tidal.chained import Chained, checkpoint_of, follow, place_of
from tidal.errors import ArchiveDamaged, ReplayDiffers, ReplayUnproven
from tidal.model.checked import Checked
from tidal.model.codec import LOG, REPORTS, BadEntry, EntryId
from tidal.model.fold import fold_entry
from tidal.model.state import State, digest_of, own_rules
from tidal.model.struct import replace
from tidal.model.words import moment
from tidal.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidal.archive import Archive
    from tidal.archive_file import Block
    from tidal.model.codec import Entry

STREAMS = (LOG, REPORTS)
REST_ENTRIES = 25
"""A fifth of a millisecond each, of a large run."""
READ_ENTRIES = 500
REST_S = 0.002
"""Between two blocks, so that a screen beside it is drawn."""
_BEFORE_ALL = EntryId(-1, 0)


class Claim(NamedTuple):
    """What a checkpoint or a keyframe says of the state after two entries."""

    log_id: EntryId
    reports_id: EntryId
    sha256: str
    at_ms: int  # Redis time at which it was written
    is_keyframe: bool

    @property
    def position(self) -> dict[str, EntryId]:
        """The entries that it covers, the last of each stream."""
        return {LOG: self.log_id, REPORTS: self.reports_id}


class Proof(NamedTuple):
    """What came out.

    Attributes:
        agreed: checkpoints at which the fold has the recorded hash.
        foreign: checkpoints of another version of tidal, which no other can recompute.
        began_ms: Redis time of plan time zero.
        last_ms: Redis time of the last that agrees; 0: none does.
        bridged: checkpoints of a time of which the archive has a keyframe and no entries.
        differs: the first at which the hash is another one.
        chain: what the bytes of the entries prove.
        of: checkpoints in the archive, those of another version among them.
    """

    agreed: int = 0
    foreign: int = 0
    began_ms: int = 0
    last_ms: int = 0
    bridged: int = 0
    differs: Claim | None = None
    chain: Chained = Chained()
    of: int = 0


def prove(
    archive: Archive, goes_on: Callable[[Proof], bool] = lambda _: True, rest: Callable[[], object] = lambda: None
) -> Proof:
    """Fold everything and compare.

    Args:
        archive: all of it.
        goes_on: asked at each block with what is proved so far; an end when it says no, as at the first difference.
        rest: called every few milliseconds of work, for whoever has something better to do meanwhile.

    Raises:
        ArchiveDamaged: the archive cannot be read to its end.
    """
    claims, foreign = _claims(archive, rest)
    proof = Proof(foreign=foreign, of=foreign + sum(not claim.is_keyframe for claim in claims))
    while claims and proof.differs is None and goes_on(proof):
        folding = _Folding(archive, claims, rest)
        proof = folding.run(proof, goes_on)
        if not goes_on(proof):
            break
        if len(folding.behind) == len(claims):  # nothing of it can be reached, so it is not of this archive
            return proof._replace(differs=folding.behind[0])
        claims = folding.behind
    return proof


def demand(archive: Archive) -> Proof:
    """The proof of a whole archive, by its states and by its bytes; whatever keeps it from being one is raised.

    Raises:
        ArchiveDamaged: bytes are not those that were written, or the end is torn off.
        ReplayDiffers: the entries are others than the master read, or fold to another state than the recorded one.
        ReplayUnproven: there is neither a state's hash that this tidal can recompute nor a chain.
    """
    if damaged := archive.find_damage():
        where = ", ".join(f"byte {block.offset}" for block in damaged[:3])
        raise ArchiveDamaged(f"{archive.path}: {len(damaged)} of {len(archive.blocks)} blocks are damaged: {where}")
    if archive.torn:
        raise ArchiveDamaged(f"{archive.path}: its last block is torn: what was written there cannot be read")
    proof = prove(archive)
    if proof.differs is not None:
        raise ReplayDiffers(told(proof))
    chained = follow(archive)
    if chained.differs is not None:
        raise ReplayDiffers(told_of_chain(chained))
    if not proof.agreed and not chained.agreed:
        other = f"{proof.foreign} are of another version of tidal" if proof.foreign else "it has none"
        raise ReplayUnproven(f"{archive.path}: no checkpoint could be compared: {other}")
    return proof._replace(chain=chained)


def told(proof: Proof) -> str:
    """Where the replay differs, in words; "" when it does not."""
    claim = proof.differs
    if claim is None:
        return ""
    what = "keyframe" if claim.is_keyframe else "checkpoint"
    since = f"; up to {moment(proof.last_ms - proof.began_ms)} all was as recorded" if proof.last_ms else ""
    at = f"log {claim.log_id}, reports {claim.reports_id}"
    when = moment(claim.at_ms - proof.began_ms)
    return f"the replay differs from what was recorded: first at the {what} of {when} ({at}){since}"


def told_of_chain(chained: Chained) -> str:
    """Where the bytes are others, in words; "" when they are not."""
    if chained.differs is None:
        return ""
    when = moment(chained.differs.at_ms - chained.began_ms)
    return f"the entries are not those that were recorded: first before the checkpoint of {when}"


# ------------------------------------------------------------------ what is claimed


def _claims(archive: Archive, rest: Callable[[], object]) -> tuple[list[Claim], int]:
    """The claims in the order in which a fold meets them, and how many there are of another version's rules."""
    claims: dict[tuple[EntryId, EntryId, bool], Claim] = {}
    foreign = 0
    for number, entry in enumerate(archive.entries()):
        if number % READ_ENTRIES == 0:
            rest()
        event = checkpoint_of(entry)
        if event is None or event.rules != own_rules():
            foreign += event is not None
            continue
        place = place_of(event)
        claims[*place, False] = Claim(*place, event.sha256, entry.id.ms, is_keyframe=False)
    if claims:  # keyframes alone prove little: nothing says that a master stored them
        for keyframe in (k for k in archive.keyframes() if k.rules == own_rules()):
            rest()
            place = (keyframe.log_id, keyframe.reports_id)
            claims[*place, True] = Claim(*place, digest_of(keyframe.state), keyframe.at_ms, is_keyframe=True)
    return sorted(claims.values()), foreign


# ------------------------------------------------------------------ folding


class _Folding:
    """One pass through an archive."""

    def __init__(self, archive: Archive, claims: list[Claim], rest: Callable[[], object]) -> None:
        self._archive = archive
        self._rest, self._folded = rest, 0
        self._claims = deque(claims)
        self._state = State()
        self._covered: dict[str, EntryId] = {}
        self._repeats = Repeats()
        self._waiting: dict[str, deque[Entry]] = {name: deque() for name in STREAMS}
        self.behind: list[Claim] = []

    def run(self, proof: Proof, goes_on: Callable[[Proof], bool]) -> Proof:
        """Fold to the end, or to the first difference."""
        proof = self._run(proof, goes_on)
        return proof._replace(began_ms=self._state.log.began_ms)

    def _run(self, proof: Proof, goes_on: Callable[[Proof], bool]) -> Proof:
        for number, block in enumerate(self._archive.blocks):
            if proof.differs is not None or not goes_on(proof):
                return proof
            if block.kind == KEYFRAME and (number == 0 or block.entries):
                proof = proof._replace(bridged=proof.bridged + self._bridge(block))
            elif block.kind == ENTRIES:
                for entry in self._archive.read_entries(block):
                    self._take(entry)
                proof = self._drain(proof)
        return self._drain(proof, is_end=True)

    def _take(self, entry: Entry) -> None:
        is_covered = entry.id <= self._covered.get(entry.stream, _BEFORE_ALL)
        if entry.stream in self._waiting and not is_covered and self._repeats.is_new(entry):
            self._waiting[entry.stream].append(entry)

    def _bridge(self, block: Block) -> int:
        """Go on from a keyframe that covers what the archive has not; how many claims nobody can prove for it."""
        keyframe = self._archive.read_keyframe(block)
        if keyframe is None or all(self._reached(name) >= at for name, at in keyframe.position.items()):
            return 0
        try:
            self._state = State.unpacked(keyframe.state)
        except (BadEntry, ValueError):
            return 0
        self._covered, self._repeats = keyframe.position, Repeats()
        for waiting in self._waiting.values():
            waiting.clear()
        covered = [c for c in self._claims if all(at <= keyframe.position[n] for n, at in c.position.items())]
        self._claims = deque(claim for claim in self._claims if claim not in covered)
        return sum(not claim.is_keyframe for claim in covered)

    def _reached(self, stream: str) -> EntryId:
        """The last entry of a stream that was read."""
        waiting = self._waiting[stream]
        return waiting[-1].id if waiting else self._state.position[stream]

    def _drain(self, proof: Proof, *, is_end: bool = False) -> Proof:
        """Fold what the next claim covers, compare, and so on; `is_end`: nothing more will come for it."""
        while self._claims and proof.differs is None:
            claim = self._claims[0]
            if any(self._state.position[name] > at for name, at in claim.position.items()):
                self.behind.append(self._claims.popleft())
                continue
            is_missing = self._fold_to(claim)
            if self._state.position == claim.position:
                proof = _compared(proof, claim, self._state)
            elif is_missing or is_end:
                return proof._replace(differs=claim)  # it names what is not there
            else:
                return proof
            self._claims.popleft()
        if not self._claims:
            self._fold_rest()
        return proof

    def _fold_to(self, claim: Claim) -> bool:
        """Fold what a claim covers; whether an entry that it names is passed over: it is not in the archive."""
        is_missing = False
        for name, at in claim.position.items():
            waiting = self._waiting[name]
            while waiting and waiting[0].id <= at:
                self._fold(waiting.popleft())
            is_missing |= bool(waiting) and self._state.position[name] != at
        return is_missing

    def _fold_rest(self) -> None:
        for waiting in self._waiting.values():
            while waiting:
                self._fold(waiting.popleft())

    def _fold(self, entry: Entry) -> None:
        fold_entry(self._state, entry)
        self._folded += 1
        if self._folded % REST_ENTRIES == 0:
            self._rest()


def _compared(proof: Proof, claim: Claim, state: State) -> Proof:
    if state.digest() != claim.sha256:
        return proof._replace(differs=claim)
    agreed = proof.agreed + (not claim.is_keyframe)
    return proof._replace(agreed=agreed, last_ms=max(proof.last_ms, claim.at_ms))


# ------------------------------------------------------------------ beside a replay that is looked at


class Watch:
    """Proves an archive in a thread of its own, so that whoever looks at it is told.

    Attributes:
        trouble: what was found; "" while nothing is.
        checked: how far it is.
        ended: whether everything was looked at.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._closing, self._held = threading.Event(), threading.Event()
        self.trouble = ""
        self.checked = Checked()
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidal-proof", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking; the archive may be closed after this."""
        self._closing.set()
        self._thread.join()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the watch stand still: a picture is waited for."""
        self._held.set()
        try:
            yield
        finally:
            self._held.clear()

    def _rest(self) -> None:
        while self._held.is_set() and not self._closing.wait(REST_S):
            pass

    def _goes_on(self, proof: Proof) -> bool:
        self.checked = _seen(proof)
        return not self._closing.wait(REST_S)

    def _goes_on_at_ease(self) -> bool:
        self._rest()
        return not self._closing.wait(REST_S)

    def _run(self) -> None:
        try:
            self._prove()
        except ArchiveDamaged as error:
            self.trouble = str(error)
        self.ended.set()

    def _prove(self) -> None:
        proof = prove(self._archive, self._goes_on, self._rest)
        self.trouble, self.checked = told(proof), _seen(proof)
        if proof.differs is None and not self._closing.is_set():
            chained = follow(self._archive, self._goes_on_at_ease)
            self.trouble = told_of_chain(chained)
            self.checked = replace(_seen(proof._replace(chain=chained)), is_done=not self._closing.is_set())


def _seen(proof: Proof) -> Checked:
    """What of a proof a screen shows: of states that nobody can fold anew, what their bytes prove."""
    chained = proof.chain
    differs = proof.differs or chained.differs
    is_chain = not proof.agreed and chained.agreed > 0
    return Checked(
        chained.agreed if is_chain else proof.agreed,
        proof.of,
        proof.foreign,
        is_chain,
        is_done=differs is not None,
        differs_ms=differs.at_ms if differs is not None else None,
    )
