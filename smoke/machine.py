"""A machine of the cluster, reached by the ssh command that its description gives."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """Its ssh command, which alone is a shell there, and the units that run on it."""

    ssh: tuple[str, ...]
    units: tuple[str, ...] = ()
    name: str = ""
    become: tuple[str, ...] = ()
    """What stands before a command to make it root's (sudo -n), where ssh's user is another."""

    def command(self, script: str) -> list[str]:
        """The local command that runs `script` by the machine's sh, as root."""
        return [*self.ssh, shlex.join([*self.become, "sh", "-c", script])]

    def run(self, script: str, timeout: float = 30) -> str:
        """Standard output of `script`. Raises OSError with what it said when it failed or took too long."""
        try:
            done = subprocess.run(
                self.command(script),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise OSError(f"{self.name}: no answer within {timeout:g} s") from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip() or f"exit status {done.returncode}"
            raise OSError(f"{self.name}: {said}")
        return done.stdout

    def journal(self, units: list[str], lines: int = 40) -> list[str]:
        """The last `lines` of each unit's journal under a heading; evidence, so it never raises."""
        script = "".join(
            f"echo '== {self.name}' {name} \"($(systemctl is-active {name}))\"; "
            f"journalctl -u {name} -n {lines} --no-pager -o short-iso; "
            for name in map(shlex.quote, units)
        )
        try:
            return self.run(script).splitlines()
        except OSError as error:
            return [f"== {self.name} {' '.join(units)}: no journal: {error}"]
