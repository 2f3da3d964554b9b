"""Smoke's one way of waiting, its console, and the ssh command of a machine."""

from __future__ import annotations

import io
import time

import pytest

from smoke.console import Console
from smoke.machine import Machine
from smoke.wait import spawn, wait_until


def test_wait_until_returns_the_first_true_value() -> None:
    values = iter([None, 0, "there", "not asked for"])
    assert wait_until(lambda: next(values), 5, "nothing", interval=0.001) == "there"


def test_wait_until_looks_once_even_without_time() -> None:
    assert wait_until(lambda: "there", 0, "nothing") == "there"


def test_wait_until_looks_again_at_the_end() -> None:
    looked: list[float] = []
    with pytest.raises(TimeoutError):
        wait_until(lambda: looked.append(time.monotonic()), 0.1, "nothing", interval=60)
    assert len(looked) == 2


def test_wait_until_says_what_did_not_happen() -> None:
    with pytest.raises(TimeoutError, match=r"^topic t is still there \(waited 0.01 s\)$"):
        wait_until(lambda: False, 0.01, "topic t is still there", interval=0.001)
    with pytest.raises(TimeoutError, match=r"^last seen: x \(waited 0 s\)$"):
        wait_until(lambda: None, 0, lambda: "last seen: x")


def test_wait_until_lets_an_error_of_the_condition_through() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 / 0, 5, "nothing")


def test_spawned_work_returns_or_raises_to_the_one_who_asks() -> None:
    assert spawn(lambda: 6 * 7).result(5) == 42
    with pytest.raises(ZeroDivisionError):
        spawn(lambda: 1 / 0).result(5)


def test_heartbeat_names_what_is_awaited_after_a_silence_only() -> None:
    stream = io.StringIO()
    console = Console(stream, silence=0)
    console.heartbeat()
    assert stream.getvalue() == ""
    console.awaiting("kafka", "brokers [1], expected [1, 2]")
    console.awaiting("hdfs", "nn1: safeMode")
    console.done("hdfs", "hdfs right")
    console.heartbeat()
    assert stream.getvalue() == "hdfs right\n... 0 s, awaiting kafka: brokers [1], expected [1, 2]\n"
    stream = io.StringIO()
    busy = Console(stream, silence=60)
    busy.awaiting("kafka", "starting")
    busy.heartbeat()
    assert stream.getvalue() == ""


# What an ssh client does: the words after the host, joined by blanks, for a shell of the other side.
LOCAL = Machine(("sh", "-c", 'eval "$*"', "ssh"), name="millrace-1")


def test_a_script_reaches_the_machine_as_it_was_written() -> None:
    assert LOCAL.run("""printf '%s|' "a  b" '$HOME' "it's"; true""") == "a  b|$HOME|it's|"


def test_a_failed_script_is_told_with_what_it_said() -> None:
    with pytest.raises(OSError, match=r"^millrace-1: no such thing$"):
        LOCAL.run("echo no such thing >&2; exit 3")
    with pytest.raises(OSError, match=r"^millrace-1: exit status 3$"):
        LOCAL.run("exit 3")
    with pytest.raises(OSError, match=r"^millrace-1: no answer within 0.1 s$"):
        LOCAL.run("exec sleep 5", timeout=0.1)  # ends by itself, should it outlive its shell


def test_a_journal_that_cannot_be_had_is_told() -> None:
    unreachable = Machine(("false",), name="millrace-2")
    assert unreachable.journal(["kafka@2"]) == [
        "== millrace-2 kafka@2: no journal: millrace-2: exit status 1"
    ]


def test_a_journal_has_a_heading_for_each_unit(tmp_path_factory: pytest.TempPathFactory) -> None:
    bin_ = tmp_path_factory.mktemp("bin")
    (bin_ / "journalctl").write_text('#!/bin/sh\necho "journal $*"\n')
    (bin_ / "systemctl").write_text("#!/bin/sh\necho failed; exit 3\n")
    for tool in bin_.iterdir():
        tool.chmod(0o755)
    machine = Machine(("sh", "-c", f'PATH={bin_}:$PATH; eval "$*"', "ssh"), name="millrace-1")
    assert machine.journal(["kafka@1", "zookeeper"], lines=7) == [
        "== millrace-1 kafka@1 (failed)",
        "journal -u kafka@1 -n 7 --no-pager -o short-iso",
        "== millrace-1 zookeeper (failed)",
        "journal -u zookeeper -n 7 --no-pager -o short-iso",
    ]
