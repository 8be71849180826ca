"""Users that ask name servers: `DNSUser.client.udp(message, "1.1.1.1")`, and every other query of dnspython's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tidal.contrib import missing
from tidal.flow import LocustError
from tidal.users import User

try:
    import dns.query
    from dns.exception import DNSException
except ImportError as error:
    raise missing("DNSUser", "dnspython", "dns", error) from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns.message import Message

    from tidal.hooks import EventHook


class DNSClient:
    """The functions of `dns.query` under their own names; each call is a sample.

    What dnspython raises, and an answer without records, is the sample's failure; an `OSError` is the caller's.
    """

    def __init__(self, request_event: EventHook) -> None:
        self.request_event = request_event

    def __getattr__(self, function_name: str) -> Callable[..., Message | None]:
        """One of dnspython's queries, counted; `name=` in its call is the sample's name."""
        query = getattr(dns.query, function_name)

        def counted(message: Message, *args: Any, name: str | None = None, **kwargs: Any) -> Message | None:
            start_s, began_s = time.time(), time.perf_counter()
            response, trouble = None, None
            try:
                response = query(message, *args, **kwargs)
            except DNSException as error:
                trouble = error
            taken_ms = (time.perf_counter() - began_s) * 1000
            self.request_event.fire(
                request_type="DNS",
                name=name or function_name,
                start_time=start_s,
                response_time=taken_ms,
                response_length=0,
                response=response,
                context={},
                exception=trouble or _emptiness(response),
            )
            return response

        return counted


def _emptiness(response: Message | None) -> LocustError | None:
    return None if response is not None and response.answer else LocustError("No answer in DNS response")


class DNSUser(User):
    """A user whose `client` asks name servers."""

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client = DNSClient(environment.events.request)
