"""What a request carries: forms, texts, bytes, files, streams; and what an answer carries, decoded."""

from __future__ import annotations

import binascii
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from tidal.generator.fast_errors import ContentError

FORM = "application/x-www-form-urlencoded; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"
BLOCK_BYTES = 65_536


@cache
def _brotli() -> Any:
    """Whichever brotli is installed; none is no fault."""
    for name in ("brotli", "brotlicffi"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


@cache
def accepted() -> str:
    """The content codings that answers may have."""
    return "gzip, deflate, br" if _brotli() else "gzip, deflate"


def encoded(payload: Any, files: Any = None) -> tuple[Any, str | None]:
    """A body as it is sent (bytes, or something to be read or iterated), and the content type that it asks for."""
    if files:
        return multipart(files, payload)
    if not payload:
        return b"", None
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(payload), BINARY
    if isinstance(payload, str):
        return payload.encode(), TEXT
    if isinstance(payload, Mapping) or _are_pairs(payload):
        return urlencode(payload).encode(), FORM
    if hasattr(payload, "read") or isinstance(payload, Iterable):
        return payload, BINARY
    raise TypeError(f"a body cannot be a {type(payload).__name__}")


def _are_pairs(payload: Any) -> bool:
    return isinstance(payload, list | tuple) and all(isinstance(one, list | tuple) and len(one) == 2 for one in payload)


def blocks_of(payload: Any) -> Iterator[bytes]:
    """A body that is read or iterated, piece by piece."""
    if hasattr(payload, "read"):
        while block := payload.read(BLOCK_BYTES):
            yield block.encode() if isinstance(block, str) else block
        return
    for block in payload:
        if not isinstance(block, str | bytes | bytearray | memoryview):
            raise TypeError(f"chunked body items must be bytes or str, not {type(block).__name__}")
        if block:
            yield block.encode() if isinstance(block, str) else bytes(block)


def length_of(payload: Any) -> int | None:
    """Bytes that a file will give; None when nobody knows."""
    try:
        left: int = os.fstat(payload.fileno()).st_size - payload.tell()
    except (AttributeError, OSError, ValueError):
        return None
    return left


def rewind(payload: Any) -> bool:
    """Make a body ready to be sent again; whether that is possible."""
    if isinstance(payload, bytes):
        return True
    try:
        payload.seek(0)
    except (AttributeError, OSError, ValueError):
        return False
    return True


# ---------------------------------------------------------------------- files


def multipart(files: Any, fields: Any) -> tuple[bytes, str]:
    """Files and fields as multipart/form-data: the body and its content type.

    A file is its content or something with `read`, alone or in a tuple after its name: (name, content), then perhaps
    its content type, further headers and the boundary.
    """
    if isinstance(fields, str | bytes):
        raise ValueError("Data must not be a string.")  # noqa: TRY004 - what Locust's client raises
    named = list(files.items() if isinstance(files, Mapping) else files)
    boundary = next((f[4] for _, f in named if isinstance(f, tuple | list) and len(f) > 4), None)
    boundary = boundary or binascii.hexlify(os.urandom(16)).decode()
    parts = [_field(name, value) for name, value in _several(fields)] + [_file(name, file) for name, file in named]
    mark = f"--{boundary}\r\n".encode()
    body = b"".join(mark + part + b"\r\n" for part in parts if part is not None)
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _several(fields: Any) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items() if isinstance(fields, Mapping) else fields or ():
        values = value if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else [value]
        yield from ((_text(name), one) for one in values if one is not None)


def _field(name: str, value: Any) -> bytes:
    data = value if isinstance(value, bytes) else str(value).encode()
    return f'Content-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n'.encode() + data


def _file(field: Any, file: Any) -> bytes | None:
    given = list(file) if isinstance(file, tuple | list) else [_file_name(file) or field, file]
    name, content, kind, more, _ = (*given, None, None, None)[:5]
    if content is None:
        return None
    data = content.read() if hasattr(content, "read") else content
    lines = [f'Content-Disposition: form-data; name="{_quoted(_text(field))}"']
    if name is not None:
        lines[0] += f'; filename="{_quoted(_text(name))}"'
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    lines += [f"{header}: {value}" for header, value in dict(more or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (data.encode() if isinstance(data, str) else bytes(data))


def _file_name(file: Any) -> str | None:
    name = getattr(file, "name", None)
    if not name or not isinstance(name, str | bytes):
        return None
    text = os.path.basename(_text(name))  # noqa: PTH119 - a name, not a place
    return None if text.startswith("<") and text.endswith(">") else text


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


# ---------------------------------------------------------------------- answers


class _Deflate:
    """Either of the two things that servers call deflate: with zlib's frame, as the standard says, or without."""

    def __init__(self) -> None:
        self._decoder: Any = None

    def decompress(self, data: bytes) -> bytes:
        if self._decoder is not None:
            return bytes(self._decoder.decompress(data))
        decoder = zlib.decompressobj()
        try:
            out = decoder.decompress(data)
        except zlib.error:
            decoder = zlib.decompressobj(-zlib.MAX_WBITS)
            out = decoder.decompress(data)
        self._decoder = decoder
        return out

    def flush(self) -> bytes:
        return bytes(self._decoder.flush()) if self._decoder else b""


class _Brotli:
    def __init__(self) -> None:
        self._decoder = _brotli().Decompressor()
        self._error = _brotli().error

    def decompress(self, data: bytes) -> bytes:
        try:
            return bytes(
                self._decoder.process(data) if hasattr(self._decoder, "process") else self._decoder.decompress(data)
            )
        except self._error as error:
            raise ContentError(f"brotli: {error}") from error

    def flush(self) -> bytes:
        return b""


_DECODERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "deflate": _Deflate,
    "br": _Brotli,
}


def decoder(encoding: bytes) -> Any:
    """Something with `decompress` and `flush` for a content coding; None where there is nothing to do."""
    name = encoding.decode("latin-1").strip()
    if name in ("", "identity"):
        return None
    if name not in _DECODERS or (name == "br" and not _brotli()):
        raise ContentError(f"Unknown content encoding: {name[:40]}")
    return _DECODERS[name]()


def decoded(body: bytes, encoding: bytes) -> bytes:
    """A whole body without its content coding."""
    tool = decoder(encoding)
    if tool is None or not body:
        return body
    out = bytes(tool.decompress(body) + tool.flush())
    if not getattr(tool, "eof", True):
        raise ContentError("the compressed body is incomplete")
    return out
