import os
import time

from locust import constant, task
from locust.contrib.mqtt import MqttClient, MqttUser


class Named(MqttClient):
    """Names samples by the first part of the topic."""

    def _generate_event_name(self, event_type, qos, topic):
        return super()._generate_event_name(event_type, qos, topic.partition("/")[0])


class Guest(MqttUser):
    abstract = True
    wait_time = constant(1000)
    host, port = "127.0.0.1", int(os.environ["COMPAT_MQTT"])

    def on_start(self):
        self.heard = []
        self.client.on_message = lambda client, userdata, message: self.heard.append(message.payload)
        self.until(self.client.is_connected)

    @staticmethod
    def until(condition):
        end_s = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < end_s
            time.sleep(0.01)


class Speaker(Guest):
    """Says something to itself, each in a room of its own."""

    client_cls = Named

    @task
    def work(self):
        room = f"room/{self.client.client_id}"
        self.client.subscribe(room, qos=1)
        self.until(lambda: not self.client._subscribe_requests)
        self.client.subscribe([("room/a", 0), ("room/b", 0)])
        for qos in (0, 1, 2):
            self.client.publish(room, "hello", qos=qos)
        self.client.publish(room, None, qos=1)
        self.until(lambda: sorted(self.heard) == [b"", b"hello", b"hello", b"hello"])


class Modern(Guest):
    """MQTT 5, where a broker may refuse a subscription and say goodbye with a reason."""

    from paho.mqtt.client import MQTTv5 as protocol  # noqa: N813 - the attribute's name

    use_loop_selectors = True

    @task
    def work(self):
        self.client.subscribe("secret/1")
        self.until(lambda: not self.client._subscribe_requests)
        self.client.publish("room/x", b"\0" * 1000, qos=1)
        self.until(lambda: not self.client._publish_requests)


class Lost(MqttUser):
    """Speaks where nobody listens."""

    wait_time = constant(1000)
    host, port = "127.0.0.1", 1

    @task
    def work(self):
        self.client.publish("room/lost", "hello")
        self.client.subscribe("room/lost")
