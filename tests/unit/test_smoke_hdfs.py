"""The check of HDFS while NameNodes fail over or DataNodes are slow: what was interrupted is done again."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hdfs_native import WriteOptions

from smoke.checks import Run
from smoke.checks import hdfs as check
from smoke.cluster import load
from smoke.console import Console
from smoke.services import hdfs
from tests.unit.smoke_lab import LAB, write

LOST = OSError("RPC listener disconnected")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run("r1", load(write(tmp_path, LAB)), Console(io.StringIO()), records=1, timeout=5)


def failing(*errors: Exception | None) -> Callable[[], str]:
    """What raises these one after the other, and is done where there is None."""
    left = iter(errors)

    def action() -> str:
        if error := next(left):
            raise error
        return "done"

    return action


def through(
    run: Run, monkeypatch: pytest.MonkeyPatch, active: list[str], action: Any
) -> tuple[str, list[str]]:
    """Its result and the sentences about failovers, where these NameNodes are active at each question."""
    answers: Iterator[str] = iter(active)
    monkeypatch.setattr(hdfs, "active", lambda _: next(answers))
    failovers: list[str] = []
    assert run.cluster.hdfs
    return check._through_failover(run, run.cluster.hdfs, action, "writing /x", failovers), failovers


def test_nothing_is_said_where_nothing_happens(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert through(run, monkeypatch, ["nn1"], failing(None)) == ("done", [])


def test_a_failover_is_waited_for_and_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    result = through(run, monkeypatch, ["nn1", "", "nn2"], failing(LOST, None))
    assert result == ("done", ["again after a failover from nn1 to nn2"])


def test_what_hdfs_refuses_in_a_failover_is_done_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    result = through(run, monkeypatch, ["nn1", "nn2"], failing(RuntimeError("RPCError"), None))
    assert result == ("done", ["again after a failover from nn1 to nn2"])


def test_an_error_that_no_failover_explains_is_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="RPC listener"):
        through(run, monkeypatch, ["nn1", "nn1"], failing(LOST, None))


def test_it_ends_when_they_do_not_stop(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="RPC listener"):
        through(run, monkeypatch, ["nn1", "nn2", "nn1", "nn2"], failing(LOST, LOST, LOST))


def test_no_namenode_becomes_active(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TimeoutError, match="no NameNode is active"):
        through(run, monkeypatch, ["nn1", *[""] * 100], failing(LOST))


LATE = RuntimeError(f'OperationFailed("{hdfs.UNREPORTED}")')
REFUSED = RuntimeError('RPCError("java.io.IOException", "could only be written to 0 nodes")')


class Files:
    """Stands for a client whose files close with these, one after the other; None where one is closed."""

    def __init__(self, *ends: Exception | None) -> None:
        self.ends = list(ends)
        self.done: list[str] = []

    @contextmanager
    def create(self, path: str, options: WriteOptions) -> Iterator[io.BytesIO]:
        self.done.append(f"create {path}, {options.replication} replicas")
        writer = io.BytesIO()
        yield writer
        self.done.append(f"wrote {writer.getvalue().decode()}")
        if error := self.ends.pop(0):
            raise error

    def delete(self, path: str) -> None:
        self.done.append(f"delete {path}")


def written(files: Files) -> None:
    hdfs.write(cast("Any", files), "/x", [b"one ", b"two"], WriteOptions(replication=2))


WRITE = ["create /x, 2 replicas", "wrote one two"]


def test_a_file_is_written_once() -> None:
    files = Files(None)
    written(files)
    assert files.done == WRITE


def test_it_is_written_again_while_its_last_block_is_not_reported() -> None:
    files = Files(LATE, LATE, None)
    written(files)
    assert files.done == [*WRITE, "delete /x", *WRITE, "delete /x", *WRITE]


@pytest.mark.parametrize("error", [REFUSED, LOST])
def test_what_hdfs_refuses_is_not_written_again(error: Exception) -> None:
    files = Files(error)
    with pytest.raises(type(error)):
        written(files)
    assert files.done == WRITE


def test_a_block_that_is_never_reported_is_an_error() -> None:
    files = Files(*[LATE] * hdfs.WRITES)
    with pytest.raises(RuntimeError, match=hdfs.UNREPORTED):
        written(files)
    assert not files.ends
