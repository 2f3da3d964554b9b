"""What the kit has put on a machine is taken away again, and nothing else.

The machine lies below a directory of the test's own; its systemd, users and packages are the test's, too.
Files have owners, for which root is needed.
"""

from __future__ import annotations

import grp
import hashlib
import io
import json
import os
import pwd
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import host_install, host_made, host_prune, host_removal, host_remove, host_units
from host_state import ensure_state

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")

HEADER = "Managed by the kit"
#: The ids of users and groups that the machine gets.
FIRST_ID = 64000
DO = host_removal.Removal.do


class CutError(Exception):
    """The run is killed here."""


class Machine:
    """All that is asked of it lies below root, or stands here."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        for name in ("etc", "units/multi-user.target.wants", "opt", "bin", "var/log", "state", "tmp", "proc"):
            (root / name).mkdir(parents=True)
        self.record = f"{root}/state/kit/made.json"
        self.users: dict[str, pwd.struct_passwd] = {"root": pwd.getpwnam("root")}
        self.groups: dict[str, tuple[int, list[str]]] = {"root": (0, []), "nogroup": (65534, [])}
        self.packages: dict[str, bool] = {}
        self.up: set[str] = set()
        self.failed: set[str] = set()
        self.loaded: set[str] = set()
        self.told: list[str] = []
        self.mounted: list[str] = []
        self.steps = 0
        self.last = -1
        for module, name, value in (
            (pwd, "getpwnam", lambda name: self.users[name]),
            (pwd, "getpwuid", self.user_of),
            (pwd, "getpwall", lambda: list(self.users.values())),
            (grp, "getgrnam", lambda name: grp.struct_group((name, "x", *self.groups[name]))),
            (grp, "getgrgid", self.group_of),
            (host_install, "_run", self.run),
            (host_install, "BIN", root / "bin"),
            (host_made, "run", self.run),
            (host_prune, "UNIT_DIRS", (f"{root}/units",)),
            (host_prune, "PROC", f"{root}/proc"),
            (host_removal, "mounts", lambda: self.mounted),
            (host_remove, "mounts", lambda: self.mounted),
            (host_made, "LOGS", f"{root}/var/log"),
            (host_remove, "PROFILES", f"{root}/etc/profile.d"),
            (host_remove, "TEMPORARY", (f"{root}/tmp",)),
            (host_units, "UNIT_DIR", f"{root}/units"),
            (host_units, "systemctl", self.systemctl),
        ):
            monkeypatch.setattr(module, name, value)

        def counted(work: Any, what: str, step: Callable[..., object], *arguments: Any) -> None:
            self.step()
            DO(work, what, step, *arguments)

        monkeypatch.setattr(host_removal.Removal, "do", counted)
        self.services = [self.zookeeper(), self.kafka()]

    def step(self) -> None:
        """One more thing is done, unless the run is killed before."""
        if self.steps == self.last:
            raise CutError
        self.steps += 1

    def user_of(self, uid: int) -> pwd.struct_passwd:
        return next((user for user in self.users.values() if user.pw_uid == uid), self._none(uid))

    def _none(self, uid: int) -> Any:
        return pwd.struct_passwd((f"uid {uid}", "x", uid, uid, "", "/", ""))

    def group_of(self, gid: int) -> grp.struct_group:
        name = next((name for name, (each, _) in self.groups.items() if each == gid), str(gid))
        return grp.struct_group((name, "x", gid, []))

    # What programs of the system do.

    def run(self, *words: str) -> str:
        program, name = words[0], words[-1]
        if program == "groupadd":
            self.groups[name] = (FIRST_ID + len(self.groups), [])
        elif program == "useradd":
            gid = self.groups[words[words.index("--gid") + 1]][0]
            uid = FIRST_ID + 100 + len(self.users)
            self.users[name] = pwd.struct_passwd((name, "x", uid, gid, "", "/", "/usr/sbin/nologin"))
        elif program == "usermod":
            uid = self.users[name].pw_uid
            self.users[name] = pwd.struct_passwd((name, "x", uid, self.groups["nogroup"][0], "", "/", ""))
        elif program == "userdel":
            user = self.users.pop(name)
            if self.groups.get(name, (0,))[0] == user.pw_gid:
                del self.groups[name]
        elif program == "groupdel":
            del self.groups[name]
        return self.packages_by(words) if program.startswith(("apt", "dpkg")) else ""

    def packages_by(self, words: tuple[str, ...]) -> str:
        if words[0] == "dpkg-query":
            if words[-1] not in self.packages:
                raise OSError(words[-1])
            return "ii "
        if words[0] == "apt-mark":
            return "\n".join(each for each in words[2:] if self.packages[each])
        named = [word for word in words[2:] if not word.startswith("-")]
        if words[1] == "install":
            return (
                "Inst base [1] (2 Debian)\nInst java (17 Debian)\nInst library (1 Debian)\nConf java (17)\n"
            )
        if "--simulate" not in words:
            for name in named:
                del self.packages[name]
            return ""
        # Whoever needs Java goes with it, or what came with it.
        needs = {"theirs": "java", "newer-java": "library"}
        more = [name for name, needed in needs.items() if name in self.packages and needed in named]
        return "".join(f"Purg {name} [1]\n" for name in dict.fromkeys([*named, *more]))

    def systemctl(self, *words: str) -> str:
        verb, units = words[0], [word.removesuffix(".service") for word in words[1:] if word[0] != "-"]
        if verb not in ("show", "cat"):
            self.step()
            self.told.append(" ".join([verb, *units]))
        if verb == "show":
            return "\n\n".join(self.shown(unit) for unit in units)
        if verb == "daemon-reload":
            self.loaded = {unit for unit in self.loaded if self.file(unit).exists()}
        for unit in units:
            link = self.root / "units/multi-user.target.wants" / f"{unit}.service"
            if verb == "enable":
                link.symlink_to(self.file(unit))
            elif verb == "disable":
                link.unlink(missing_ok=True)
            elif verb in ("start", "restart"):
                self.up.add(unit)
            elif verb == "stop":
                self.up.discard(unit)
            elif verb == "reset-failed":
                self.failed.discard(unit)
        return ""

    def file(self, unit: str) -> Path:
        return self.root / "units" / f"{unit.partition('@')[0]}{'@' if '@' in unit else ''}.service"

    def shown(self, unit: str) -> str:
        if self.file(unit).exists():
            self.loaded.add(unit)
        enabled = (self.root / f"units/multi-user.target.wants/{unit}.service").exists()
        state = "active" if unit in self.up else "failed" if unit in self.failed else "inactive"
        return "\n".join(
            [
                f"Id={unit}.service",
                f"LoadState={'loaded' if unit in self.loaded else 'not-found'}",
                f"ActiveState={state}",
                f"UnitFileState={'enabled' if enabled else ''}",
                "NeedDaemonReload=no",
                "MainPID=7",
                "InvocationID=a",
                "RuntimeDirectory=none",
                "ConditionResult=yes",
            ]
        )

    # What the kit deploys.

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def managed(self, name: str, **others: str) -> dict[str, Any]:
        content = f"#\n# {HEADER}\n#\nkey=value\n"
        own = {"owner": "root", "group": "root", "mode": "0644"}
        return {"path": self.path(name), "content": content} | own | others

    def unit_file(self, name: str) -> dict[str, Any]:
        return self.managed(f"units/{name}") | {"content": f"# {HEADER}\n[Service]\n"}

    def artifact(self, name: str) -> dict[str, Any]:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            entry = tarfile.TarInfo(f"{name}-1.0/bin/{name}-test-run")
            entry.mode = 0o755
            archive.addfile(entry, io.BytesIO())
        sha512 = hashlib.sha512(stream.getvalue()).hexdigest()
        return {
            "name": name,
            "version": "1.0",
            "tarball": self.path(f"cache/{name}-1.0-{sha512[:16]}.tar"),
            "sha512": sha512,
            "prefix": self.path("opt"),
            "current": True,
            "bytes": stream.getvalue(),
        }

    def service(self, name: str, directories: list[dict[str, str]], **others: Any) -> dict[str, Any]:
        install = {
            "paths": [],
            "users": [{"name": name, "group": name, "home": "/"}],
            "directories": directories,
            "artifacts": [self.artifact(name)],
            "links": [{"path": self.path(f"opt/{name}-home"), "target": self.path(f"opt/{name}")}],
            "commands": [self.path(f"opt/{name}/bin")],
        }
        return {"name": name, "install": install, "stores": [], "settings": {}} | others

    def data(self, name: str, owner: str, **others: str) -> dict[str, str]:
        return {"path": self.path(name), "owner": owner, "group": owner, "mode": "0750"} | others

    def zookeeper(self) -> dict[str, Any]:
        return self.service(
            "zookeeper",
            [self.data("var/zookeeper", "zookeeper")],
            files=[
                self.managed("etc/zookeeper/zoo.cfg"),
                self.managed("var/zookeeper/myid", owner="zookeeper") | {"content": "1\n"},
                self.managed("units/zookeeper.service")
                | {"content": f"# {HEADER}\n[Service]\nLogsDirectory=zookeeper\n"},
            ],
            units=[{"name": "zookeeper", "file": "zookeeper.service", "restart_on": []}],
        )

    def kafka(self) -> dict[str, Any]:
        data = self.path("var/kafka")
        return self.service(
            "kafka",
            [
                self.data("var/kafka", "kafka"),
                self.data("var/log/kafka", "root", group="kafka", mode="0775"),
                self.data("disk/kafka", "kafka"),
            ],
            files=[
                self.managed("etc/kafka/server-1.properties", group="kafka", mode="0640"),
                self.managed("etc/profile.d/kafka.sh"),
                self.unit_file("kafka@.service"),
                self.unit_file("kafka@.service.d/millrace.conf"),
            ],
            units=[{"name": "kafka@1", "file": "kafka@.service", "restart_on": []}],
            stores=[{"name": "log.dirs of 1", "directories": [f"{data}/1"], "markers": ["meta.properties"]}],
            settings={self.path("state/kit/kafka-dynamic.properties"): ["*"]},
        )

    def deploy(self) -> None:
        """The services run and have written something."""
        (self.root / "cache").mkdir(exist_ok=True)
        for service in self.services:
            for artifact in service["install"]["artifacts"]:
                Path(artifact["tarball"]).write_bytes(artifact["bytes"])
        for state in ("installed", "started"):
            ensure_state(self.services, state, [], self.record)
        self.write("var/kafka/1/meta.properties", "kafka")
        self.write("var/zookeeper/version-2/log.1", "zookeeper")
        self.write("var/log/kafka/gc.log", "kafka")
        # Its directory is made by systemd.
        self.write("var/log/zookeeper/gc.log", "zookeeper")
        self.write("tmp/hsperfdata_kafka/7", "kafka")
        self.write("state/kit/kept/kafka@1/etc/kafka/server-1.properties")
        self.write("state/kit/kafka-dynamic.properties").write_text(f"# {HEADER}\n")

    def write(self, name: str, owner: str = "root") -> Path:
        """A file of a user's, in a directory of its own where there is none."""
        path, user = self.root / name, self.users[owner]
        missing = [each for each in path.parents if not each.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("written\n")
        for each in [*missing, path]:
            os.chown(each, user.pw_uid, user.pw_gid)
        return path

    def remove(self, *, data: bool = True, check: bool = False) -> dict[str, Any]:
        """Tear it down; paths that are told have no root."""
        done = host_remove.remove(self.services, HEADER, self.record, data=data, tarballs=True, check=check)
        return {
            key: [text.replace(f"{self.root}/", "") for text in value] if isinstance(value, list) else value
            for key, value in done.items()
        }

    def listing(self) -> dict[str, Any]:
        """All that is there."""
        files = {}
        for path in self.root.rglob("*"):
            status = path.lstat()
            content = (
                os.readlink(path)
                if path.is_symlink()
                else path.read_text("latin-1")
                if path.is_file()
                else ""
            )
            files[str(path.relative_to(self.root))] = (status.st_mode, status.st_uid, status.st_gid, content)
        accounts = (sorted(self.users), sorted(self.groups), sorted(self.packages))
        return files | {
            "accounts": accounts,
            "units": (sorted(self.up), sorted(self.failed), sorted(self.loaded)),
        }


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    # Where the kit comes it finds other people's things.
    made = Machine(tmp_path / "machine", monkeypatch)
    made.write("etc/profile.d/theirs.sh")
    made.write("opt/theirs/run")
    made.write("units/theirs.service")
    made.write("cache/README").unlink()
    (made.root / "cache").rmdir()
    return made


def test_after_a_teardown_the_machine_is_what_it_was(machine: Machine) -> None:
    before = machine.listing()
    machine.deploy()
    deployed = machine.listing()
    assert machine.up == {"kafka@1", "zookeeper"}
    would = machine.remove(check=True)
    assert machine.listing() == deployed
    done = machine.remove()
    assert done["left"] == []
    assert would["removed"] == done["removed"]
    assert would == done
    assert machine.listing() == before
    assert machine.remove() == {"removed": [], "left": [], "changed": False}
    assert machine.listing() == before


def test_what_uses_others_is_stopped_before_them(machine: Machine) -> None:
    machine.deploy()
    machine.told = []
    machine.remove()
    assert machine.told == ["stop kafka@1", "stop zookeeper", "disable kafka@1 zookeeper", "daemon-reload"]


def test_a_run_that_is_cut_off_anywhere_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data in (True, False):
        last, cut = 0, True
        wanted: dict[str, Any] = {}
        while cut:
            machine = Machine(tmp_path / f"machine-{data}-{last}", monkeypatch)
            before = machine.listing()
            machine.deploy()
            machine.failed = {"kafka@1"}
            machine.up = {"zookeeper"}
            machine.steps, machine.last = 0, last
            try:
                machine.remove(data=data)
                cut = False
            except CutError:
                machine.last = -1
                machine.remove(data=data)
            if data:
                assert machine.listing() == before, last
            else:
                named = {
                    key: value[:3] if key not in ("accounts", "units") else value
                    for key, value in machine.listing().items()
                }
                wanted = wanted or named
                assert named == wanted, last
            shutil.rmtree(machine.root)
            last += 1
        assert last > 20


def test_data_stays_with_whom_it_belongs_to_until_it_is_asked_for(machine: Machine) -> None:
    before = machine.listing()
    machine.deploy()
    ids = {name: machine.users[name].pw_uid for name in ("kafka", "zookeeper")}
    left = machine.remove(data=False)["left"]
    assert left == [
        f"var/kafka/1: data of kafka (uid {ids['kafka']}): meta.properties",
        f"var/zookeeper: data of zookeeper (uid {ids['zookeeper']}): myid, version-2",
        f"user zookeeper: uid {ids['zookeeper']}, owns what is left",
        f"user kafka: uid {ids['kafka']}, owns what is left",
        f"group zookeeper: gid {machine.groups['zookeeper'][0]}, of zookeeper",
        f"group kafka: gid {machine.groups['kafka'][0]}, of kafka",
        "state/kit/kafka-dynamic.properties: it goes with the data in var/kafka/1",
    ]
    assert machine.up == set()
    assert sorted(
        path for path in machine.listing() if path.startswith(("etc/kafka", "opt/k", "state/", "var/"))
    ) == [
        "state/kit",
        "state/kit/kafka-dynamic.properties",
        "state/kit/made.json",
        "var/kafka",
        "var/kafka/1",
        "var/kafka/1/meta.properties",
        "var/log",
        "var/zookeeper",
        "var/zookeeper/myid",
        "var/zookeeper/version-2",
        "var/zookeeper/version-2/log.1",
    ]
    again = machine.remove(data=False)
    assert (again["changed"], again["left"]) == (False, left)
    # The next deployment takes it over, and what was made first is known still.
    machine.deploy()
    assert {name: machine.users[name].pw_uid for name in ids} == ids
    machine.remove(data=False)
    assert machine.remove()["left"] == []
    assert machine.listing() == before


def test_users_groups_and_directories_that_were_there_before_stay(machine: Machine) -> None:
    machine.run("groupadd", "kafka")
    machine.run("useradd", "--gid", "kafka", "kafka")
    machine.run("groupadd", "zookeeper")
    (machine.root / "disk").mkdir()
    (machine.root / "disk/kafka").mkdir(mode=0o711)
    before = machine.listing()
    machine.deploy()
    assert (machine.root / "disk/kafka").stat().st_uid == machine.users["kafka"].pw_uid
    # Of a user of before the owner of a directory is right and tells nothing.
    done = machine.remove()
    assert "disk/kafka is root's again" in done["removed"]
    before["accounts"], after = before["accounts"], machine.listing()
    shutil.rmtree(machine.root / "tmp")
    assert after["accounts"] == before["accounts"]
    assert {key: value for key, value in after.items() if not key.startswith("tmp/")} == before


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("etc/kafka/theirs.properties", "etc/kafka: others have put there theirs.properties"),
        ("units/kafka@.service.d/theirs.conf", "units/kafka@.service.d: others have put there theirs.conf"),
        ("var/log/kafka/theirs.log", "var/log/kafka/theirs.log: it belongs to root"),
        ("var/kafka/lost+found/x", "var/kafka/lost+found: it belongs to root"),
        ("cache/theirs.tar", "cache: others have put there theirs.tar"),
        ("cache/kafka-1.0.tar.gz", "cache: others have put there kafka-1.0.tar.gz"),
        ("state/kit/theirs", "state/kit: others have put there theirs"),
    ],
)
def test_what_others_have_put_there_is_left_and_named(machine: Machine, name: str, told: str) -> None:
    machine.deploy()
    theirs = machine.write(name)
    assert told in machine.remove(check=True)["left"]
    assert told in machine.remove()["left"]
    assert theirs.exists()
    again = machine.remove()
    assert (told in again["left"], again["changed"]) == (True, False)
    # When they have taken it away the rest goes, too.
    theirs.unlink()
    for folder in theirs.parents:
        if folder.name == "lost+found":
            folder.rmdir()
    machine.remove()
    assert machine.remove() == {"removed": [], "left": [], "changed": False}


