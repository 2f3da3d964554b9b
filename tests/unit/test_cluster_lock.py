"""The lock of a cluster: who gets it, who is told what, and what ends it; machines are directories here."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from smoke import lock
from smoke.cluster import load
from smoke.lock import HELD, Answer, Lock, judge
from smoke.machine import Machine
from smoke.wait import wait_until
from tests.unit.playbooks import CHECKOUT, finish, start
from tests.unit.smoke_lab import LAB, write

FILE = "millrace-lab.lock"
ANNA = {
    "user": "anna",
    "host": "control-2",
    "pid": 4711,
    "checkout": "/home/anna/kit",
    "since": "2026-11-29T10:00:00Z",
}
CHANGED = (
    "The cluster lab is being changed by anna on control-2 (process 4711, checkout /home/anna/kit) since "
    "2026-11-29T10:00:00Z. Wait for that run to end, or end it there: kill 4711. If control-2 is gone, its "
    "lock ends within 30 s"
)
MINE, THEIRS, DEAD = Answer(held=True), Answer(holder=json.dumps(ANNA)), Answer(why="No route to host")
LACKS = "The lock of the cluster lab needs {} of its {} machines and had {}. Not locked: {}. Start them, or"
# What ssh does: its options, a machine, and a command for that machine's shell.
SSH = """#!/bin/sh
while [ "$1" = -o ]; do shift 2; done
cd "{0}/$1" && echo $$ > pid || exit
[ ! -e dead ] || {{ echo "ssh: connect to host $1 port 22: No route to host" >&2; exit 255; }}
exec sh -c "exec $2"
"""


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([MINE], HELD),
        ([MINE, MINE, DEAD], HELD),
        ([MINE, MINE, None], HELD),
        ([MINE, None, None], None),
        ([MINE, None, DEAD], None),
        ([MINE, None, THEIRS], None),
        ([THEIRS, THEIRS, None], CHANGED),
        ([MINE, MINE, THEIRS, THEIRS], CHANGED),
        ([MINE, DEAD, THEIRS], CHANGED),
        ([THEIRS, Answer(holder="")], "The cluster lab is being changed by anna"),
        ([Answer(holder="")], "The cluster lab is being changed by somebody who left no name in"),
        (
            [Answer(holder='{"user": "x"}')],
            "The cluster lab is being changed by somebody who left no name in",
        ),
        ([MINE, DEAD, DEAD], LACKS.format(2, 3, 1, "b (No route to host), c (No route to host)")),
        ([MINE, DEAD], LACKS.format(2, 2, 1, "b (No route to host)")),
        ([MINE, MINE, DEAD, DEAD], LACKS.format(3, 4, 2, "c (No route to host), d (No route to host)")),
    ],
)
def test_a_majority_of_all_machines_is_the_lock(answers: list[Answer | None], says: str | None) -> None:
    said = judge("lab", dict(zip("abcd", answers, strict=False)))
    assert said == says or (said and says and says not in (HELD, CHANGED) and said.startswith(says)), said


@pytest.fixture
def run() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a run of Ansible."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is told at once."""
    monkeypatch.setattr(lock, "PATIENCE", 0.0)


def cluster(directory: Path, names: str = "abc", dead: str = "") -> Path:
    """The description of a cluster of machines, which are directories; what is dead does not answer."""
    (directory / "ssh").write_text(SSH.format(directory))
    (directory / "ssh").chmod(0o755)
    for name in names:
        (directory / name).mkdir()
        if name in dead:
            (directory / name / "dead").touch()
    machines = {name: {"ssh": [str(directory / "ssh"), name]} for name in names}
    head = {key: LAB[key] for key in ("name", "stack", "versions", "inventory")}
    return write(directory, head | {"machines": machines})


def words(path: Path, pid: int) -> list[str]:
    return ["--cluster", str(path), "--pid", str(pid), "--directory", "."]


