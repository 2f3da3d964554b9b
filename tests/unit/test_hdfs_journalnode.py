"""A JournalNode that comes back: what the module asks, writes and refuses, against daemons on loopback."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hdfs_journalnode
import pytest
from hdfs_journalnode import UNIT, JournalError, highest_epoch, own_addresses, take_part, taking_part

VERSION = "#Mon\nnamespaceID=1\nclusterID=CID-1\n"
Beans = dict[str, dict[str, Any]]


class Daemon(http.server.ThreadingHTTPServer):
    """A daemon whose page /jmx has these beans."""

    daemon_threads = True

    def __init__(self, beans: Beans) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.beans = beans

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Answer(http.server.BaseHTTPRequestHandler):
    """One question."""

    server: Daemon

    def do_GET(self) -> None:
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        name = query["qry"].rpartition("name=")[2]
        body = json.dumps({"beans": [self.server.beans[name]] if name in self.server.beans else []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


Start = Callable[[Beans], Daemon]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start daemons, which end with the test."""
    started: list[Daemon] = []

    def one(beans: Beans) -> Daemon:
        daemon = Daemon(beans)
        threading.Thread(target=daemon.serve_forever, daemon=True).start()
        started.append(daemon)
        return daemon

    yield one
    for daemon in started:
        daemon.shutdown()
        daemon.server_close()


def journal(epoch: int, taken: int = 0) -> Beans:
    return {"Journal-lab": {"LastPromisedEpoch": epoch, "BatchesWritten": taken}}


def namenode(state: str, journals: str = "[]") -> Beans:
    return {"NameNodeStatus": {"State": state}, "NameNodeInfo": {"NameJournalStatus": journals}}


def status(*journals: str) -> str:
    """What the active NameNode says of JournalNodes."""
    return json.dumps(
        [
            {"manager": "QJM", "stream": "Writing segment beginning at txid 481. \n" + ", ".join(journals)},
            {"x": 1},
        ]
    )


BEHIND = "(4 txns/240897ms behind)"
RESYNC = "(will try to re-sync on next segment)"
OWN, OTHER = "127.0.0.1:8485 (Written txid 481)", "b:8485 (Written txid 481)"
LATE = status(f"127.0.0.1:8485 (Written txid 477 {BEHIND} {RESYNC})", OTHER)
OLDER = status(f"127.0.0.1:8485 (Written txid 477 {BEHIND})", OTHER)
WRITTEN = status(OWN, OTHER)


class Lab:
    """Three JournalNodes, the last of them this machine's, two NameNodes; what the module did, in order."""

    def __init__(self, start: Start, directory: Path, epochs: tuple[int, int, int] = (3, 4, -1)) -> None:
        self.directory = directory
        self.journals = [start(journal(epoch)) for epoch in epochs]
        self.namenodes = [start(namenode("standby")), start(namenode("active", LATE))]
        self.done: list[str] = []

    def arguments(self, **changes: Any) -> dict[str, Any]:
        pages = [each.address for each in self.journals]
        return {
            "nameservice": "lab",
            "directory": str(self.directory),
            "version": VERSION,
            "address": "127.0.0.1:8485",
            "page": pages[-1],
            "pages": pages,
            "namenodes": [each.address for each in self.namenodes],
            "environment": {},
            "user": "hdfs",
            "group": "hadoop",
            "timeout": 2,
        } | changes

    def units(self, units: list[dict[str, str]], state: str, *, check: bool) -> None:
        assert (units, check) == ([{"name": UNIT}], False)
        self.done.append(state)
        version = self.directory / "lab/current/VERSION"
        if state == "started" and version.exists():
            epoch = int((self.directory / "lab/current/last-promised-epoch").read_text())
            self.journals[-1].beans = journal(epoch)

    def roll(self, user: str, environment: dict[str, str]) -> None:
        assert (user, environment) == ("hdfs", {})
        self.done.append("segment")
        self.namenodes[1].beans = namenode("active", WRITTEN)

    def write(self, directory: str, version: str, epoch: int, user: str, group: str) -> None:
        """As the module does, but for the owners, who are not on this machine."""
        assert (user, group) == ("hdfs", "hadoop")
        self.done.append("written")
        current = Path(directory) / "current"
        current.mkdir(parents=True)
        (current / "last-promised-epoch").write_text(f"{epoch}\n")
        (current / "VERSION").write_text(version)