def test_a_file_in_the_place_of_the_kits_is_left(machine: Machine) -> None:
    machine.deploy()
    (machine.root / "etc/profile.d/kafka.sh").write_text("theirs\n")
    assert machine.remove()["left"] == [
        "etc/profile.d/kafka.sh: it has not the line by which the kit knows its files"
    ]


def test_a_link_that_leads_elsewhere_is_left(machine: Machine) -> None:
    machine.deploy()
    for name, target in (("kafka", "theirs"), ("kafka-home", machine.path("opt/theirs"))):
        (machine.root / "opt" / name).unlink()
        (machine.root / "opt" / name).symlink_to(target)
    assert machine.remove()["left"] == [
        "opt/kafka: a link to theirs",
        "opt/kafka-home: a link to opt/theirs",
    ]


def test_what_a_process_runs_from_or_a_link_leads_to_is_left(machine: Machine) -> None:
    machine.deploy()
    folders = {name: host_install.folder_of(machine.artifact(name)) for name in ("kafka", "zookeeper")}
    (machine.root / "opt/mine").symlink_to(folders["kafka"])
    process = machine.root / "proc/7"
    (process / "fd").mkdir(parents=True)
    (process / "ns").mkdir()
    (process / "ns/mnt").symlink_to("mnt:[1]")
    (process / "mountinfo").touch()
    (process / "maps").write_text(f"{machine.root}/opt/{folders['zookeeper']}/lib/a.so\n")
    assert machine.remove()["left"] == [
        f"opt/{folders['kafka']}: a link or a unit leads there",
        f"opt/{folders['zookeeper']}: a process runs from there",
    ]
    (machine.root / "opt/mine").unlink()
    shutil.rmtree(process)
    assert machine.remove()["left"] == []
    assert not any((machine.root / "opt" / folder).exists() for folder in folders.values())


