"""Services of a host compared with what they are to be, and brought there: with a systemctl of the test."""

from __future__ import annotations

import grp
import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import host_keep, host_units
from host_state import compare, ensure_state, in_words

OWNER = pwd.getpwuid(os.getuid()).pw_name
GROUP = grp.getgrgid(os.getgid()).gr_name

# A unit runs when up/UNIT is there; when it starts it records the files that reads/UNIT names. All may write
# to what writes names, and after a daemon-reload to what reload names.
SYSTEMCTL = """#!/bin/sh
cd {root}
verb=$1
shift
case $verb in show | cat | daemon-reload) ;; *) echo "$verb $*" >> calls;; esac
case $verb in
show)
  shift
  for unit; do
    load=not-found state=inactive enabled=disabled reload=no
    [ ! -e reload ] || reload=yes
    [ ! -e "units/${{unit%%@*}}.service" ] || load=loaded
    [ ! -e "up/$unit" ] || state=active
    [ ! -e "enabled/$unit" ] || enabled=enabled
    printf 'Id=%s.service\\nLoadState=%s\\nActiveState=%s\\n' "$unit" $load $state
    printf 'UnitFileState=%s\\nNeedDaemonReload=%s\\nMainPID=7\\nInvocationID=abc\\n' $enabled $reload
    printf 'RuntimeDirectory={root}/run/%s\\nConditionResult=yes\\n' "$unit"
    printf 'ReadWritePaths=%s\\n\\n' "$(cat writes)"
  done;;
daemon-reload)
  [ ! -e reload ] || mv reload writes;;
enable)
  shift
  for unit; do touch "enabled/$unit"; done;;
start | restart)
  for unit; do
    touch "up/$unit"
    mkdir -p "run/$unit"
    xargs sha256sum < "reads/$unit" > "run/$unit/config.sha256"
  done;;
esac
"""


class Host:
    """A machine: what lies below the root, and its systemd."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.record = f"{root}.state/made.json"
        for name in ("bin", "enabled", "etc", "jvm", "opt", "reads", "run", "units", "up"):
            (root / name).mkdir()
        (root / "writes").touch()
        for name in ("a", "b"):
            (root / "jvm" / name).mkdir()
            (root / "jvm" / name / "java").write_text(name)
        program = root / "bin" / "systemctl"
        program.write_text(SYSTEMCTL.format(root=root))
        program.chmod(0o755)

    def file(self, name: str, content: str = "1\n", **others: str) -> dict[str, Any]:
        """An entry of files."""
        own = {"owner": OWNER, "group": GROUP, "mode": "0644"}
        return {"path": f"{self.root}/{name}", "content": content} | own | others

    def service(
        self, name: str, *files: dict[str, Any], unit: str = "", reads: tuple[str, ...] = (), **others: Any
    ) -> dict[str, Any]:
        """A service as the module takes it, with one unit or none."""
        install: dict[str, Any] = {"paths": [], "users": [], "directories": [], "artifacts": [], "links": []}
        units, all_files = [], list(files)
        if unit:
            paths = [f"{self.root}/{path}" for path in reads]
            units = [{"name": unit, "file": f"{unit}.service", "restart_on": paths}]
            all_files.append(self.file(f"units/{unit}.service", "[Unit]\n"))
            recorded = [f"{self.root}/units/{unit}.service", *paths]
            (self.root / "reads" / unit).write_text("\n".join(recorded) + "\n")
        base = {"name": name, "files": all_files, "units": units, "stores": [], "settings": {}}
        return base | others | {"install": install | others.get("install", {})}

    def calls(self) -> list[str]:
        """What systemd was told since the last time."""
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def all(self) -> dict[str, str]:
        """Everything that lies there, by its path."""
        return {
            str(path.relative_to(self.root)): os.readlink(path) if path.is_symlink() else path.read_text()
            for path in self.root.rglob("*")
            if path.is_symlink() or path.is_file()
        }

    def ensure(self, services: list[dict[str, Any]], state: str, only: list[str]) -> dict[str, Any]:
        """Bring services to a state; what is written down of it lies beside the machine."""
        return ensure_state(services, state, only, self.record)

    def compare(self, services: list[dict[str, Any]], state: str, only: list[str]) -> dict[str, Any]:
        """What bringing them there would take."""
        return compare(services, state, only, self.record)

    def told(self, paths: list[str]) -> list[str]:
        """Paths without the root."""
        return [path.removeprefix(f"{self.root}/") for path in paths]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    machine = Host(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    monkeypatch.setattr(host_units, "UNIT_DIR", f"{tmp_path}/units")
    return machine


def cluster(host: Host, core: str = "1\n", java: str = "a") -> list[dict[str, Any]]:
    """Services as the kit has them: Hadoop's file is read by the daemons of others, and Java by all."""
    link = {
        "path": f"{host.root}/opt/java",
        "target": f"{host.root}/jvm/{java}",
        "within": f"{host.root}/jvm",
    }
    return [
        host.service("java", install={"links": [link]}),
        host.service("hadoop", host.file("etc/core-site.xml", core)),
        host.service(
            "hdfs",
            host.file("etc/hdfs-site.xml"),
            unit="hdfs-namenode",
            reads=("opt/java/java", "etc/core-site.xml", "etc/hdfs-site.xml"),
        ),
        host.service(
            "kafka", host.file("etc/server.properties"), unit="kafka", reads=("etc/server.properties",)
        ),
    ]


