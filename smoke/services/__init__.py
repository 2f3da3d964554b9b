"""The services of a cluster: for each the facts a gate asks for, how they are judged, a client's verbs.

A gate is a fetcher and a judge. The fetcher turns every trouble of one server into text, so that the judge, a
pure function state -> (right, sentence), sees the whole and can say what is awaited.
"""

from __future__ import annotations

import socket

Verdict = tuple[bool, str]
ASKED_AT_ONCE = 16
"""Daemons of one service; a host that is silent keeps one for some seconds."""


def plural(count: int, noun: str) -> str:
    """The count and its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def format_error(error: BaseException) -> str:
    """The error's name and text; some texts begin with the name."""
    name, text = type(error).__name__, str(error)
    return text if text.startswith(name) else f"{name}: {text}".rstrip(": ")


def connect_error(host: str, port: int, timeout: float = 3.0) -> str:
    """Why the port takes no connection; empty when it does."""
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return ""