def test_a_user_whose_process_runs_is_left(machine: Machine) -> None:
    machine.deploy()
    process = machine.root / "proc/7"
    (process / "fd").mkdir(parents=True)
    os.chown(process, machine.users["kafka"].pw_uid, 0)
    left = machine.remove()["left"]
    uid, gid = machine.users["kafka"].pw_uid, machine.groups["kafka"][0]
    assert f"user kafka: uid {uid}, runs process 7" in left
    assert f"group kafka: gid {gid}, of kafka" in left
    shutil.rmtree(process)
    assert "user kafka" in machine.remove()["removed"]


def test_a_disk_is_emptied_and_stays_mounted(machine: Machine) -> None:
    """Also one below a directory of data."""
    (machine.root / "disk/kafka").mkdir(parents=True)
    machine.mounted = [machine.path("disk/kafka"), machine.path("var/kafka/other"), "/"]
    machine.deploy()
    machine.write("disk/kafka/orders-0/log", "kafka")
    machine.write("var/kafka/other/log", "kafka")
    assert "var/kafka/other: a mount point" in machine.remove()["left"]
    assert os.listdir(machine.root / "disk/kafka") == []
    assert (machine.root / "var/kafka/other/log").exists()
    assert not (machine.root / "var/kafka/1").exists()