@pytest.fixture
def lab(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """One whose JournalNode here is empty; the others promised 3 and 4."""
    lab = Lab(start, tmp_path)
    monkeypatch.setattr(hdfs_journalnode, "ensure_state", lab.units)
    monkeypatch.setattr(hdfs_journalnode, "begin_segment", lab.roll)
    monkeypatch.setattr(hdfs_journalnode, "write", lab.write)
    return lab


def test_an_empty_one_gets_version_and_the_highest_epoch_while_it_is_stopped(lab: Lab) -> None:
    assert take_part(lab.arguments()) == {"changed": True, "joined": True, "epoch": 4, "aside": []}
    assert lab.done == ["stopped", "written", "started", "segment"]
    current = lab.directory / "lab/current"
    assert (current / "last-promised-epoch").read_text() == "4\n"
    assert (current / "VERSION").read_text() == VERSION


def hold(lab: Lab) -> None:
    """Have a journal here."""
    current = lab.directory / "lab/current"
    current.mkdir(parents=True, exist_ok=True)
    (current / "VERSION").write_text(VERSION)
    lab.journals[-1].beans = journal(4)


def test_one_that_was_restarted_takes_part_in_a_segment_that_is_begun_for_it(lab: Lab) -> None:
    """Whether the NameNode has seen that or not."""
    for said in (LATE, OLDER):
        hold(lab)
        lab.namenodes[1].beans = namenode("active", said)
        assert take_part(lab.arguments(version="")) == {"changed": True, "joined": False, "aside": []}
    assert lab.done == ["segment", "segment"]


def test_one_that_has_taken_edits_since_it_was_started_is_left_alone(lab: Lab) -> None:
    hold(lab)
    lab.namenodes[1].beans = namenode("active", WRITTEN)
    for taken, changes in ((0, True), (7, False)):
        lab.journals[-1].beans = journal(4, taken)
        assert take_part(lab.arguments()) == {"changed": changes, "joined": False, "aside": []}
    assert lab.done == ["segment"]
    lab.namenodes[1].beans = namenode("active", LATE)
    assert take_part(lab.arguments())["changed"]


def test_another_that_is_left_out_is_not_its_matter(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(lab)
    monkeypatch.setattr(hdfs_journalnode, "begin_segment", lambda *_: None)
    lab.namenodes[1].beans = namenode("active", status(f"a:8485 (Written txid 477 {RESYNC})", OWN))
    assert take_part(lab.arguments()) == {"changed": True, "joined": False, "aside": []}


def test_segments_that_it_was_not_there_to_finish_are_renamed_so_that_others_can_be_read(lab: Lab) -> None:
    """Hadoop 3.5.0: log [368,369] overlaps [368-? (in-progress)], for every NameNode that asks."""
    hold(lab)
    current = lab.directory / "lab/current"
    names = [f"edits_inprogress_{number:019}" for number in (368, 480, 481)]
    finished = f"edits_{368:019}-{369:019}"
    for name in (*names, finished, "edits_inprogress_1.stale"):
        (current / name).write_text(name)
    assert take_part(lab.arguments())["aside"] == names[:2]
    there = {path.name for path in current.iterdir()}
    stale = {f"{name}.stale" for name in names[:2]}
    assert there == {"VERSION", names[2], finished, "edits_inprogress_1.stale", *stale}
    assert all((current / name).read_text() == name.removesuffix(".stale") for name in stale)


@pytest.mark.parametrize(("said", "begins"), [("[]", 0), (LATE, 481), ('[{"stream": "open for read"}]', 0)])
def test_the_segment_that_is_being_written(said: str, begins: int, tmp_path: Path) -> None:
    assert hdfs_journalnode.segment(said) == begins
    (tmp_path / "edits_inprogress_1").touch()
    assert hdfs_journalnode.move_aside(str(tmp_path), begins) == (["edits_inprogress_1"] if begins else [])


def test_none_joins_without_all_others_and_an_active_namenode(lab: Lab) -> None:
    """Whatever is missing, nothing is written and nothing stopped."""
    missing: list[tuple[Callable[[], object], str]] = [
        (lambda: setattr(lab.journals[0], "beans", journal(-1)), "have no journal lab either"),
        (lambda: setattr(lab.journals[0], "beans", {}), "does not answer"),
        (
            lambda: setattr(lab.namenodes[1], "beans", namenode("standby")),
            "no NameNode is active: .* is standby",
        ),
    ]
    for break_it, why in missing:
        before = [(each, each.beans) for each in (*lab.journals, *lab.namenodes)]
        break_it()
        with pytest.raises(JournalError, match=why):
            take_part(lab.arguments(timeout=0))
        for each, beans in before:
            each.beans = beans
    lab.journals[1].shutdown()
    lab.journals[1].server_close()
    with pytest.raises(JournalError, match="Connection refused"):
        take_part(lab.arguments(timeout=0))
    assert lab.done == []
    assert not (lab.directory / "lab").exists()


def test_an_empty_one_needs_the_version_of_another(lab: Lab) -> None:
    with pytest.raises(JournalError, match="no other JournalNode's VERSION was given"):
        take_part(lab.arguments(version=""))


def test_it_ends_where_no_segment_takes_it_in(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdfs_journalnode, "begin_segment", lambda *_: lab.done.append("segment"))
    with pytest.raises(JournalError, match="takes part in no segment"):
        take_part(lab.arguments(timeout=1))
    assert lab.done == ["stopped", "written", "started", "segment"]


def test_the_highest_epoch_is_that_of_all_others(lab: Lab) -> None:
    assert highest_epoch([each.address for each in lab.journals[:2]], "lab") == 4
    with pytest.raises(JournalError):
        highest_epoch([each.address for each in lab.journals], "lab")


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ("[]", set()),
        ('[{"manager": "x"}, {"stream": "open for read"}]', set()),
        (LATE, {"b:8485"}),
        (OLDER, {"b:8485"}),
        (WRITTEN, {"127.0.0.1:8485", "b:8485"}),
    ],
)
def test_who_takes_part(said: str, there: set[str]) -> None:
    assert taking_part(said) == there


def test_the_namenode_knows_it_by_its_address() -> None:
    assert {"localhost:8485", "127.0.0.1:8485"} <= own_addresses("localhost:8485")


def test_what_is_written_has_the_marker_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(hdfs_journalnode, "make_directory", lambda spec, check: made.append(spec["path"]))
    monkeypatch.setattr(hdfs_journalnode, "apply", lambda spec, check: made.append(spec["path"]))
    hdfs_journalnode.write("/j/lab", VERSION, 7, "hdfs", "hadoop")
    names = [path.removeprefix("/j/lab").removeprefix("/current") for path in made]
    assert names == ["", "", "/paxos", "/last-promised-epoch", "/VERSION"]
