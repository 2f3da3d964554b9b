"""Waiting, in one place: polling with a limit, and work in threads that never keep the process alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None], timeout: float, message: str | Callable[[], str], interval: float = 0.2
) -> T:
    """Return the first true value of `condition`, looked at every `interval` seconds and at least once.

    Raises TimeoutError after `timeout` seconds, with `message`: what did not happen, or a function that tells
    it at that moment.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            said = message() if callable(message) else message
            raise TimeoutError(f"{said} (waited {timeout:g} s)")
        time.sleep(min(interval, max(0.0, deadline - time.monotonic())))


def spawn(work: Callable[[], T]) -> Future[T]:
    """Run `work` in a daemon thread: a client stuck in a dead service must not keep the run from ending."""
    future: Future[T] = Future()

    def body() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (whatever it is, it belongs to the one who asks for the result)
            future.set_exception(error)

    threading.Thread(target=body, daemon=True).start()
    return future
