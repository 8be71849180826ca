from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidal.model.events import CHUNK_BYTES, FileChunk
from tidal.model.files import SHIPPED_BYTES_MAX, Files, below_root, chunks_of, is_safe_path, spec_of
from tidal.model.struct import replace


@settings(max_examples=40, deadline=None)
@given(st.data(), st.lists(st.integers(0, 3 * CHUNK_BYTES), max_size=3))
def test_files_come_out_as_they_went_in(data: st.DataObject, sizes: list[int]) -> None:
    """In any order of their chunks, with repeats; and never before they are whole."""
    contents = {f"f{i}.py": bytes([i]) * size for i, size in enumerate(sizes)}
    manifest = [spec_of(path, content) for path, content in contents.items()]
    chunks = [chunk for content in contents.values() for chunk in chunks_of(content)]
    files = Files()
    for chunk in data.draw(st.permutations(chunks + chunks)) if chunks else []:
        files.add(chunk)
    assert files.contents(manifest) == contents


def test_texts_name_shipped_files_as_the_user_does() -> None:
    """A traceback of a worker says what the user can open."""
    text = 'File "/tmp/tidal-run-ab_1/shop/users.py", line 12, in buy\n  see /var/tmp/tidal-hooks-x9/a.py:3'
    assert below_root(text) == 'File "shop/users.py", line 12, in buy\n  see a.py:3'
    assert below_root('File "/home/ann/tidal-run/x.py"') == 'File "/home/ann/tidal-run/x.py"'
    assert below_root('File "/home/ann/shop/users.py"', "/home/ann") == 'File "shop/users.py"'


def test_a_missing_chunk_is_waited_for() -> None:
    """None until the last one is there."""
    content, files = b"x" * (CHUNK_BYTES + 1), Files()
    first, second = chunks_of(content)
    files.add(second)
    assert files.contents([spec_of("a", content)]) is None
    files.add(first)
    assert files.contents([spec_of("a", content)]) == {"a": content}


def test_an_empty_file_is_one_empty_chunk() -> None:
    """It is shipped like any other."""
    files = Files()
    (chunk,) = chunks_of(b"")
    files.add(chunk)
    assert files.contents([spec_of("__init__.py", b"")]) == {"__init__.py": b""}


def test_chunks_that_disagree_about_their_number_stop_nothing() -> None:
    """The first one says how many there are; another file's count under the same name is nonsense."""
    files, content = Files(), b"x" * (CHUNK_BYTES + 1)
    first, second = chunks_of(content)
    files.add(replace(first, part=5, parts=10, data=b"?"))
    files.add(replace(first, part=0, parts=2, data=b"?"))
    files.add(first)
    files.add(second)
    assert files.contents([spec_of("a", content)]) is None


def test_a_content_that_is_not_what_its_hash_says_is_dropped_and_may_come_again() -> None:
    """And takes no room from the true one."""
    files, content = Files(), b"import os\n"
    (chunk,) = chunks_of(content)
    for _ in range(SHIPPED_BYTES_MAX // CHUNK_BYTES + 2):
        files.add(replace(chunk, data=b"?" * CHUNK_BYTES))
    assert files.contents([spec_of("a", content)]) is None
    files.add(chunk)
    assert files.contents([spec_of("a", content)]) == {"a": content}


@pytest.mark.parametrize(("part", "parts"), [(-1, 1), (1, 1), (0, 0), (0, -1), (0, 1 << 40), (5, 5)])
def test_impossible_chunks_are_dropped(part: int, parts: int) -> None:
    """A part that is not among the parts, or more parts than may be shipped."""
    files = Files()
    files.add(FileChunk("0" * 64, part, parts, b"x"))
    assert files == Files()


def test_what_is_shipped_is_bounded() -> None:
    """A log cannot fill a worker's memory."""
    files = Files()
    for number in range(SHIPPED_BYTES_MAX // CHUNK_BYTES + 20):
        files.add(FileChunk(f"{number:064}", 0, 2, b"x" * CHUNK_BYTES))
    assert files._size <= SHIPPED_BYTES_MAX


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up.py", "a/../../b", "a\\..\\b", "a\0b", ".", "./"])
def test_a_path_that_leaves_its_folder_is_refused(path: str) -> None:
    """Before anything is written."""
    assert not is_safe_path(path)
    with pytest.raises(ValueError, match="outside its folder"):
        Files().contents([replace(spec_of("a", b""), path=path)])


@pytest.mark.parametrize("path", ["locustfile.py", "shop/data/users.csv", "a..b/c.py", ".env"])
def test_an_ordinary_path_is_safe(path: str) -> None:
    """Below the folder, with dots that mean nothing."""
    assert is_safe_path(path)
