"""Locust's `locust.util`: small helpers that files and plugins import."""
