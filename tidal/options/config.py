"""Config files as Locust reads them: `key = value` lines (.conf), or `[tool.locust]` of a TOML file.

A key is a long flag without its dashes. What a file says counts less than the environment, and that less than the
command line. Of several files --config counts most, then ./pyproject.toml, ./locust.conf and ~/.locust.conf.
"""

from __future__ import annotations

from io import StringIO
from typing import IO, Any

from configargparse import ConfigFileParser, ConfigFileParserException, DefaultConfigFileParser

SECTION = ("tool", "locust")


class ConfigReader(ConfigFileParser):  # type: ignore[misc]  # the package has no types
    """Reads either kind, by the file's name."""

    def parse(self, stream: IO[str]) -> dict[str, Any]:
        """Keys and values: text, or a list of it."""
        try:
            text = stream.read()
        except UnicodeDecodeError:
            raise ConfigFileParserException(f"{stream.name} is no text file") from None
        if not str(stream.name).endswith(".toml"):
            lines = StringIO(text)
            lines.name = stream.name  # what is wrong is told with it
            found: dict[str, Any] = DefaultConfigFileParser().parse(lines)
            return found
        import tomllib  # noqa: PLC0415 - of such a file alone

        try:
            table: Any = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigFileParserException(f"Couldn't parse TOML file {stream.name}: {error}") from None
        for name in SECTION:
            table = table.get(name, {}) if isinstance(table, dict) else {}
        return {str(key): _plain(value) for key, value in table.items()} if isinstance(table, dict) else {}


def _plain(value: Any) -> Any:
    return [str(item) for item in value] if isinstance(value, list) else str(value)
