"""Users that speak MQTT: `self.client` is paho's client, and what it does is counted.

    user ──publish──▶ paho ──▶ broker        a sample `publish:QOS:TOPIC`, from the call to the end of the exchange
                       │  ▲                  (QoS 0: until it was sent), as long as the payload
                       ▼  │
              the client's own loop          samples `connect`, `disconnect` (0 ms) and `subscribe:QOS:TOPIC`

All have the type MQTT. The loop is a thread of paho's, which under gevent is a greenlet. When the user has ended the
client disconnects, silently: its messages would go on coming.
"""

from __future__ import annotations

import random
import selectors
import string
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import gevent

from tidal.contrib import missing
from tidal.users import User

try:
    import paho.mqtt.client as mqtt
    from paho.mqtt.enums import MQTTErrorCode
except ImportError as error:
    raise missing("MqttUser", "paho-mqtt", "mqtt", error) from error

if TYPE_CHECKING:
    import ssl

    from paho.mqtt.enums import MQTTProtocolVersion
    from paho.mqtt.properties import Properties

REQUEST_TYPE = "MQTT"
SUBACK_FAILURE = 0x80
"""From here on the codes in an answer to `subscribe` are refusals."""
ANSWERS_S = 1.0
"""How long a user that ends waits for answers to what it sent."""


class PublishedMessageContext(NamedTuple):
    """What is known of a message until the broker has it; part of the sample's context."""

    qos: int
    topic: str
    start_time: float
    payload_size: int


class _Subscription(NamedTuple):
    """The same of a subscription."""

    qos: int
    topic: str
    start_time: float


class MqttClient(mqtt.Client):
    """paho's client, counting.

    Args:
        args: paho's.
        environment: whose `request` hook is told.
        client_id: random when there is none, so that samples can tell whose they are.
        protocol: MQTT 3.1.1 by default.
        use_loop_selectors: taken for files that have it; the loop always waits in a way that knows no limit.
        kwargs: paho's.
    """

    def __init__(
        self,
        *args: Any,
        environment: Any,
        client_id: str | None = None,
        protocol: MQTTProtocolVersion = mqtt.MQTTv311,
        use_loop_selectors: bool = False,  # noqa: ARG002 - Locust's; see above
        **kwargs: Any,
    ) -> None:
        client_id = client_id or _random_id()
        with warnings.catch_warnings():  # files have callbacks of paho's first kind; paho would have them changed
            warnings.simplefilter("ignore", DeprecationWarning)
            super().__init__(*args, **{**kwargs, "client_id": client_id, "protocol": protocol})
        self.environment = environment
        self.client_id = client_id
        self._publish_requests: dict[int, tuple[PublishedMessageContext, float]] = {}
        self._subscribe_requests: dict[int, tuple[_Subscription, float]] = {}
        self.on_connect = self._connected
        self.on_disconnect = self._disconnected
        self.on_publish = self._published
        self.on_subscribe = self._subscribed

    # ------------------------------------------------------------------ what the user does

    def publish(
        self,
        topic: str,
        payload: mqtt.PayloadType = None,
        qos: int = 0,
        retain: bool = False,  # noqa: FBT001, FBT002 - paho's signature
        properties: Properties | None = None,
    ) -> mqtt.MQTTMessageInfo:
        """Publish a message: a sample when the exchange with the broker is over, a failed one if it cannot begin."""
        size = 0 if not payload or isinstance(payload, int | float) else len(payload)
        message = PublishedMessageContext(qos, topic, time.time(), size)
        began_s = time.perf_counter()
        info = super().publish(topic, payload, qos, retain, properties)
        if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._publish_requests[info.mid] = (message, began_s)
        else:
            self._tell("publish", message, exception=info.rc)
        return info

    def subscribe(
        self, topic: Any, qos: int = 0, options: Any = None, properties: Properties | None = None
    ) -> tuple[MQTTErrorCode, int | None]:
        """Subscribe: a sample when the broker has answered, named by the first topic of several."""
        asked = _Subscription(qos, _first_topic(topic), time.time())
        began_s = time.perf_counter()
        result, mid = super().subscribe(topic, qos, options, properties)
        if result == MQTTErrorCode.MQTT_ERR_SUCCESS and mid is not None:
            self._subscribe_requests[mid] = (asked, began_s)
        else:
            self._tell("subscribe", asked, exception=result or None)
        return result, mid

    # ------------------------------------------------------------------ what the broker answers

    # The arguments differ by protocol and by paho's kind of callback: what counts is found by its place.

    def _connected(self, client: mqtt.Client, userdata: Any, flags: Any, code: Any, *_: Any) -> None:  # noqa: ARG002 - paho's
        self._fire("connect", exception=Exception(str(code)) if code != 0 else None)

    def _disconnected(self, client: mqtt.Client, userdata: Any, *rest: Any) -> None:  # noqa: ARG002 - paho's
        code = rest[1] if len(rest) == 3 else rest[0]  # (flags, code, properties), (code, properties) or (code)
        self._fire("disconnect", exception=code if code != 0 else None)

    def _published(self, client: mqtt.Client, userdata: Any, mid: int, *_: Any) -> None:  # noqa: ARG002 - paho's
        message, began_s = self._publish_requests.pop(mid, (None, 0.0))
        if message is None:
            self._tell_unknown("publish", mid)
        else:
            self._tell("publish", message, began_s, message.payload_size)

    def _subscribed(self, client: mqtt.Client, userdata: Any, mid: int, codes: Any, *_: Any) -> None:  # noqa: ARG002 - paho's
        asked, began_s = self._subscribe_requests.pop(mid, (None, 0.0))
        granted_qos = [int(getattr(code, "value", code)) for code in codes]
        if asked is None:
            self._tell_unknown("subscribe", mid)
        elif any(code >= SUBACK_FAILURE for code in granted_qos):
            why = f"Broker returned an error response during subscription: {granted_qos}"
            self._tell("subscribe", asked, began_s, exception=AssertionError(why))
        else:
            self._tell("subscribe", asked, began_s)

    # ------------------------------------------------------------------ what is counted

    def _generate_event_name(self, event_type: str, qos: int, topic: str) -> str:
        """The sample's name; a class of the file's own may give another."""
        return f"{event_type}:{qos}:{topic}"

    def _tell(
        self,
        what: str,
        asked: PublishedMessageContext | _Subscription,
        began_s: float | None = None,
        length: int = 0,
        exception: Any = None,
    ) -> None:
        name = self._generate_event_name(what, asked.qos, asked.topic)
        taken_ms = 0.0 if began_s is None else (time.perf_counter() - began_s) * 1000
        self._fire(name, taken_ms, length, exception, asked._asdict())

    def _tell_unknown(self, what: str, mid: int) -> None:
        error = AssertionError(f"the broker answered to a {what} {mid!r} that was not sent")
        self._fire(what, exception=error, context={"mid": mid})

    def _fire(
        self,
        name: str,
        taken_ms: float = 0,
        length: int = 0,
        exception: Any = None,
        context: dict[str, Any] | None = None,
    ) -> None:
        self.environment.events.request.fire(
            request_type=REQUEST_TYPE,
            name=name,
            response_time=taken_ms,
            response_length=length,
            exception=exception,
            context={"client_id": self.client_id, **(context or {})},
        )

    # ------------------------------------------------------------------ the loop

    def _loop(self, timeout: float = 1.0) -> MQTTErrorCode:
        """One turn of the loop. paho's own waits by `select`, which ends at 340 clients a process."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        is_ahead = hasattr(self._sock, "pending") and self._sock.pending() > 0  # TLS has read more than it gave
        try:
            readable, writable = self._await_sockets(0.0 if is_ahead else timeout)
        except (TypeError, ValueError, KeyError, OSError):  # a socket was closed meanwhile
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        if self._sock in readable or is_ahead:
            code = self.loop_read()
        if self._sockpairR is not None and self._sockpairR in readable:
            with suppress(BlockingIOError):
                self._sockpairR.recv(10_000)  # a byte for each publish since the last turn
            writable.append(self._sock)
        if not code and self._sock is not None and self._sock in writable:
            code = self.loop_write()
        return code if code or self._sock is None else self.loop_misc()

    def _await_sockets(self, timeout_s: float) -> tuple[list[Any], list[Any]]:
        """Which sockets can be read and which written."""
        writes = selectors.EVENT_WRITE if self.want_write() else 0
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ | writes)  # type: ignore[arg-type] # None: TypeError
            if self._sockpairR is not None:
                selector.register(self._sockpairR, selectors.EVENT_READ)
            ready = selector.select(timeout_s)
        found = [
            [key.fileobj for key, mask in ready if mask & way] for way in (selectors.EVENT_READ, selectors.EVENT_WRITE)
        ]
        return found[0], found[1]

    # ------------------------------------------------------------------ the end

    def await_answers(self) -> None:
        """Give the broker a moment to answer what was sent."""
        end_s = time.monotonic() + ANSWERS_S
        while (self._publish_requests or self._subscribe_requests) and self.is_connected():
            if time.monotonic() >= end_s:
                return
            gevent.sleep(0.01)

    def let_go(self) -> None:
        """Leave the broker; nothing is counted any more."""
        self.on_connect = self.on_disconnect = self.on_publish = self.on_subscribe = self.on_message = None
        self.disconnect()
        self.loop_stop()


def _random_id() -> str:
    """As long as MQTT lets an id be at most, 23 letters; the beginning is what brokers' rules for Locust know."""
    return "locust-" + "".join(random.choices(string.ascii_letters + string.digits, k=16))


