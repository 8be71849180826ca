"""What several of Locust's modules say of URLs."""

from __future__ import annotations

import re

absolute_http_url_regexp = re.compile(r"^https?://", re.IGNORECASE)
