"""What is read of data directories and of configuration on a host, with systemctl replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.host_units import UnitError
from host_data import MOST, directories_of, markers_in, read_settings, read_stores
from to_directories import to_directories

# What systemd has loaded for each unit: whether it runs, and where it may write.
SYSTEMCTL = """#!/bin/sh
shift 2
for unit; do
  case " {up} " in *" $unit "*) state=active;; *) state=inactive;; esac
  printf 'Id=%s.service\\nActiveState=%s\\n' "$unit" "$state"
  printf 'RuntimeDirectory={runtime}/%s\\nReadWritePaths={writes}\\n\\n' "$unit"
done
"""


def write(root: Path, **files: str) -> None:
    """Files below the root, by their paths."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_markers_are_told_with_their_texts(tmp_path: Path) -> None:
    write(tmp_path, **{"1/meta": "one", "2/meta": "two", "2/other": "", "meta": "", "myid": "3\n"})
    (tmp_path / "version-2").mkdir()
    assert markers_in(str(tmp_path), ["*/meta", "myid", "version-2", "gone", "*d"]) == {
        "1/meta": "one",
        "2/meta": "two",
        "myid": "3\n",
        "version-2": "",
    }
    assert markers_in(str(tmp_path / "gone"), ["*"]) == {}


def test_a_directory_may_be_called_anything(tmp_path: Path) -> None:
    write(tmp_path, **{"[1]*/meta": "", "1/meta": ""})
    assert list(markers_in(str(tmp_path / "[1]*"), ["meta"])) == ["meta"]


def test_no_more_is_read_of_a_marker_than_its_beginning(tmp_path: Path) -> None:
    write(tmp_path, long="x" * 2 * MOST)
    assert markers_in(str(tmp_path), ["long"]) == {"long": "x" * MOST}


def test_what_is_no_text_is_told_without_any(tmp_path: Path) -> None:
    """Logs of transactions: what is in them is nobody's business."""
    (tmp_path / "log.1").write_bytes(b"ZKLG\0\0\0\2secret")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    assert markers_in(str(tmp_path), ["log.*", "latin"]) == {"log.1": "", "latin": "caf\ufffd"}


@pytest.mark.parametrize(
    ("name", "leads_to", "pattern"), [("myid", "system/meta", "myid"), ("1", "system", "*/meta")]
)
def test_data_is_not_read_through_a_link_that_a_service_put(
    tmp_path: Path, service: Path, name: str, leads_to: str, pattern: str
) -> None:
    """Else the module would print /etc/shadow as the id of a server."""
    write(tmp_path, **{"system/meta": "root:hash\n"})
    (service / name).symlink_to(tmp_path / leads_to)
    with pytest.raises(ValueError, match=f"^{service}/{name} is a link to {tmp_path}/{leads_to}, and "):
        markers_in(str(service), [pattern])


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe"):
        markers_in(str(tmp_path), ["pipe"])


def test_the_directory_may_be_an_administrators_link(tmp_path: Path) -> None:
    write(tmp_path, **{"data/file": "mine"})
    (tmp_path / "alias").symlink_to(tmp_path / "data")
    assert markers_in(str(tmp_path / "alias"), ["file"]) == {"file": "mine"}


PROPERTIES = """\
# Managed: log.dirs=/comment
! log.dirs=/comment
 log.dirs = /a,/b
server.1=a:2888:3888
server.2=b:2888:3888
empty=
sasl.jaas.config=x required y="z";
no separator
"""
XML = """\
<?xml version="1.0"?>
<configuration>
  <property><name>dfs.datanode.data.dir</name><value>[SSD]file:///a,/b</value></property>
  <property>
    <name> dfs.namenode.name.dir </name>
    <value>
      /name
    </value>
    <final>true</final>
  </property>
  <property><name>empty</name><value/></property>
  <property><name>none</name></property>
</configuration>
"""


