"""The module's calls, against two NameNodes on loopback that speak as much WebHDFS as it needs."""

from __future__ import annotations

import http.server
import json
import re
import threading
import urllib.error
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hdfs_directories
import pytest
from hdfs_directories import WebHdfs, differs

from tests.unit.playbooks import CHECKOUT, run_local

WANTED = {"path": "/user/spark", "owner": "spark", "group": "hadoop", "mode": "0750"}
RIGHT = {"type": "DIRECTORY", "owner": "spark", "group": "hadoop", "permission": "750"}


class NameNode(http.server.ThreadingHTTPServer):
    """A NameNode with these states, one after the other at each question for its state."""

    daemon_threads = True

    def __init__(self, *states: str) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.states = list(states)
        self.safemodes = [""]
        self.paths: dict[str, dict[str, str]] = {}
        self.calls: list[tuple[str, str, dict[str, str]]] = []

    @property
    def address(self) -> str:
        """host:port, as the module takes it."""
        return f"127.0.0.1:{self.server_port}"


class Answer(http.server.BaseHTTPRequestHandler):
    """One question."""

    server: NameNode

    def do_GET(self) -> None:
        """JMX, or GETFILESTATUS."""
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/jmx":
            key, values = {
                "Hadoop:service=NameNode,name=NameNodeStatus": ("State", self.server.states),
                "Hadoop:service=NameNode,name=NameNodeInfo": ("Safemode", self.server.safemodes),
            }[query["qry"]]
            self.say(200, {"beans": [{key: values.pop(0) if len(values) > 1 else values[0]}]})
        elif self.server.states[0] != "active":
            self.say(403, {"RemoteException": {"exception": "StandbyException"}})
        else:
            status = self.server.paths.get(self.name(url))
            self.say(200 if status else 404, {"FileStatus": status})

    def do_PUT(self) -> None:
        """MKDIRS, SETOWNER or SETPERMISSION."""
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        name, operation = self.name(url), query.pop("op")
        self.server.calls.append((operation, name, query))
        if operation == "MKDIRS":
            made = {"type": "DIRECTORY", "owner": query["user.name"], "group": "supergroup"}
            self.server.paths.setdefault(name, made | {"permission": "755"})
            self.say(200, {"boolean": True})
            return
        status = self.server.paths[name]
        status |= {key: value for key, value in query.items() if key in ("owner", "group", "permission")}
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def name(self, url: urllib.parse.SplitResult) -> str:
        """Path in HDFS."""
        return urllib.parse.unquote(url.path.removeprefix("/webhdfs/v1"))

    def say(self, code: int, body: dict[str, Any]) -> None:
        """Answer with JSON."""
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words: Any) -> None:
        """Be silent."""


@pytest.fixture
def namenodes() -> Iterator[list[NameNode]]:
    """Two NameNodes, the second one active."""
    servers = [NameNode("standby"), NameNode("active")]
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in servers]
    for thread in threads:
        thread.start()
    yield servers
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


def client(namenodes: list[NameNode]) -> WebHdfs:
    """A client of both."""
    return WebHdfs([each.address for each in namenodes], "hdfs")


def test_the_active_one_is_found_whatever_the_order(namenodes: list[NameNode]) -> None:
    assert client(namenodes).active(5) == namenodes[1].address
    assert client(namenodes[::-1]).active(5) == namenodes[1].address


def test_it_waits_for_an_election(namenodes: list[NameNode]) -> None:
    namenodes[0].states, namenodes[1].states = ["standby", "standby", "active"], ["standby"]
    assert client(namenodes).active(5) == namenodes[0].address


def test_it_waits_for_the_end_of_safe_mode(namenodes: list[NameNode]) -> None:
    namenodes[1].safemodes = ["Safe mode is ON.", "Safe mode is ON.", ""]
    assert client(namenodes).active(5) == namenodes[1].address
    assert namenodes[1].safemodes == [""]


def test_one_that_does_not_answer_is_passed_over(namenodes: list[NameNode]) -> None:
    hdfs = WebHdfs(["127.0.0.1:1", namenodes[1].address], "hdfs")
    assert hdfs.active(5) == namenodes[1].address