def test_no_link_among_data_is_followed(machine: Machine) -> None:
    """But one to it that root has put is, as it was when the directory was made."""
    (machine.root / "elsewhere/kafka").mkdir(parents=True)
    (machine.root / "disk").mkdir()
    (machine.root / "disk/kafka").symlink_to(machine.root / "elsewhere/kafka")
    precious = machine.write("precious/file")
    os.chmod(precious.parent, 0o777)
    before = machine.listing()
    machine.deploy()
    machine.write("elsewhere/kafka/log", "kafka")
    for name in ("var/kafka/1/link", "var/kafka/link", "var/log/kafka/link"):
        (machine.root / name).symlink_to(precious.parent)
        os.chown(machine.root / name, machine.users["kafka"].pw_uid, 0, follow_symlinks=False)
    machine.remove()
    assert machine.listing() == before


def test_a_directory_of_data_that_its_user_has_made_a_link_is_left(machine: Machine) -> None:
    machine.deploy()
    precious = machine.write("precious/file", "kafka")
    shutil.rmtree(machine.root / "var/kafka/1")
    (machine.root / "var/kafka/1").symlink_to(precious.parent)
    os.chown(machine.root / "var/kafka/1", machine.users["kafka"].pw_uid, 0, follow_symlinks=False)
    machine.remove()
    assert precious.exists()