@pytest.mark.parametrize(
    ("name", "text", "keys", "found"),
    [
        ("zoo.cfg", PROPERTIES, ["log.dirs"], {"log.dirs": "/a,/b"}),
        ("zoo.cfg", PROPERTIES, ["server.*"], {"server.1": "a:2888:3888", "server.2": "b:2888:3888"}),
        ("zoo.cfg", PROPERTIES, ["empty", "gone", "no*"], {"empty": ""}),
        ("zoo.cfg", PROPERTIES, ["sasl*"], {"sasl.jaas.config": 'x required y="z";'}),
        ("zoo.cfg", PROPERTIES, [], {}),
        ("zoo.cfg", "", ["*"], {}),
        ("s.xml", XML, ["dfs.datanode.data.dir"], {"dfs.datanode.data.dir": "[SSD]file:///a,/b"}),
        (
            "s.xml",
            XML,
            ["*.name.dir", "none", "empty"],
            {"dfs.namenode.name.dir": "/name", "empty": "", "none": ""},
        ),
        ("s.xml", XML[:-20], ["*"], {}),
        ("s.xml", "", ["*"], {}),
        ("s.xml", None, ["*"], {}),
        ("zoo.cfg", None, ["*"], {}),
    ],
    ids=[
        "properties",
        "several",
        "empty",
        "with-equal-signs",
        "nothing-asked",
        "no-properties",
        "xml",
        "xml-with-blanks",
        "broken-xml",
        "no-xml",
        "no-xml-file",
        "no-file",
    ],
)
def test_settings_are_read(
    tmp_path: Path, name: str, text: str | None, keys: list[str], found: dict[str, str]
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    assert read_settings(str(tmp_path / name), keys) == found


def test_a_file_in_another_encoding_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    (tmp_path / "zoo.cfg").write_bytes(b"name=caf\xe9\ndataDir=/a\n")
    assert read_settings(str(tmp_path / "zoo.cfg"), ["dataDir"]) == {"dataDir": "/a"}


# The value, and its paths; modules and templates read it alike.
PATHS = [
    pytest.param("/a", ["/a"], id="one"),
    pytest.param("/a,/b", ["/a", "/b"], id="two"),
    pytest.param(" /a , /b ", ["/a", "/b"], id="blanks"),
    pytest.param("file:///a,file:/b", ["/a", "/b"], id="urls"),
    pytest.param("[SSD]file:///a,[DISK]/b,[]/c", ["/a", "/b", "/c"], id="kinds-of-storage"),
    pytest.param("[ARCHIVE][0.3]/a,[RAM_DISK]file:///b", ["/a", "/b"], id="shares-of-a-disk"),
    pytest.param("/a,,", ["/a"], id="nothing-between-commas"),
    pytest.param("", [], id="empty"),
    pytest.param(None, [], id="none"),
]


@pytest.mark.parametrize(("value", "paths"), PATHS)
def test_directories_of_a_property(value: str | None, paths: list[str]) -> None:
    assert directories_of(value) == paths
    assert to_directories(value) == paths


def test_directories_of_a_list() -> None:
    assert to_directories(["[SSD]file:///a", " /b "]) == ["/a", "/b"]
    assert to_directories([]) == []
    # A module that gets what is no path says so itself.
    assert to_directories("relative") == ["relative"]
    assert directories_of("relative,${dfs.hosts}") == []


class Host:
    """Directories of a machine, and a systemd that has one unit, daemon."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.path = monkeypatch
        write(root, **{"new/meta": "new", "old/meta": "old", "other/file": ""})
        self.systemd()

    def systemd(self, up: str = "", writes: str = "") -> None:
        program = self.root / "bin" / "systemctl"
        program.parent.mkdir(exist_ok=True)
        text = SYSTEMCTL.format(up=up, writes=writes.replace("@", str(self.root)), runtime=self.root / "run")
        program.write_text(text)
        program.chmod(0o755)
        self.path.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    def record(self, unit: str, *paths: str) -> None:
        write(
            self.root, **{f"run/{unit}/config.sha256": "".join(f"0  {self.root}/{path}\n" for path in paths)}
        )

    def read(self, *directories: str, **more: Any) -> dict[str, Any]:
        """The store, with @ for the root in what is given and in what is told."""
        store = {
            "name": "data",
            "units": ["daemon"],
            "directories": [f"{self.root}/{each}" for each in directories or ("new",)],
            "markers": ["meta"],
            "configured": "",
            "key": "",
        }
        found: dict[str, Any] = read_stores([store | more])["data"]
        return {
            "up": found["up"],
            "holds": {path.replace(str(self.root), "@"): held for path, held in found["holds"].items()},
            "kept": [path.replace(str(self.root), "@") for path in found["kept"]],
            "older": {path.replace(str(self.root), "@"): held for path, held in found["older"].items()},
        }


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


HERE = {"@/new": {"meta": "new"}}
THERE = {"@/old": {"meta": "old"}}


@pytest.mark.parametrize(
    ("up", "writes", "record", "config", "found"),
    [
        ("", "", [], "", {}),
        ("", "@/old", [], "", {"older": THERE}),
        ("daemon", "@/old", [], "", {"older": THERE, "up": ["daemon"]}),
        ("", "-@/old +@/gone", [], "", {"older": THERE}),
        ("", "@/new", [], "", {"kept": ["@/new"]}),
        ("", "@/new @/old", [], "", {"kept": ["@/new"], "older": THERE}),
        ("", "@/other", [], "", {}),
        (
            "daemon",
            "@/new",
            ["old/meta", "other/file"],
            "",
            {"kept": ["@/new"], "older": THERE, "up": ["daemon"]},
        ),
        # Only what runs has a record; another's is not asked.
        ("", "", ["old/meta"], "", {}),
        ("another", "", ["old/meta"], "", {}),
        ("", "", [], "dir=@/old", {"older": THERE}),
        ("", "", [], "dir=@/new,[SSD]file://@/old", {"kept": ["@/new"], "older": THERE}),
        ("", "", [], "dir=@/other", {}),
        ("", "", [], "another=@/old", {}),
    ],
    ids=[
        "nothing-of-before",
        "loaded-and-stopped",
        "loaded-and-runs",
        "loaded-with-marks",
        "the-same",
        "another-beside-it",
        "without-data",
        "recorded",
        "recorded-by-one-that-is-stopped",
        "another-unit",
        "configured",
        "configured-several",
        "configured-without-data",
        "configured-otherwise",
    ],
)
def test_what_a_daemon_was_given_before(
    host: Host, up: str, writes: str, record: list[str], config: str, found: dict[str, Any]
) -> None:
    host.systemd(up, writes)
    if record:
        host.record("daemon", *record)
    if config:
        write(host.root, **{"d.properties": config.replace("@", str(host.root))})
    told = host.read(configured=f"{host.root}/d.properties", key="dir")
    assert told == {"up": [], "holds": HERE, "kept": [], "older": {}} | found


def test_what_a_file_for_hadoop_names_is_of_before(host: Host) -> None:
    text = f"<configuration><property><name>dir</name><value>file://{host.root}/old</value></property></configuration>"
    write(host.root, **{"site.xml": text})
    assert host.read(configured=f"{host.root}/site.xml", key="dir")["older"] == THERE


def test_what_is_wanted_is_not_of_before(host: Host) -> None:
    host.systemd(writes="@/old @/new")
    found = host.read("new", "old", "gone")
    assert found["holds"] == HERE | THERE | {"@/gone": {}}
    assert (found["kept"], found["older"]) == (["@/new", "@/old"], {})


def test_the_same_directory_by_another_path_is_not_of_before(host: Host) -> None:
    (host.root / "alias").symlink_to(host.root / "new")
    host.systemd(writes="@/new @/old/../new/")
    found = host.read("alias")
    assert (found["holds"], found["kept"], found["older"]) == ({"@/alias": {"meta": "new"}}, ["@/alias"], {})


def test_stores_are_told_by_their_names_each_with_its_units(host: Host) -> None:
    host.systemd(up="two three", writes="@/old")
    host.record("two", "other/file")
    common = {"directories": [f"{host.root}/new"], "configured": "", "key": ""}
    found = read_stores(
        [
            common | {"name": "first", "units": ["one", "two"], "markers": ["meta"]},
            common | {"name": "second", "units": ["three"], "markers": ["file"]},
            common | {"name": "third", "units": [], "markers": ["meta"]},
        ]
    )
    assert {name: (store["up"], list(store["older"])) for name, store in found.items()} == {
        "first": (["two"], [f"{host.root}/old"]),
        "second": (["three"], []),
        "third": ([], []),
    }


def test_a_directory_of_a_server_is_read_whole(host: Host) -> None:
    """As the role zookeeper asks for it."""
    write(host.root, **{"old/myid": "2\n", "old/version-2/snapshot.0": "", "old/version-2/log.1": ""})
    host.systemd(writes="@/old")
    found = host.read(markers=["myid", "version-2", "version-2/snapshot.*"])
    assert found["older"] == {"@/old": {"myid": "2\n", "version-2": "", "version-2/snapshot.0": ""}}


def test_systemd_that_does_not_answer_is_an_error(host: Host) -> None:
    (host.root / "bin" / "systemctl").write_text("#!/bin/sh\necho no >&2; exit 1\n")
    (host.root / "bin" / "journalctl").write_text("#!/bin/sh\n")
    (host.root / "bin" / "journalctl").chmod(0o755)
    with pytest.raises(UnitError, match=r"^systemctl show .* daemon: no"):
        host.read()