@pytest.mark.parametrize(
    ("states", "safemode", "last"),
    [
        (["standby"], "", "is standby, no safe mode"),
        (["active"], "Safe mode is ON.", "is active, Safe mode is ON."),
    ],
)
def test_what_was_last_seen_is_told(
    namenodes: list[NameNode], states: list[str], safemode: str, last: str
) -> None:
    namenodes[1].states, namenodes[1].safemodes = states, [safemode]
    address = namenodes[1].address
    told = f"no NameNode was active and out of safe mode within 0.2 s; last seen: {address} {last}"
    with pytest.raises(TimeoutError, match=f"^{re.escape(told)}$"):
        client(namenodes[1:]).active(0.2)


def test_a_refused_connection_is_told() -> None:
    with pytest.raises(TimeoutError, match=r"last seen: 127\.0\.0\.1:1: .*Connection refused"):
        WebHdfs(["127.0.0.1:1"], "hdfs").active(0.1)


def test_a_proxy_of_the_session_is_not_asked(
    namenodes: list[NameNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert client(namenodes).active(5) == namenodes[1].address


def test_status_of_what_is_there_and_of_what_is_not(namenodes: list[NameNode]) -> None:
    namenodes[1].paths["/user/a b"] = RIGHT
    hdfs = client(namenodes)
    assert hdfs.status(namenodes[1].address, "/user/a b") == RIGHT
    assert hdfs.status(namenodes[1].address, "/user/none") is None


def test_other_answers_are_errors(namenodes: list[NameNode]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        client(namenodes).status(namenodes[0].address, "/user")
    refused.value.close()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, True),
        (RIGHT, False),
        (RIGHT | {"permission": "1750"}, True),
        (RIGHT | {"owner": "hdfs"}, True),
        (RIGHT | {"group": "supergroup"}, True),
    ],
)
def test_differs(status: dict[str, Any] | None, expected: bool) -> None:
    assert differs(status, WANTED) is expected


def test_sticky_bits_are_compared() -> None:
    assert not differs(RIGHT | {"permission": "1777"}, WANTED | {"mode": "1777"})
    assert differs(RIGHT | {"permission": "777"}, WANTED | {"mode": "1777"})


def test_a_file_in_place_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^/user/spark is a file in HDFS: move it away"):
        differs(RIGHT | {"type": "FILE"}, WANTED)


def test_directories_are_made_once_with_owner_and_mode(namenodes: list[NameNode]) -> None:
    namenodes[1].paths["/mr-history"] = RIGHT | {"owner": "hdfs"}
    directories = [
        {"path": "/tmp", "owner": "hdfs", "group": "hadoop", "mode": "1777"},
        {"path": "/mr-history", "owner": "mapred", "group": "hadoop", "mode": "0750"},
    ]
    hdfs = client(namenodes)
    assert hdfs_directories.apply(hdfs, directories, 5, check=True) == ["/tmp", "/mr-history"]
    assert namenodes[1].calls == []
    assert hdfs_directories.apply(hdfs, directories, 5, check=False) == ["/tmp", "/mr-history"]
    assert namenodes[1].paths == {
        "/tmp": {"type": "DIRECTORY", "owner": "hdfs", "group": "hadoop", "permission": "1777"},
        "/mr-history": {"type": "DIRECTORY", "owner": "mapred", "group": "hadoop", "permission": "0750"},
    }
    assert {query["user.name"] for _, _, query in namenodes[1].calls} == {"hdfs"}
    namenodes[1].calls.clear()
    assert hdfs_directories.apply(hdfs, directories, 5, check=False) == []
    assert (namenodes[0].calls, namenodes[1].calls) == ([], [])


def test_directories_of_users_stand_beside_those_of_the_kit(tmp_path: Path) -> None:
    mine = [
        {"path": "/user/ann", "owner": "ann", "group": "hadoop", "mode": "0750"},
        {"path": "/tmp", "owner": "ann", "group": "hadoop", "mode": "0777"},
    ]
    shown = {"ansible.builtin.debug": {"msg": "{{ __hdfs_directories | to_json }}"}}
    play = {
        "vars": {"hdfs_directories": mine, "hadoop_group": "hadoop"},
        "vars_files": [str(CHECKOUT / "roles/hdfs/vars/main.yml")],
        "tasks": [shown],
    }
    output = run_local(tmp_path, play, environment={"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"})
    found = re.search(r'"msg": "(.*)"$', output, re.MULTILINE)
    assert found, output
    made = {each["path"]: each for each in json.loads(json.loads(f'"{found[1]}"'))}
    assert made["/user/ann"] == mine[0]
    assert made["/tmp"] == mine[1]
    assert made["/user/spark"]["owner"] == "spark"
    assert len(made) == 10