@pytest.mark.parametrize("names", [["kafka"], ["zookeeper"], ["spark"]], ids="-".join)
def test_a_service_that_the_inventory_has_no_more_goes_too(machine: Machine, names: list[str]) -> None:
    before = machine.listing()
    # Where jobs are submitted there is no unit.
    machine.services.append(
        machine.service("spark", [], files=[machine.managed("etc/spark/defaults.conf")], units=[])
    )
    machine.deploy()
    machine.services = [service for service in machine.services if service["name"] in names]
    would = machine.remove(check=True)
    assert machine.remove() == would
    assert would["left"] == []
    assert machine.up == set()
    assert machine.listing() == before


def test_what_is_known_of_data_stays_with_it_though_the_inventory_has_its_service_no_more(
    machine: Machine,
) -> None:
    before = machine.listing()
    machine.deploy()
    machine.services = machine.services[:1]
    left = machine.remove(data=False)["left"]
    assert "state/kit/kafka-dynamic.properties: it goes with the data in var/kafka, var/zookeeper" in left
    assert (machine.root / "var/kafka/1/meta.properties").exists()
    assert machine.remove()["left"] == []
    assert machine.listing() == before


@pytest.mark.parametrize("data", [False, True], ids=["keep", "remove"])
@pytest.mark.parametrize(("user", "owner"), [("kafka", "root"), ("zookeeper", "zookeeper")])
def test_logs_of_before_stay(machine: Machine, user: str, owner: str, data: bool) -> None:
    """Another product ran as the user, and wrote where the kit's daemons do, too."""
    machine.run("groupadd", user)
    machine.run("useradd", "--gid", user, user)
    logs = [machine.write(f"var/log/{name}/server.log", user) for name in ("other", user)]
    os.chown(logs[1].parent, machine.users[owner].pw_uid, 0)
    machine.deploy()
    left = machine.remove(data=data)["left"]
    assert f"var/log/{user}: beside the kit's logs there may be others, or data" in left
    assert all(log.exists() for log in logs)