def locked(directory: Path, name: str) -> bool:
    """Whether a machine's lock is held."""
    if not (directory / name / FILE).exists():
        return False
    with (directory / name / FILE).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def another(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a second operator is told, who would not hold the lock."""
    monkeypatch.setattr(Lock, "keep", lambda self: None)
    lock.main(words(path, os.getpid()))
    return capsys.readouterr().out.strip()


@pytest.fixture
def held(tmp_path: Path, run: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of three machines for the run."""
    argv = [sys.executable, "-m", "smoke.lock", *words(cluster(tmp_path), run.pid)]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_refused_and_told_who(
    tmp_path: Path,
    held: subprocess.Popen[str],
    run: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wait_until(lambda: all(locked(tmp_path, name) for name in "abc"), 10, "not all are locked")
    said = another(tmp_path / "cluster.json", monkeypatch, capsys)
    who = json.loads((tmp_path / "a" / FILE).read_text())
    assert who["checkout"] == str(CHECKOUT)
    assert who["pid"] == run.pid
    assert f"by {who['user']} on {who['host']} (process {run.pid}, checkout {CHECKOUT}) since 2" in said
    assert all(locked(tmp_path, name) for name in "abc")
    assert (tmp_path / "a" / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("ends", ["run", "holder"])
def test_it_ends_with_the_run_and_with_its_holder(
    tmp_path: Path,
    held: subprocess.Popen[str],
    run: subprocess.Popen[bytes],
    ends: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (run if ends == "run" else held).kill()
    wait_until(lambda: not any(locked(tmp_path, name) for name in "abc"), 5, "still locked", 0.01)
    wait_until(lambda: held.poll() is not None, 5, "its holder lives on")
    assert another(tmp_path / "cluster.json", monkeypatch, capsys) == HELD


@pytest.mark.parametrize(
    ("names", "dead", "had"), [("abc", "b", True), ("abc", "ab", False), ("a", "a", False)]
)
def test_dead_machines_do_not_block_a_majority(
    tmp_path: Path,
    names: str,
    dead: str,
    had: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = another(cluster(tmp_path, names, dead), monkeypatch, capsys)
    assert (said == HELD) == had
    for name in "" if had else dead:
        assert f"{name} (ssh: connect to host {name} port 22: No route to host)" in said
    assert not any(locked(tmp_path, name) for name in names)


def test_a_machine_that_says_nothing_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lock, "ANSWER", 0.2)
    path = cluster(tmp_path, "a")
    (tmp_path / "ssh").write_text("#!/bin/sh\nexec sleep 600\n")
    assert "Not locked: a (no answer within 0.2 s)" in another(path, monkeypatch, capsys)


def on_machine(directory: Path, silence: float = 30) -> subprocess.Popen[str]:
    """The machine's side alone, for anna."""
    argv = [
        "/usr/bin/python3",
        "-I",
        "-c",
        lock.PROGRAM,
        f"{directory}/{FILE}",
        str(silence),
        json.dumps(ANNA),
    ]
    return subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )


def test_two_who_have_half_of_the_machines_give_them_back_and_ask_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cluster(tmp_path, "abcd")
    with on_machine(tmp_path / "c") as one, on_machine(tmp_path / "d") as two:
        assert one.stdout
        assert two.stdout
        assert one.stdout.readline() == two.stdout.readline() == "held\n"
        assert another(path, monkeypatch, capsys) == CHANGED
        assert not locked(tmp_path, "a")
        monkeypatch.setattr(lock, "PATIENCE", 30.0)

        def pause(least: float, most: float) -> float:
            """The other finds out that it has no majority either."""
            one.communicate()
            two.communicate()
            return most

        monkeypatch.setattr("random.uniform", pause)
        assert another(path, monkeypatch, capsys) == HELD


def test_it_ends_after_a_silence(tmp_path: Path) -> None:
    with on_machine(tmp_path, silence=1) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        began = time.monotonic()
        while time.monotonic() < began + 1.5:
            process.stdin.write("\n")
            time.sleep(0.05)
        assert process.poll() is None
        assert locked(tmp_path.parent, tmp_path.name)
        wait_until(lambda: process.poll() is not None, 5, "it holds on")


def test_a_link_in_the_place_of_its_file_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cluster(tmp_path, "a")
    (tmp_path / "precious").write_text("text")
    (tmp_path / "a" / FILE).symlink_to(tmp_path / "precious")
    assert "Too many levels of symbolic links" in another(path, monkeypatch, capsys)
    assert (tmp_path / "precious").read_text() == "text"


def test_a_session_that_is_lost_is_opened_again(
    tmp_path: Path, run: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are left are no majority: what it is held for goes on."""
    monkeypatch.setattr(lock, "SILENCE", 1.2)
    machines = load(cluster(tmp_path, "abc", "c"))
    taken = Lock("lab", lock._commands(machines, ".", lock.holder(run.pid)), run.pid)
    assert taken.take() == HELD
    keeper = threading.Thread(target=taken.keep)
    keeper.start()
    before = (tmp_path / "a/pid").read_text()
    os.kill(int(before), signal.SIGKILL)
    (tmp_path / "c/dead").unlink()
    wait_until(lambda: (tmp_path / "a/pid").read_text() != before, 20, "it is not opened again")
    wait_until(lambda: all(locked(tmp_path, name) for name in "abc"), 5, "not all are locked")
    # Longer than it may be silent.
    time.sleep(1.5)
    assert all(locked(tmp_path, name) for name in "abc")
    run.kill()
    keeper.join(5)
    assert not keeper.is_alive()
    taken.close()
    assert not any(locked(tmp_path, name) for name in "abc")


def test_the_session_is_its_own_and_the_lock_is_roots() -> None:
    machine = Machine(("ssh", "-F", "config", "one"), name="one", become=("sudo", "-n"))
    *ssh, script = lock.command(machine, "/run/x.lock", "anna's")
    assert ssh[:3] == ["ssh", "-o", "ControlPath=none"]
    assert ssh[-3:] == ["-F", "config", "one"]
    assert shlex.split(script)[:4] == ["sudo", "-n", "sh", "-c"]
    assert shlex.split(shlex.split(script)[4])[-3:] == ["/run/x.lock", "30", "anna's"]


def test_a_description_of_another_cluster_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cluster(tmp_path)
    assert lock.main([*words(path, os.getpid()), "--name", "other"]) == 1
    assert "but the cluster other" in capsys.readouterr().out
    assert not any((tmp_path / name / FILE).exists() for name in "abc")


def play(directory: Path, *tasks: dict[str, object]) -> list[str]:
    """Write a play of three machines, all of them this one; the words that run it."""
    (directory / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}])
    )
    return ["--inventory", "a,b,c,", "--connection", "local", str(directory / "play.yml")]


def task(*argv: str) -> dict[str, object]:
    return {"cluster_lock": {"argv": list(argv)}, "run_once": True}


def output_until(process: subprocess.Popen[str], word: str) -> str:
    """What a run says until it says a word."""
    assert process.stdout
    output = ""
    while word not in output:
        line = process.stdout.readline()
        assert line, output
        output += line
    return output


def test_a_run_that_is_killed_frees_the_cluster(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "smoke.lock", *words(cluster(tmp_path), 0)[:2], "--directory", "."]
    waits: dict[str, object] = {"ansible.builtin.wait_for": {"path": f"{tmp_path}/never"}, "run_once": True}
    # The second has it already, and starts nothing.
    process = start(tmp_path, *play(tmp_path, task(*argv), task("false"), waits))
    output = output_until(process, "wait_for")
    assert "changed:" not in output
    wait_until(lambda: all(locked(tmp_path, name) for name in "abc"), 5, "not locked")
    assert json.loads((tmp_path / "a" / FILE).read_text())["pid"] == process.pid
    holder = int(Path(f"/proc/{(tmp_path / 'a/pid').read_text().strip()}/stat").read_text().split()[3])
    assert os.getsid(holder) == holder
    process.kill()
    wait_until(lambda: not any(locked(tmp_path, name) for name in "abc"), 5, "still locked", 0.01)
    assert process.stdout
    process.stdout.close()
    process.wait()


def test_another_run_describes_nothing_otherwise_while_one_goes_on(tmp_path: Path) -> None:
    """Its gates read the description anew each time. The run itself may describe more."""
    argv = [sys.executable, "-m", "smoke.lock", *words(cluster(tmp_path), 0)[:2], "--directory", "."]

    def describe(text: str) -> dict[str, object]:
        files = [{"path": f"{tmp_path}/described", "content": text}]
        return {"controller_files": {"files": files, "lock": f"{tmp_path}/lock"}, "run_once": True}

    def other() -> tuple[int, str]:
        (tmp_path / "other").mkdir(exist_ok=True)
        process = start(tmp_path, *play(tmp_path / "other", describe("theirs")))
        finish(process)
        return process.returncode, (tmp_path / "described").read_text()

    waits: dict[str, object] = {"ansible.builtin.wait_for": {"path": f"{tmp_path}/never"}, "run_once": True}
    process = start(tmp_path, *play(tmp_path, describe("before"), task(*argv), describe("mine"), waits))
    output_until(process, "wait_for")
    assert other() == (2, "mine")
    process.kill()
    assert process.stdout
    process.stdout.close()
    process.wait()
    assert other() == (0, "theirs")


@pytest.mark.parametrize(
    ("argv", "options", "says"),
    [
        (("sh", "-c", f"echo '{CHANGED}'"), (), CHANGED),
        (("sh", "-c", "echo Traceback >&2; exit 1"), (), "The cluster cannot be locked: Traceback"),
        ((), (), "cluster_lock needs argv: a list with the program and its arguments"),
        (("false",), ("--check",), ""),
    ],
)
def test_what_the_action_says(
    tmp_path: Path, argv: tuple[str, ...], options: tuple[str, ...], says: str
) -> None:
    process = start(tmp_path, *options, *play(tmp_path, task(*argv)))
    output = re.sub(r"\s+", " ", finish(process))
    assert says in output
    assert process.returncode == (2 if says else 0), output
