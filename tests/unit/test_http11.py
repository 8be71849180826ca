"""What goes wrong between an HTTP client and a server, item by item, with both clients; docs/http.md has the table."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3.connection
from odd_server import OddServer, tls_context
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema
from sessions import fast, noting, texts, turn_until
from urllib3.connectionpool import HTTPConnectionPool

from tidal.generator.fast_errors import UnsupportedRedirectSchemeError
from tidal.generator.http import HttpSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
KINDS = ("fast", "http")


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OddServer, str, list[str | None]]]:
    """A server for `localhost` and 127.0.0.1, who vouches for it, and the names that it was asked for."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    context, names = tls_context(folder), []
    context.sni_callback = lambda _, name, __: names.append(name)  # type: ignore[assignment]  # None: go on
    server = OddServer(context)
    yield server, str(folder / "cert.pem"), names
    server.close()


def plain(samples: list[dict[str, Any]], base_url: str) -> HttpSession:
    """A session of `HttpUser`."""
    return HttpSession(base_url, noting(samples))


def test_the_page_names_tests_that_are_there() -> None:
    """docs/http.md says for each item which ones."""
    tests = Path(__file__).parent.parent
    named = set(re.findall(r"`(test_\w+)`", (tests.parent / "docs" / "http.md").read_text("utf-8")))
    files = [tests / "unit" / f"test_{name}.py" for name in ("http11", "fast_http", "fast_parse", "http_wire")]
    there = {name for file in files for name in re.findall(r"(?m)^def (test_\w+)", file.read_text("utf-8"))}
    assert named
    assert named <= there


# ---------------------------------------------------------------------- what comes unasked, slowly, or not at all