def test_logs_of_the_kit_go_whoever_has_made_their_user(machine: Machine) -> None:
    for user in ("kafka", "zookeeper"):
        machine.run("groupadd", user)
        machine.run("useradd", "--gid", user, user)
    machine.deploy()
    machine.remove(data=False)
    assert os.listdir(machine.root / "var/log") == []


def test_logs_go_that_a_kit_of_before_did_not_record(machine: Machine) -> None:
    before = machine.listing()
    machine.deploy()
    made = host_made.read(machine.record)
    del made["directories"][machine.path("var/log/zookeeper")]
    host_made.write(made, machine.record)
    assert machine.remove()["left"] == []
    assert machine.listing() == before


@pytest.mark.parametrize("lost", [False, True], ids=["there", "lost"])
@pytest.mark.parametrize("name", ["var/log/kafka", "var/log/kafka/data"])
def test_data_among_logs_is_data(machine: Machine, name: str, lost: bool) -> None:
    machine.services[1]["install"]["directories"] = [machine.data(name, "kafka")]
    machine.services[1]["stores"] = [
        {"name": "log.dirs of 1", "directories": [machine.path(name)], "markers": ["meta.properties"]}
    ]
    machine.deploy()
    data = machine.write(f"{name}/meta.properties", "kafka")
    machine.services = machine.services[:1] if lost else machine.services
    assert any(text.startswith(f"{name}: data of kafka") for text in machine.remove(data=False)["left"])
    assert data.exists()
    machine.remove()
    assert os.listdir(machine.root / "var/log") == []


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "not-recorded"])
@pytest.mark.parametrize("leads_to", ["", "jvm/17", "theirs"])
def test_a_link_of_before_stays(machine: Machine, leads_to: str, recorded: bool) -> None:
    """But one that a kit which recorded none may have made goes."""
    for name in ("jvm/17", "theirs"):
        (machine.root / name).mkdir(parents=True)
    java = machine.root / "opt/java"
    link = {"path": str(java), "target": machine.path("jvm/17"), "within": machine.path("jvm")}
    if leads_to:
        java.symlink_to(machine.root / leads_to)
    if leads_to != "theirs":
        machine.services[0]["install"]["links"].append(link)
    machine.deploy()
    if leads_to == "theirs":
        # It is refused, so that no kit has come that far.
        machine.services[0]["install"]["links"].append(link)
    made = host_made.read(machine.record)
    if not recorded:
        del made["links"]
    host_made.write(made, machine.record)
    stays = leads_to == "theirs" or (leads_to == "jvm/17" and recorded)
    assert machine.remove()["left"] == [f"opt/java: a link to {leads_to}"] * stays
    assert java.is_symlink() is stays