def work(found: dict[str, Any], name: str) -> dict[str, list[str]]:
    """What of a service's units was or would be done."""
    units = found["services"][name]["units"]
    return {key: units[key] for key in ("started", "restarted", "stale", "disabled") if units[key]}


def test_what_differs_is_told_for_each_service_and_nothing_is_changed(host: Host) -> None:
    services, before = cluster(host), host.all()
    found = host.compare(services, "current", [])
    told = {
        name: (host.told(here["files"]), here["install"], here["errors"])
        for name, here in found["services"].items()
    }
    assert told == {
        "java": ([], [f"{host.root}/opt/java -> {host.root}/jvm/a"], []),
        "hadoop": (["etc/core-site.xml"], [], []),
        "hdfs": (["etc/hdfs-site.xml", "units/hdfs-namenode.service"], [], []),
        "kafka": (["etc/server.properties", "units/kafka.service"], [], []),
    }
    assert work(found, "hdfs") == {"started": ["hdfs-namenode"], "disabled": ["hdfs-namenode"]}
    assert [diff["after_header"] for diff in found["diff"]] == [
        path for here in found["services"].values() for path in here["files"]
    ]
    assert found["changed"]
    assert (host.all(), host.calls()) == (before, [])


def test_brought_to_it_there_is_nothing_left_to_do(host: Host) -> None:
    services = cluster(host)
    done = host.ensure(services, "started", [])
    assert host.calls() == [
        "enable --quiet hdfs-namenode",
        "reset-failed hdfs-namenode",
        "start hdfs-namenode",
        "enable --quiet kafka",
        "reset-failed kafka",
        "start kafka",
    ]
    assert done["changed"]
    assert len(done["diff"]) == 5
    assert "data" not in done["services"]["kafka"]
    assert (host.root / "etc" / "core-site.xml").read_text() == "1\n"
    for state in ("started", "current"):
        for again in (host.compare(services, state, []), host.ensure(services, state, [])):
            assert (again["changed"], again["diff"]) == (False, [])
    assert host.calls() == []


def test_a_file_of_one_service_makes_the_daemon_of_another_stale(host: Host) -> None:
    """Hadoop has no daemon: HDFS restarts its own, in the run that writes the file."""
    host.ensure(cluster(host), "started", [])
    changed = cluster(host, core="2\n")
    for services in (changed, changed[::-1]):
        found = host.compare(services, "current", [])
        assert {name for name, here in found["services"].items() if here["files"]} == {"hadoop"}
        assert work(found, "hdfs") == {"restarted": ["hdfs-namenode"]}
        reasons = found["services"]["hdfs"]["units"]["reasons"]
        assert host.told(reasons["hdfs-namenode"]) == ["etc/core-site.xml"]
        assert work(found, "kafka") == {}
    host.calls()
    # Without a restart it is told, and the next run still sees it.
    assert work(host.ensure(changed, "started", []), "hdfs") == {"stale": ["hdfs-namenode"]}
    assert work(host.compare(changed, "current", []), "hdfs") == {"restarted": ["hdfs-namenode"]}
    assert host.calls() == []
    assert work(host.ensure(changed, "current", []), "hdfs") == {"restarted": ["hdfs-namenode"]}
    assert host.calls() == ["restart hdfs-namenode"]
    assert not host.compare(changed, "current", [])["changed"]


def test_a_link_that_moves_makes_stale_what_is_read_through_it(host: Host) -> None:
    host.ensure(cluster(host), "started", [])
    newer = cluster(host, java="b")
    found = host.compare(newer, "current", [])
    assert found["services"]["java"]["install"] == [f"{host.root}/opt/java -> {host.root}/jvm/b"]
    assert work(found, "hdfs") == {"restarted": ["hdfs-namenode"]}
    assert host.told(found["services"]["hdfs"]["units"]["reasons"]["hdfs-namenode"]) == ["opt/java/java"]
    assert work(found, "kafka") == {}


