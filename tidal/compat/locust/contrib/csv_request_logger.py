"""Locust's `locust.contrib.csv_request_logger`."""

from tidal.contrib.csv_request_logger import CSV_COLUMNS, CsvRequestLogger

__all__ = ["CSV_COLUMNS", "CsvRequestLogger"]
