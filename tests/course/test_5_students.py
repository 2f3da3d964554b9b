"""Clusters for two students beside the one that is there: the same names, and neither reaches the other."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from course.labs import Lab, existing
from tests.live import CHECKOUT


def course(*words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command of the course."""
    command = [sys.executable, "-m", "course", *words]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=timeout, check=False)


@dataclass(frozen=True)
class Student:
    """One of them, by number."""

    number: int

    def here(self, *words: str) -> str:
        """What a command says on this host, where the names are this student's."""
        done = course("in", str(self.number), "--", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def master(self, script: str) -> str:
        """What a script says in the student's own shell."""
        return self.here("ssh", "-F", f"out/{Lab(self.number).name}/ssh_config", "hadoop-master", script)

    @property
    def address(self) -> str:
        """Of their master."""
        return self.here("getent", "hosts", "hadoop-master").split()[0]


FIRST, SECOND = Student(1), Student(2)


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    """Two clusters, and the page that tells who has what; removed, whatever happens."""
    try:
        done = course("up", "--students", "2", timeout=600)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr
        yield (CHECKOUT / "out/course/students.md").read_text()
    finally:
        for student in (FIRST, SECOND):
            course("down", "--student", str(student.number), timeout=120)


def test_the_page_lists_who_has_what(page: str) -> None:
    for word in ("student1-hadoop-master", "student2-hadoop-slave2", "127.0.0.1:20192", "127.0.0.1:20292"):
        assert word in page


@pytest.mark.parametrize("student", [FIRST, SECOND])
def test_published_ports_answer_on_the_loopback_only(page: str, student: Student) -> None:
    port = 20022 + 100 * student.number
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        assert connection.recv(4) == b"SSH-"
    listening = subprocess.check_output(["ss", "-Hltn"], text=True).split()
    assert f"127.0.0.1:{port}" in listening
    assert f"0.0.0.0:{port}" not in listening


def test_the_same_name_is_another_machine_for_each(page: str) -> None:
    alone = socket.gethostbyname("hadoop-master")
    assert len({FIRST.address, SECOND.address, alone}) == 3


def test_what_one_makes_the_other_does_not_see(page: str) -> None:
    topic = "kafka-topics.sh --zookeeper localhost:2181"
    FIRST.master(f"bash -lc '{topic} --create --topic mine --partitions 1 --replication-factor 1'")
    assert "mine" in FIRST.master(f"bash -lc '{topic} --list'")
    assert "mine" not in SECOND.master(f"bash -lc '{topic} --list'")


def test_the_receipt_says_how_to_prove_ones_own(page: str) -> None:
    receipt = json.loads((CHECKOUT / f"out/{Lab(2).name}/receipt.json").read_text())
    prove, shell = (command["words"] for command in receipt["next"] if command["on"] == "here")
    done = subprocess.run(prove, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    again = json.loads((CHECKOUT / f"out/{Lab(2).name}/smoke.json").read_text())
    assert again["run"] != receipt["smoke"]["run"]
    assert shell == ["make", "course-shell", "STUDENT=2"]


def test_neither_reaches_the_other(page: str) -> None:
    for student, other in ((FIRST, SECOND), (SECOND, FIRST)):
        probe = "timeout 3 bash -c 'exec 3<>/dev/tcp/{}/9000' && echo open || echo closed"
        assert student.master(probe.format("hadoop-master")).strip() == "open"
        assert student.master(probe.format(other.address)).strip() == "closed"


def test_a_cluster_that_goes_takes_nothing_of_the_other(page: str) -> None:
    done = course("down", "--student", "1", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    left = existing()
    assert set(left) == {Lab(), Lab(2)}
    assert all(machine.running for machines in left.values() for machine in machines)
    assert "127.0.0.1:20192" not in (CHECKOUT / "out/course/students.md").read_text()
    assert "brokers" in SECOND.master("echo 'ls /' | bash -lc 'zkCli.sh -server localhost:2181' 2>&1")
