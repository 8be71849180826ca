"""What a nursery has ready for a locustfile, by the names in its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tidal.nursery import FAST, HTTP, LOCUST, named_by, named_in

if TYPE_CHECKING:
    from pathlib import Path

ALL = {FAST, HTTP, LOCUST}


@pytest.mark.parametrize(
    ("source", "ready"),
    [
        ("from tidal import FastHttpUser, task", {FAST}),
        ("from tidal import HttpUser, task", {HTTP}),
        ("import json, time\nfrom tidal import HttpUser, FastHttpUser", {FAST, HTTP}),
        ("from tidal import User\nimport socket", set()),
        ("from locust import FastHttpUser", {FAST, LOCUST}),
        ("from locust.contrib.fasthttp import FastHttpUser", {FAST, LOCUST}),
        ("from tidal import User\nimport requests", {HTTP}),
        ("def test_page(session):\n    session.get('/')", {HTTP}),
        ("from tidal import User\nfrom common import Base", ALL),
        ("from . import base", ALL),
        ("import json, common", ALL),
        ("if True:\n    import common", ALL),
    ],
)
def test_what_a_file_names_is_ready_and_all_where_it_imports_what_is_not_known(source: str, ready: set[str]) -> None:
    """A module of the user's own may import anything."""
    assert named_in(source) == ready


def test_several_files_need_what_each_of_them_needs(tmp_path: Path) -> None:
    """One that cannot be read may need anything."""
    (tmp_path / "a.py").write_text("from tidal import HttpUser")
    (tmp_path / "b.py").write_bytes(b"from tidal import FastHttpUser # \xff")
    files = [str(tmp_path / name) for name in ("a.py", "b.py")]
    assert named_by(files) == {FAST, HTTP}
    assert named_by([*files, str(tmp_path / "gone.py")]) == ALL
