"""What ends a NodeManager's containers: the script itself, with systemd and the control group replaced."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.playbooks import CHECKOUT

UNIT = "yarn-nodemanager.service"
JOBS = "17 yarn-nodemanager.service {} running\n"


@pytest.fixture
def container() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a container."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def end(directory: Path, container: subprocess.Popen[bytes], result: str, jobs: str) -> int | None:
    """Run the script after a NodeManager has ended so; how the container ended, None while it runs."""
    (directory / "bin").mkdir()
    systemctl = directory / "bin" / "systemctl"
    systemctl.write_text(f"#!/bin/sh\n[ $1 = list-jobs ] && printf '{jobs}'\n")
    systemctl.chmod(0o755)
    # In the place of /proc, where the script itself is one of the unit, and must not end itself.
    proc = directory / "proc"
    for pid, unit in ((container.pid, UNIT), (os.getpid(), "other.service")):
        (proc / str(pid)).mkdir(parents=True)
        (proc / str(pid) / "cgroup").write_text(f"9:name=systemd:/a/system.slice/{unit}\n0::/a/{unit}\n")
    own = f"mkdir {proc}/$$; cp {proc}/{container.pid}/cgroup {proc}/$$/\n"
    text = (CHECKOUT / "roles/yarn/templates/end-containers.j2").read_text()
    script = directory / "end-containers"
    script.write_text(own + text.replace("/proc/", f"{proc}/"))
    # As systemd reaps who has ended.
    threading.Thread(target=container.wait, daemon=True).start()
    done = subprocess.run(
        ["sh", str(script), UNIT],
        env=os.environ | {"PATH": f"{systemctl.parent}:{os.environ['PATH']}", "SERVICE_RESULT": result},
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    return container.poll()


@pytest.mark.parametrize(
    ("result", "jobs", "ended"),
    [
        ("success", JOBS.format("stop"), -15),
        ("success", "", -15),
        ("success", JOBS.format("restart"), None),
        ("exit-code", "", None),
        ("signal", JOBS.format("stop"), None),
    ],
)
def test_containers_end_when_it_is_stopped_for_good(
    tmp_path: Path, container: subprocess.Popen[bytes], result: str, jobs: str, ended: int | None
) -> None:
    assert end(tmp_path, container, result, jobs) == ended


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout
        deaf.stdout.readline()
        end(tmp_path, deaf, "success", "")
        assert deaf.wait(timeout=5) == -9