@pytest.mark.parametrize("leads_to", ["a", "b"])
def test_a_link_of_others_to_a_java_is_not_moved(host: Host, leads_to: str) -> None:
    java = host.root / "opt/java"
    java.symlink_to(host.root / "jvm" / leads_to)
    if leads_to == "a":
        # It is right, and not the kit's for that.
        host.ensure(cluster(host), "started", [])
    newer = cluster(host, java="b" if leads_to == "a" else "a")
    refusal = (
        f"{java} is a link to {host.root}/jvm/{leads_to}: move it away, the kit does not replace what it"
    )
    [error] = host.compare(newer, "current", [])["services"]["java"]["errors"]
    assert error.startswith(refusal)
    with pytest.raises(ValueError, match=refusal):
        host.ensure(newer, "current", [])
    assert os.readlink(java) == f"{host.root}/jvm/{leads_to}"


@pytest.mark.parametrize("record", [True, False])
def test_a_link_that_a_kit_of_before_has_made_is_moved(host: Host, record: bool) -> None:
    """It did not record its links, or kept no record at all."""
    host.ensure(cluster(host), "started", [])
    path = Path(host.record)
    made = json.loads(path.read_text())
    assert made.pop("links") == [f"{host.root}/opt/java"]
    path.write_text(json.dumps(made))
    if not record:
        path.unlink()
    newer = cluster(host, java="b")
    assert host.compare(newer, "current", [])["services"]["java"]["errors"] == []
    host.ensure(newer, "current", [])
    assert os.readlink(host.root / "opt/java") == f"{host.root}/jvm/b"
    assert json.loads(path.read_text())["links"] == [f"{host.root}/opt/java"]


def test_installed_touches_nothing_that_runs(host: Host) -> None:
    host.ensure(cluster(host), "started", [])
    before = host.all()
    host.calls()
    newer = cluster(host, core="2\n", java="b")
    newer[0]["install"]["directories"] = [
        {"path": f"{host.root}/var", "owner": OWNER, "group": GROUP, "mode": "0755"}
    ]
    done = host.ensure(newer, "installed", [])
    assert done["services"]["java"]["install"] == [f"directory {host.root}/var"]
    assert [(here["files"], "units" in here) for here in done["services"].values()] == [([], False)] * 4
    assert (host.root / "var").is_dir()
    assert {path: text for path, text in host.all().items() if path != "calls"} == {
        path: text for path, text in before.items() if path != "calls"
    }
    assert host.calls() == []
    # In check mode it is the question what all of it would take.
    assert work(host.compare(newer, "installed", []), "hdfs") == {"restarted": ["hdfs-namenode"]}


def test_a_link_that_is_missing_is_made_when_it_is_installed(host: Host) -> None:
    host.ensure(cluster(host), "installed", [])
    assert os.readlink(host.root / "opt" / "java") == f"{host.root}/jvm/a"
    assert not (host.root / "etc" / "core-site.xml").exists()


def test_only_the_units_that_are_asked_for(host: Host) -> None:
    services = cluster(host)
    assert work(host.ensure(services, "started", ["kafka"]), "hdfs") == {}
    assert host.calls() == ["enable --quiet kafka", "reset-failed kafka", "start kafka"]
    assert work(host.compare(services, "restarted", ["kafka"]), "kafka") == {"restarted": ["kafka"]}
    assert work(host.compare(services, "restarted", ["kafka"]), "hdfs") == {}


def test_a_path_that_is_missing_is_a_difference(host: Host) -> None:
    service = host.service("java", install={"paths": [f"{host.root}/jvm/a/java", f"{host.root}/jvm/c/java"]})
    found = host.compare([service], "current", [])
    assert found["services"]["java"]["install"] == [f"{host.root}/jvm/c/java is missing"]
    assert found["changed"]


def test_what_cannot_be_done_is_told_in_a_comparison_and_raised_else(host: Host) -> None:
    (host.root / "opt" / "java" / "theirs").mkdir(parents=True)
    services = cluster(host)
    services[1]["files"][0]["mode"] = "u=rw"
    found = host.compare(services, "current", [])
    assert found["changed"]
    told = {name: here["errors"] for name, here in found["services"].items() if here["errors"]}
    assert list(told) == ["java", "hadoop"]
    assert told["java"][0].startswith(f"{host.root}/opt/java is not a link: move it away")
    assert told["hadoop"][0].startswith(f"{host.root}/etc/core-site.xml: invalid literal")
    # All else is told none the less.
    assert host.told(found["services"]["hdfs"]["files"]) == [
        "etc/hdfs-site.xml",
        "units/hdfs-namenode.service",
    ]
    with pytest.raises(ValueError, match="opt/java is not a link"):
        host.ensure(services, "started", [])
    with pytest.raises(ValueError, match="invalid literal"):
        host.ensure(services[1:], "started", [])
    assert not (host.root / "etc" / "hdfs-site.xml").exists()