def test_tarballs_that_are_mounted_or_shared_stay(machine: Machine) -> None:
    machine.deploy()
    machine.mounted = [machine.path("cache")]
    assert machine.remove()["left"] == ["cache: a mount point"]
    assert len(os.listdir(machine.root / "cache")) == 2


def test_packages_that_came_for_the_kit_go_unless_others_need_them(machine: Machine) -> None:
    assert host_made.note_packages("java", machine.record) == ["java", "library"]
    assert host_made.note_packages("java", machine.record) == []
    machine.packages = {"base": True, "java": True, "library": False, "theirs": True}
    assert machine.remove()["left"] == ["package java: needed by theirs"]
    del machine.packages["theirs"]
    assert machine.remove(check=True)["removed"] == [
        "packages java, library",
        "state/kit/made.json",
        "state/kit",
    ]
    machine.packages["library"] = True  # somebody has asked for it since
    assert machine.remove()["left"] == []
    assert machine.packages == {"base": True, "library": True}


def test_packages_go_that_only_another_one_of_the_kit_needs(machine: Machine) -> None:
    """After an upgrade of Debian the newer JDK stands on what came with the older."""
    machine.packages = {"java": True, "library": False, "newer-java": True, "theirs": True}
    packages = {"java": ["java", "library"], "newer-java": ["newer-java"]}
    host_made.write(host_made.read(machine.record) | {"packages": packages}, machine.record)
    done = machine.remove()
    assert (done["removed"], done["left"]) == (["packages newer-java"], ["package java: needed by theirs"])
    del machine.packages["theirs"]
    machine.packages["newer-java"] = True
    host_made.write(host_made.read(machine.record) | {"packages": packages}, machine.record)
    for check in (True, False):
        done = machine.remove(check=check)
        assert (done["removed"][0], done["left"]) == ("packages newer-java, java, library", [])
    assert machine.packages == {}


