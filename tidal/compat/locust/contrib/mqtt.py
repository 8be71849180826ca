"""Locust's `locust.contrib.mqtt`."""

from tidal.contrib.mqtt import REQUEST_TYPE, SUBACK_FAILURE, MqttClient, MqttUser, PublishedMessageContext
from tidal.generator.environment import Environment
from tidal.users import User

__all__ = [
    "REQUEST_TYPE",
    "SUBACK_FAILURE",
    "Environment",
    "MqttClient",
    "MqttUser",
    "PublishedMessageContext",
    "User",
]
