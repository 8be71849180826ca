"""The keys that are valid now, each of them whole: what has no room is left out, and `?` tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.events import Resize
    from textual.widget import Widget

KEPT = frozenset({"app.quit", "help", "start"})
"""Actions whose keys stay when others go: the way out, and to all the others."""
PALETTE = "-command-palette"
WIDE, WIDE_GAP, GAP = 110, 2, 1
"""From this width on keys stand further apart (tidal.tcss)."""


def fitting(keys: Sequence[tuple[str, int]], room: int, gap: int) -> frozenset[int]:
    """Which keys of these (action, cells) fit into so many cells; the last go first, those that are kept never."""
    left = list(range(len(keys)))
    for index in reversed(range(len(keys))):
        if sum(keys[i][1] + gap for i in left) - gap <= room:
            break
        if keys[index][0] not in KEPT:
            left.remove(index)
    return frozenset(left)


class KeyBar(Footer):
    """Textual's footer, without what it would cut off."""

    def compose(self) -> ComposeResult:
        """The keys that fit, and the palette's where there is room for all."""
        parts: list[Widget] = list(super().compose())
        keys = [part for part in parts if isinstance(part, FooterKey) and not part.has_class(PALETTE)]
        palette = [part for part in parts if part.has_class(PALETTE)]
        gap = WIDE_GAP if self.screen.size.width >= WIDE else GAP
        room = self.screen.size.width - 1
        sizes = [(key.action, cell_len(key.key_display) + 1 + cell_len(key.description)) for key in keys]
        beside = sum(
            cell_len(part.key_display) + 3 + cell_len(part.description)
            for part in palette
            if isinstance(part, FooterKey)
        )
        if len(fitting(sizes, room - beside - gap, gap)) == len(keys):
            yield from (*keys, *palette)
            return
        fits = fitting(sizes, room, gap)
        yield from (key for index, key in enumerate(keys) if index in fits)

    async def on_resize(self, event: Resize) -> None:
        """Another width has room for others."""
        del event
        await self.recompose()