def store(host: Host, *units: str) -> dict[str, Any]:
    """Data that lies in one directory."""
    return {
        "name": "data",
        "units": list(units),
        "directories": [f"{host.root}/data"],
        "markers": ["myid"],
        "configured": "",
        "key": "",
    }


def test_data_and_settings_are_told(host: Host) -> None:
    (host.root / "data").mkdir()
    (host.root / "data" / "myid").write_text("3\n")
    cfg = f"{host.root}/etc/zoo.cfg"
    Path(cfg).write_text("dataDir=/d\ntickTime=2000\nserver.1=a\n")
    settings = {cfg: ["dataDir", "server.*"], "/no/such.cfg": ["x"]}
    service = host.service("zookeeper", stores=[store(host, "zookeeper")], settings=settings)
    data = host.compare([service], "current", [])["services"]["zookeeper"]["data"]
    assert data["settings"] == {cfg: {"dataDir": "/d", "server.1": "a"}, "/no/such.cfg": {}}
    assert data["stores"]["data"]["holds"] == {f"{host.root}/data": {"myid": "3\n"}}


def test_settings_that_a_daemon_ran_well_with_are_told(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = f"{host.root}/etc/zoo.cfg"
    monkeypatch.setattr(host_keep, "KEPT", f"{host.root}/kept")
    copy = Path(f"{host.root}/kept/zookeeper{cfg}")
    copy.parent.mkdir(parents=True)
    copy.write_text("dataDir=/d\ntickTime=2000\n")
    settings = {cfg: ["dataDir", "server.*"], "/no/such.cfg": ["x"]}
    service = host.service("zookeeper", unit="zookeeper", reads=("etc/zoo.cfg",), settings=settings)
    data = host.compare([service], "current", [])["services"]["zookeeper"]["data"]
    assert data["kept"] == {cfg: {"dataDir": "/d"}}


def test_data_of_a_unit_that_was_written_and_not_yet_loaded(host: Host) -> None:
    """A run that was killed before the start: what systemd has loaded still tells where the data lies."""
    for name in ("data", "old"):
        (host.root / name).mkdir()
    (host.root / "old" / "myid").write_text("3\n")
    (host.root / "writes").write_text(f"{host.root}/old")
    (host.root / "reload").write_text(f"{host.root}/data")
    kafka = host.service("kafka", unit="kafka")
    zookeeper = host.service("zookeeper", unit="zookeeper", stores=[store(host, "zookeeper")])
    (host.root / "units" / "kafka.service").touch()
    (host.root / "units" / "zookeeper.service").touch()
    data = host.compare([kafka, zookeeper], "current", [])["services"]["zookeeper"]["data"]
    assert data["stores"]["data"]["older"] == {f"{host.root}/old": {"myid": "3\n"}}


def test_data_that_cannot_be_read_is_an_error_and_none(host: Host, service: Path) -> None:
    """None is not nothing: where data cannot be read nobody may think that there is none."""
    (service / "myid").symlink_to(host.root / "bin" / "systemctl")
    unread = store(host) | {"directories": [str(service)]}
    found = host.compare([host.service("zookeeper", stores=[unread])], "current", [])
    here = found["services"]["zookeeper"]
    assert here["data"] is None
    [error] = here["errors"]
    assert error.startswith(f"{service}/myid is a link to ")
    assert found["changed"]


def test_a_systemd_that_does_not_answer_is_an_error(host: Host) -> None:
    (host.root / "bin" / "systemctl").write_text("#!/bin/sh\necho away >&2\nexit 1\n")
    (host.root / "bin" / "journalctl").write_text("#!/bin/sh\n")
    (host.root / "bin" / "journalctl").chmod(0o755)
    service = host.service("kafka", unit="kafka", stores=[store(host, "kafka")])
    here = host.compare([service], "current", [])["services"]["kafka"]
    assert here["data"] is None
    assert "units" not in here
    assert [": away" in error for error in here["errors"]] == [True, True]
    with pytest.raises(host_units.UnitError, match=": away"):
        host.ensure([service], "started", [])


def test_a_user_that_is_not_there_is_said_in_words(host: Host) -> None:
    service = host.service("kafka", host.file("etc/server.properties", owner="no-such-user"))
    with pytest.raises(KeyError) as failed:
        host.ensure([service], "started", [])
    assert in_words(failed.value) == "there is no user or group: getpwnam(): name not found: 'no-such-user'"
    assert in_words(ValueError("as it is")) == "as it is"
