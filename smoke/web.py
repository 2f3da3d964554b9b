"""One HTTP question, one JSON answer. Redirects are answers, not ways: a standby points at the active."""

from __future__ import annotations

import http.client
import json
from typing import Any


class WebError(OSError):
    """No answer, or not the one asked for; the message is short enough for a heartbeat."""


def get_json(host: str, port: int, path: str, timeout: float = 3.0) -> Any:
    """GET http://host:port/path as JSON. Raises WebError, also for any status but 200."""
    try:
        return json.loads(get_text(host, port, path, timeout))
    except ValueError:
        raise WebError(f"{host}:{port} answers no JSON") from None


def get_text(host: str, port: int, path: str, timeout: float = 3.0) -> str:
    """GET http://host:port/path as text. Raises WebError, also for any status but 200."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise WebError(f"{host}:{port} {_reason(error)}") from None
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise WebError(f"{host}:{port} answers {answer.status} {answer.reason}")
    return body.decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "is silent"
    if isinstance(error, ConnectionRefusedError):
        return "refuses"
    return f"fails: {getattr(error, 'strerror', None) or error or type(error).__name__}"
