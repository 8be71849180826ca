from locust import User  # noqa: F401
