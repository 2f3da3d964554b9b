"""The command `smoke run` as a whole: exit status, reports, what a signal and a broken report do to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smoke import __main__ as cli
from smoke import processes, signals
from smoke.checks import CheckError, Run, zookeeper
from smoke.services import zookeeper as service
from smoke.verdict import Finding
from tests.unit.playbooks import CHECKOUT
from tests.unit.smoke_lab import write

BARE: dict[str, Any] = {
    "name": "x",
    "stack": "s",
    "versions": {},
    "machines": {"one": {"ssh": ["sh", "-c", "echo its journal"]}},
    "zookeeper": {"servers": [{"host": "one", "port": 2181, "unit": "zookeeper"}]},
}
"""A cluster that is put to the check of ZooKeeper alone, which the tests replace."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """A run that has ended hears no signal: put back what was before."""
    before = {number: signal.getsignal(number) for number in signals.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run(directory: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Run smoke on the bare cluster; its exit status and report."""
    files = [f"--cluster={write(directory, BARE)}", f"--out={directory}/smoke.json"]
    status = cli.main(["run", *files, f"--junit={directory}/smoke.xml", *words])
    return status, json.loads((directory / "smoke.json").read_text())


def test_a_server_that_is_not_there_cannot_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--only", "zookeeper", "--answering", "two")
    assert cli.main(["check", f"--cluster={write(tmp_path, BARE)}", *words]) == 2
    assert capsys.readouterr().err.endswith("cluster.json has no server of ZooKeeper on two\n")


@pytest.mark.parametrize("verb", ["check", "run", "receipt"])
@pytest.mark.parametrize("words", [("--name", "y"), ("--name", "x", "--inventory", "/other")])
def test_the_description_of_another_cluster_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, words: tuple[str, ...]
) -> None:
    assert cli.main([verb, f"--cluster={write(tmp_path, BARE)}", *words]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"smoke: {tmp_path}/cluster.json describes the cluster x of ")
    assert said.out == ""


@pytest.mark.parametrize("verb", ["check", "run", "receipt"])
def test_who_does_not_say_which_cluster_is_told_first_and_its_reports_lie_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    monkeypatch.setattr(zookeeper, "check", passes)
    monkeypatch.setattr(service, "fetch", lambda section: section)
    monkeypatch.setattr(service, "judge", lambda state: (True, "fine"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out/x").mkdir(parents=True)
    write(tmp_path / "out/x", BARE | {"inventory": str(tmp_path)})
    assert cli.main([verb]) == 0
    told = rf"cluster x \({tmp_path}\), described [0-9] s ago"
    assert re.fullmatch(told, capsys.readouterr().out.splitlines()[0])
    written: dict[str, set[str]] = {
        "check": set(),
        "run": {"smoke.json", "smoke.xml"},
        "receipt": {"receipt.json", "receipt.md"},
    }
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    assert files == {f"out/x/{name}" for name in {"cluster.json"} | written[verb]}
    # Who says it, as the kit's own plays do, is told nothing.
    assert cli.main([verb, "--name", "x", "--inventory", "."]) == 0
    assert "described" not in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["check", "run", "receipt"])
def test_one_of_several_clusters_must_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x", "y"):
        (tmp_path / "out" / name).mkdir(parents=True)
        write(tmp_path / "out" / name, BARE)
    assert cli.main([verb]) == 2
    said = (
        "smoke: several clusters are described: out/x/cluster.json, out/y/cluster.json. Give one by --cluster"
    )
    assert capsys.readouterr().err.startswith(said)


def passes(_: Run, __: Any) -> dict[str, Finding]:
    return {"zookeeper": Finding("read everywhere")}


def fails(_: Run, __: Any) -> dict[str, Finding]:
    raise CheckError("2 of 3 acknowledged", ["not acknowledged: 7"])


def test_a_run_whose_check_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(zookeeper, "check", fails)
    status, report = run(tmp_path)
    assert (status, report["ok"], report["mode"]) == (1, False, "full")
    (failed, cleanup) = report["checks"]
    assert failed["evidence"] == ["2 of 3 acknowledged", "not acknowledged: 7", "its journal"]
    assert (cleanup["name"], cleanup["ok"]) == ("cleanup", True)
    said = capsys.readouterr().out
    assert "\nzookeeper: 2 of 3 acknowledged\n  not acknowledged: 7\n" in said
    assert "\n".join(failed["evidence"]) + "\n" in (tmp_path / "evidence.log").read_text()
    assert said.splitlines()[-1].startswith(f"smoke FAILED: run {report['run']}, full, ")
    assert "not acknowledged: 7" in (tmp_path / "smoke.xml").read_text()


@pytest.mark.parametrize("earlier", ["", '{"checks": [', "[]", "{}"])
def test_a_report_that_was_cut_off_proves_nothing_and_blocks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: str
) -> None:
    monkeypatch.setattr(zookeeper, "check", passes)
    (tmp_path / "smoke.json").write_text(earlier)
    status, report = run(tmp_path, "--skip-verified")
    assert (status, report["ok"], report["mode"]) == (0, True, "full")


