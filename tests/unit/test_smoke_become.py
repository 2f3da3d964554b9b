"""A machine that is reached as a user who is not root: all runs there by sudo, and ends as without."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from smoke.cluster import Spark, load
from smoke.machine import Machine
from smoke.services.spark import Job
from smoke.services.streaming import Program, Stream
from smoke.wait import wait_until
from tests.unit.smoke_lab import LAB, write

SPARK = Spark("one", "/opt/spark", "spark", "/user/spark")
COMMANDS = {
    "sudo": 'test "$1" = -n || exit 1\nshift\nROOT=yes exec "$@"',
    "install": 'test "$ROOT" || exit 1\nfor last; do :; done\nexec mkdir -p "$last"',
    "runuser": 'test "$ROOT" || exit 1\nwhile [ "$1" != -c ]; do shift; done\nexec sh -c "$2"',
    "javac": "true",
    "jar": "true",
}


def machine(directory: Path, **commands: str) -> Machine:
    """This machine, where root's are the commands that sudo ran."""
    bin_ = directory / "bin"
    bin_.mkdir()
    for name, text in (COMMANDS | commands).items():
        tool = bin_ / name.replace("_", "-")
        tool.write_text(f"#!/bin/sh\n{text}\n")
        tool.chmod(0o755)
    # What an ssh client does: the words after the host, joined by blanks, for a shell of the other side.
    reached = ("sh", "-c", f'PATH={bin_}:$PATH; eval "$*"', "ssh")
    return Machine(reached, name="one", become=("sudo", "-n"))


def test_the_description_says_it(tmp_path: Path) -> None:
    machines = {name: LAB["machines"][name] | {"become": ["sudo", "-n"]} for name in LAB["machines"]}
    found = load(write(tmp_path, LAB | {"machines": machines})).machines["millrace-1"]
    assert found.become == ("sudo", "-n")
    assert found.command("id; w") == [*found.ssh, "sudo -n sh -c 'id; w'"]
    assert load(write(tmp_path, LAB)).machines["millrace-1"].become == ()


def test_the_whole_script_is_roots(tmp_path: Path) -> None:
    script = """printf '%s|' "$ROOT" "a  b" "it's"; true; printf "$ROOT" """
    assert machine(tmp_path).run(script) == "yes|a  b|it's|yes"


def test_a_user_who_may_not_is_told(tmp_path: Path) -> None:
    refusing = machine(tmp_path, sudo="echo 'sudo: a password is required' >&2; exit 1")
    with pytest.raises(OSError, match=r"^one: sudo: a password is required$"):
        refusing.run("true")
    assert refusing.journal(["zookeeper"])[0].endswith("no journal: one: sudo: a password is required")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job that says what it is ordered, and lasts as long as its orders do."""
    submit = (
        "while [ $# -gt 2 ]; do shift; done\n"
        'while read -r order; do echo "smoke: {\\"result\\": $order}"; done < "$2"; echo no more orders'
    )
    made = Job(machine(tmp_path, spark_submit=submit), SPARK, "id", lambda _: None)
    monkeypatch.setattr(made, "_directory", str(tmp_path / "job"))
    return made


def test_a_job_hears_its_orders_and_their_end(job: Job, tmp_path: Path) -> None:
    job.start()
    job.order(topic="t")
    assert job.result(10) == {"topic": "t"}
    assert job._process
    assert job._process.stdin
    job._process.stdin.close()
    job.stop()
    assert "no more orders" in job.evidence()
    assert not (tmp_path / "job").exists()


def test_a_job_ends_with_its_connection(job: Job, tmp_path: Path) -> None:
    job.start()
    assert job._process
    assert job._process.stdin
    wait_until((tmp_path / "job/orders").exists, 10, "it does not begin")
    time.sleep(0.2)
    job._process.kill()
    job._process.stdin.close()
    wait_until(lambda: not (tmp_path / "job").exists(), 10, "its directory stays")


def test_a_stream_runs_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = "echo 'Time: 1 ms'; echo '(mill,2)'; exec sleep 60"
    stream = Stream(
        machine(tmp_path, spark_submit=submit), SPARK, "id", lambda _: None, Program("a.B", b"class B {}\n")
    )
    monkeypatch.setattr(stream, "_directory", str(tmp_path / "job"))
    stream.start("one:2181", "g", "t")
    wait_until(lambda: stream.counts.words, 10, "no counts")
    stream.stop()
    assert stream.counts.words == {"mill": 2}
    assert not (tmp_path / "job").exists()
