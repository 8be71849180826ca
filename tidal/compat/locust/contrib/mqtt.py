"""Locust's `locust.contrib.mqtt`."""

from tidal.contrib.mqtt import REQUEST_TYPE, SUBACK_FAILURE, MqttClient, MqttUser, PublishedMessageContext

__all__ = ["REQUEST_TYPE", "SUBACK_FAILURE", "MqttClient", "MqttUser", "PublishedMessageContext"]