def _first_topic(topic: Any) -> str:
    while not isinstance(topic, str):
        topic = topic[0]  # (topic, qos), or a list of such
    return topic


class MqttUser(User):
    """A user with a client that connects by itself, and again when the connection is lost.

    Attributes:
        client_cls: the client's class; a class of your own may name samples otherwise.
        transport: "tcp", "websockets" (then `ws_path` is the path) or "unix".
        use_loop_selectors: see `MqttClient`.
    """

    abstract = True
    host = "localhost"
    port = 1883
    transport: Any = "tcp"
    ws_path = "/mqtt"
    tls_context: ssl.SSLContext | None = None
    client_cls: type[MqttClient] = MqttClient
    client_id: str | None = None
    username: str | None = None
    password: str | None = None
    protocol: MQTTProtocolVersion = mqtt.MQTTv311
    use_loop_selectors = False

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.client: MqttClient = self.client_cls(
            environment=self.environment,
            transport=self.transport,
            client_id=self.client_id,
            protocol=self.protocol,
            use_loop_selectors=self.use_loop_selectors,
        )
        self._set_up()
        self.client.connect_async(host=self.host, port=self.port)
        self.client.loop_start()

    def _set_up(self) -> None:
        if self.tls_context:
            self.client.tls_set_context(self.tls_context)
        if self.transport == "websockets" and self.ws_path:
            self.client.ws_set_options(path=self.ws_path)
        if self.username and self.password:
            self.client.username_pw_set(username=self.username, password=self.password)

    def run(self) -> None:
        """Live; at the end wait for answers, then leave the broker."""
        try:
            try:
                super().run()
            finally:
                self.client.await_answers()
        finally:
            gevent.spawn(self.client.let_go)