def test_without_a_record_nothing_is_taken_for_the_kits_but_what_says_so(machine: Machine) -> None:
    """A machine of a kit that kept none."""
    machine.deploy()
    os.unlink(machine.record)
    machine.remove()
    assert {"kafka", "zookeeper"} <= {*machine.users}
    assert not (machine.root / "etc/kafka/server-1.properties").exists()
    assert (machine.root / "etc/kafka").is_dir()
    assert os.listdir(machine.root / "var/kafka") == []


def test_what_is_made_is_recorded_before(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*words: str) -> str:
        raise CutError

    monkeypatch.setattr(host_install, "_run", killed)
    with pytest.raises(CutError):
        ensure_state(machine.services, "installed", [], machine.record)
    made = json.loads(Path(machine.record).read_text())
    assert made["users"] == ["zookeeper", "kafka"]
    assert made["directories"][machine.path("var/kafka")] is None
    # Files are not written yet, nor are their directories made.
    assert machine.path("etc/kafka") not in made["directories"]


@pytest.mark.parametrize("name", ["var/kafka/1", "var/kafka/disks/1"])
def test_a_directory_of_before_among_data_gets_back_what_it_was(machine: Machine, name: str) -> None:
    machine.run("groupadd", "kafka")
    machine.run("useradd", "--gid", "kafka", "kafka")
    machine.write(f"{name}/old", "kafka").unlink()
    machine.services[1]["install"]["directories"].append(machine.data(name, "kafka"))
    before = machine.listing()
    machine.deploy()
    machine.remove()
    # The user is not the kit's.
    shutil.rmtree(machine.root / "tmp/hsperfdata_kafka")
    assert machine.listing() == before


def test_a_directory_of_before_is_not_given_back_while_data_is_left_in_it(machine: Machine) -> None:
    (machine.root / "var/kafka").mkdir()
    machine.deploy()
    machine.remove(data=False)
    assert (machine.root / "var/kafka").stat().st_uid == machine.users["kafka"].pw_uid
    # The next deployment is not refused.
    machine.deploy()
    machine.remove()
    assert (machine.root / "var/kafka").stat().st_uid == 0


def test_a_directory_that_was_made_stays_the_kits_whatever_becomes_of_it(machine: Machine) -> None:
    before = machine.listing()
    machine.deploy()
    (machine.root / "var/kafka").chmod(0o777)
    machine.deploy()
    assert machine.remove()["left"] == []
    assert machine.listing() == before


def test_a_disk_that_was_mounted_since_is_emptied_and_left(machine: Machine) -> None:
    machine.deploy()
    machine.mounted = [machine.path("disk/kafka")]
    machine.write("disk/kafka/orders-0/log", "kafka")
    assert machine.remove()["left"][0] == "disk/kafka: a mount point"
    assert os.listdir(machine.root / "disk/kafka") == []


def test_a_unit_whose_file_somebody_has_deleted(machine: Machine) -> None:
    before = machine.listing()
    machine.deploy()
    (machine.root / "units/zookeeper.service").unlink()
    machine.remove()
    assert machine.listing() == before
