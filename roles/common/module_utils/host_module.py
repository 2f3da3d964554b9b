"""What the modules of the kit share: no word in the machine's log, and one of them at a time."""

from __future__ import annotations

import fcntl
import os
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

#: Root's alone, so that nobody else holds a lock there.
LOCKS = "/run/millrace"
#: Seconds for which a module of another run is awaited: it may wait itself, for a quorum.
PATIENCE = 300


class QuietModule(AnsibleModule):  # type: ignore[misc]
    """Logs nothing on the machine, whatever the configuration says; its results are shown as ever.

    AnsibleModule(no_log=True) would not do: the controller always sends _ansible_no_log (the task's no_log,
    or no_target_syslog), and what it sends replaces that argument.
    """

    def log(self, msg: Any, log_args: dict[str, Any] | None = None) -> None:
        """Stand for the function by which everything is logged, "Invoked with" too."""


def alone(module: AnsibleModule, *, locks: str = LOCKS, patience: float = PATIENCE) -> None:
    """Be the only module that changes this machine, from here to the end of the process.

    A module outlives the controller that was killed. The next run must not work beside it, on what it has
    half done. A command that outlives it, too, takes the same lock by flock (common_alone).
    locks: directory of the lock; patience: seconds for which another module is awaited. In check mode
    nothing is changed, and nobody is awaited. Fails the module when the other does not end.
    """
    if module.check_mode:
        return
    os.makedirs(locks, mode=0o700, exist_ok=True)
    # Closed by the end of the process, and with it the lock is given back.
    lock = os.open(os.path.join(locks, "module.lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + patience
    while not _taken(lock):
        if time.monotonic() > deadline:
            other = _holder(lock)
            module.fail_json(
                msg=f"another run has been changing this machine for {patience:g} s (process {other}): wait "
                "for its end, or end it, and run again"
            )
        time.sleep(0.2)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: int) -> str:
    """The process that has it, as the kernel knows it."""
    inode = os.fstat(lock).st_ino
    with open("/proc/locks", encoding="ascii") as table:
        taken = [line.split() for line in table]
    return next(
        (each[4] for each in taken if each[1] == "FLOCK" and each[5].endswith(f":{inode}")), "unknown"
    )
