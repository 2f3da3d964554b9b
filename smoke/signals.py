"""Signals of a run: the first ends its checks, and nothing cuts off what removes its traces."""

from __future__ import annotations

import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signalled(BaseException):
    """A signal asked the run to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.status = 128 + number
        """As a shell has it."""


def install_handlers() -> None:
    """Have the first signal raise Signalled. What was ignored from the start stays so: nohup."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def ignore() -> None:
    """Hear none any more."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, _: object) -> None:
    ignore()
    raise Signalled(number)