@pytest.mark.parametrize("path", ["/late", "/half-closed"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_comes_while_nobody_waits_ends_a_connection(
    server: OddServer, samples: list[dict[str, Any]], path: str, method: str
) -> None:
    """An answer that nobody asked for is taken for none, and half an end is an end: the next request connects anew."""
    client = fast(samples, server.url)
    before, asked = server.connections, len(server.asked)
    client.get(path)
    (host,) = client.client.clientpool.hosts.values()
    turn_until(lambda: not host.idle or host.idle[0].is_stale)  # none: both came at once
    assert getattr(client, method)("/json").json() == {"a": 1}
    assert texts(samples) == ["None", "None"]
    assert (server.connections - before, len(server.asked) - asked) == (2, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_that_drips_is_an_answer(server: OddServer, samples: list[dict[str, Any]], kind: str) -> None:
    """A timeout is for each wait, not for the whole, as with Locust's clients."""
    if kind == "fast":
        response: Any = fast(samples, server.url, network_timeout=1.6).get("/drip")
    else:
        response = plain(samples, server.url).get("/drip", timeout=1.6)
    assert response.text == "drip by drip"
    assert samples[0]["response_time"] > 1_600


@pytest.mark.parametrize("retries", [0, 1])
def test_a_connection_that_nobody_takes(samples: list[dict[str, Any]], retries: int) -> None:
    """It is given up after its timeout, and tried again as often as the file allows."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as busy, ExitStack() as queue:
        for _ in range(4):  # more than it lets wait
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - its signature
            waiting.connect_ex(busy.getsockname())
        url = f"http://127.0.0.1:{busy.getsockname()[1]}"
        fast(samples, url, connection_timeout=0.1, max_retries=retries).get("/x")
    assert texts(samples) == [f"RetriesExceeded('{url}/x', {retries}, original=timed out)"]


# ---------------------------------------------------------------------- resets, and what is sent again


@pytest.mark.parametrize(
    ("path", "method"),
    [
        *product(["/reset"], ["get", "put", "post", "patch"]),
        *product(["/reset-head", "/reset-body"], ["get", "post"]),
    ],
)
@pytest.mark.parametrize("warm", [1, 0])
def test_what_is_sent_again_after_a_reset(
    server: OddServer, samples: list[dict[str, Any]], path: str, method: str, warm: int
) -> None:
    """What may be repeated, on a connection that had served before, when not a byte of an answer came: nothing else."""
    client = fast(samples, server.url)
    for _ in range(warm):
        client.get("/json")
    samples.clear()
    before = len(server.asked)
    getattr(client, method)(path)
    is_repeated = path == "/reset" and warm and method in ("get", "put")
    assert len(server.asked) - before == (2 if is_repeated else 1)
    (failure,) = texts(samples)
    assert failure.startswith("HTTPConnectionClosed" if path == "/reset" else "ConnectionResetError")


@pytest.mark.parametrize("path", ["/reset", "/reset-head", "/reset-body"])
def test_requests_sends_nothing_again(server: OddServer, samples: list[dict[str, Any]], path: str) -> None:
    """Its adapters retry nothing unless they are told to."""
    client = plain(samples, server.url)
    client.get("/json")
    before = len(server.asked)
    response = client.get(path)
    assert (len(server.asked) - before, response.status_code) == (1, 0)
    assert "Connection reset by peer" in repr(samples[1]["exception"])


# ---------------------------------------------------------------------- where it goes


@pytest.mark.parametrize("kind", KINDS)
def test_ipv6(samples: list[dict[str, Any]], kind: str) -> None:
    """An address in brackets, and so in the Host line."""
    try:
        server = OddServer(host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    client: Any = (fast if kind == "fast" else plain)(samples, f"http://[::1]:{server.port}")
    assert client.get("/json").json() == {"a": 1}
    assert server.asked[0].headers["host"] == f"[::1]:{server.port}"
    server.close()


@pytest.fixture
def behind_a_socket(tmp_path: Path) -> Iterator[tuple[OddServer, str]]:
    """A server behind a Unix socket, and its URL."""
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("no Unix sockets here")
    server = OddServer(host=str(tmp_path / "App.sock"))
    yield server, url_of(tmp_path / "App.sock")
    server.close()


def url_of(path: Path) -> str:
    """The URL of a Unix socket."""
    return "http+unix://" + str(path).replace("/", "%2F")


def test_a_unix_socket(behind_a_socket: tuple[OddServer, str], samples: list[dict[str, Any]]) -> None:
    """One connection for all, `localhost` as host, relative redirects, queries."""
    server, url = behind_a_socket
    client = fast(samples, url)
    assert client.get("/redir?x=1").status_code == 200
    assert client.post("/echo?a=b", json={"n": 1}).json()["path"] == "/echo?a=b"
    assert client.get(f"{url}/json").json() == {"a": 1}
    assert {one.headers["host"] for one in server.asked} == {"localhost"}
    assert [one.path for one in server.asked] == ["/redir?x=1", "/echo?to=1", "/echo?a=b", "/json"]
    assert server.connections == 1
    assert [sample["name"] for sample in samples] == ["/redir?x=1", "/echo?a=b", f"{url}/json"]


def test_no_answer_leads_into_a_socket(behind_a_socket: tuple[OddServer, str], samples: list[dict[str, Any]]) -> None:
    """Whoever is tested must not make the generator speak to what listens on its own machine."""
    server, url = behind_a_socket
    client = fast(samples, "http://127.0.0.1:1")
    asked = client.client.make_request("http://shop.example/cart", method="POST", payload=b"body")
    for location in (f"{url}/echo", f"HTTP+UNIX{url.removeprefix('http+unix')}/echo"):
        with pytest.raises(UnsupportedRedirectSchemeError):
            client.client._redirect(asked, 307, location.encode(), b"body")
    asked = client.client.make_request("http+unix://%2Frun%2Fother.sock/a")
    with pytest.raises(UnsupportedRedirectSchemeError):
        client.client._redirect(asked, 302, f"{url}/echo".encode(), b"")
    assert not server.asked


def test_cookies_behind_a_unix_socket(behind_a_socket: tuple[OddServer, str], samples: list[dict[str, Any]]) -> None:
    """They are the host's that is asked for."""
    server, url = behind_a_socket
    client = fast(samples, url)
    client.get("/cookie")
    client.get("/echo")
    assert server.asked[-1].headers["cookie"] == "a=1"
    assert {cookie.domain for cookie in client.cookiejar} == {"localhost.local"}


def test_a_unix_socket_where_nobody_listens(tmp_path: Path, samples: list[dict[str, Any]]) -> None:
    """A failed request that names the path; without one, a mistake of the file's."""
    fast(samples, url_of(tmp_path / "gone.sock")).get("/x")
    assert f"Unix socket {tmp_path}/gone.sock: No such file or directory" in texts(samples)[0]
    (tmp_path / "no.sock").touch()
    fast(samples, url_of(tmp_path / "no.sock")).get("/x")
    assert f"Unix socket {tmp_path}/no.sock: Connection refused" in texts(samples)[1]
    with pytest.raises(ValueError, match="no path of a Unix socket"):
        fast(samples, "http+unix://").get("/x")


class _UnixConnection(urllib3.connection.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.host.replace("%2f", "/"))


class _UnixPool(HTTPConnectionPool):
    ConnectionCls = _UnixConnection


class UnixAdapter(HTTPAdapter):
    """What packages such as requests-unixsocket do."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._pool = _UnixPool("localhost")
        self._pool.ConnectionCls = lambda **kwargs: _UnixConnection(**(kwargs | {"host": path}))  # type: ignore[assignment]

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Any:
        """The one pool that there is."""
        return self._pool


def test_a_unix_socket_by_an_adapter_of_the_files_own(
    behind_a_socket: tuple[OddServer, str], tmp_path: Path, samples: list[dict[str, Any]]
) -> None:
    """`HttpUser` takes the one that is mounted, and says that there is none."""
    server, url = behind_a_socket
    client = plain(samples, url)
    with pytest.raises(InvalidSchema):
        client.get("/json")
    client.mount("http+unix://", UnixAdapter(str(tmp_path / "App.sock")))
    assert client.get("/json").json() == {"a": 1}
    assert client.get(f"{url}/echo").json()["path"] == "/echo"
    assert texts(samples) == ["None", "None"]
    assert server.connections == 1


# ---------------------------------------------------------------------- TLS


def trusting(ca: str) -> Callable[..., ssl.SSLContext]:
    """A factory of contexts that trust one authority."""
    return lambda **_: ssl.create_default_context(cafile=ca)


@pytest.mark.parametrize("kind", KINDS)
def test_a_ca_of_the_files_own(
    certified: tuple[OddServer, str, list[str | None]], samples: list[dict[str, Any]], kind: str
) -> None:
    """Certificates are checked against it."""
    server, ca, _ = certified
    if kind == "fast":
        response: Any = fast(samples, server.url, insecure=False, ssl_context_factory=trusting(ca)).get("/json")
    else:
        response = plain(samples, server.url).get("/json", verify=ca)
    assert response.json() == {"a": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_of_another_name(tmp_path: Path, samples: list[dict[str, Any]], kind: str) -> None:
    """It is not taken, though its authority is trusted."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate")
    server, ca = OddServer(tls_context(tmp_path, "DNS:elsewhere.test")), str(tmp_path / "cert.pem")
    if kind == "fast":
        fast(samples, server.url, insecure=False, ssl_context_factory=trusting(ca)).get("/json")
    else:
        plain(samples, server.url).get("/json", verify=ca)
    server.close()
    assert "IP address mismatch" in texts(samples)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_an_authority_that_nobody_knows(
    certified: tuple[OddServer, str, list[str | None]], samples: list[dict[str, Any]], kind: str
) -> None:
    """`HttpUser` checks unless it is told not to; `FastHttpUser` only where it is told to, as Locust's."""
    server, _, __ = certified
    if kind == "fast":
        fast(samples, server.url, insecure=False).get("/json")
    else:
        plain(samples, server.url).get("/json")
    assert "CERTIFICATE_VERIFY_FAILED" in texts(samples)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_sni(certified: tuple[OddServer, str, list[str | None]], samples: list[dict[str, Any]], kind: str) -> None:
    """A name is told to the server before it shows its certificate; an address is not."""
    server, ca, names = certified
    for url in (server.url.replace("127.0.0.1", "localhost"), server.url):
        names.clear()
        if kind == "fast":
            fast(samples, url).get("/json")
        else:
            plain(samples, url).get("/json", verify=ca)
        assert names == ["localhost" if "localhost" in url else None]
    assert texts(samples) == ["None", "None"]