def test_what_was_proved_is_repeated_with_a_tenth_of_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []

    def check(run: Run, _: Any) -> dict[str, Finding]:
        sent.append(run.records)
        return passes(run, _)

    monkeypatch.setattr(zookeeper, "check", check)
    monkeypatch.setattr(processes, "running", lambda _: {"m1 zookeeper": "aa"})
    for words in (["--skip-verified"], ["--skip-verified"], [], ["--quick"]):
        run(tmp_path, "--records=50", *words)
    assert sent == [50, 5, 50, 50]
    run(tmp_path, "--records=3", "--skip-verified")
    assert sent[-1] == 1


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zookeeper, "check", passes)
    run(tmp_path)
    before = (tmp_path / "smoke.json").read_text()

    def full(path: Path, text: str) -> None:
        with path.open("w") as file:
            file.write(text[:9])
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space left"):
        cli.main(["run", f"--cluster={tmp_path}/cluster.json", f"--out={tmp_path}/smoke.json"])
    assert (tmp_path / "smoke.json").read_text() == before


SLOW = """
import atexit, runpy, sys, threading, time
from pathlib import Path
from smoke import checks
from smoke.checks import zookeeper

directory = Path(sys.argv.pop(1))

def remove(name):
    time.sleep(0.3)
    (directory / name).touch()

def check(run, section):
    for name in ("one", "two", "three"):
        run.cleanup(name, lambda name=name: remove(name))
    (directory / "made").touch()
    threading.Event().wait(60)

zookeeper.check, checks.GRACE = check, 0.1
atexit.register(time.sleep, 60)  # as of a client that waits for a dead service
runpy.run_module("smoke", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("first", signals.SIGNALS)
def test_a_run_whose_reader_is_gone_and_that_is_told_to_end_removes_all_and_reports(
    tmp_path: Path, first: signal.Signals
) -> None:
    files = [f"--cluster={write(tmp_path, BARE)}", f"--out={tmp_path}/smoke.json"]
    words = [str(tmp_path), "run", *files, f"--junit={tmp_path}/smoke.xml"]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *words],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    _await(tmp_path / "made")
    process.stdout.close()
    process.send_signal(first)
    _await(tmp_path / "three")
    for again in signals.SIGNALS:  # who is impatient
        process.send_signal(again)
    assert process.wait(20) == 128 + first
    assert {"one", "two", "three"} <= {path.name for path in tmp_path.iterdir()}
    report = json.loads((tmp_path / "smoke.json").read_text())
    told = {check["name"]: check["facts"] for check in report["checks"]}
    assert told["run"] == f"stopped by {first.name} before its end"
    assert told["cleanup"] == "3 of 3 things of this run are gone"


def _await(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} is not there"
        time.sleep(0.02)
