"""Logging: every line carries the id of the request, or of the judging run, that it belongs to."""

import json
import logging
from contextvars import ContextVar

# Set by the request middleware, and by a slice to its judging run's id.
current_id: ContextVar[str] = ContextVar("releval_log_id", default="-")


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        # Django logs a refused request after the middleware has reset the id: the request itself still has it.
        record.request_id = getattr(getattr(record, "request", None), "log_id", current_id.get())
        return True


class JsonFormatter(logging.Formatter):
    """Write one JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
