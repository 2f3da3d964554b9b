"""What is refused of machines, given what was read of them."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from rules import MACHINE_RULES, Inventory, Machine, cautions, judge
from rules.machines import name_faults

from roles.common.action_plugins.preflight import MACHINE_VALUES
from tests.unit.playbooks import CHECKOUT

UNKNOWN = (
    "this machine has no address of {}: "
    "give every machine of the cluster the names of all, by DNS or in its /etc/hosts"
)
LOOPBACK = (
    "this machine finds a at 127.0.1.1, where daemons would listen for this machine only: in its /etc/hosts "
    "remove the line '127.0.1.1 a', or write the address by which others reach a"
)


@pytest.mark.parametrize(
    ("addresses", "faults"),
    [
        ({}, []),
        ({"a": "192.0.2.1", "b": "192.0.2.2"}, []),
        ({"a": "192.0.2.1", "b": None, "c": None}, [UNKNOWN.format("b, c")]),
        # As Debian's installer leaves /etc/hosts; a cluster of one machine finds itself there.
        ({"a": "127.0.1.1", "b": "192.0.2.2"}, [LOOPBACK]),
        ({"a": "127.0.1.1"}, []),
        ({"a": None}, [UNKNOWN.format("a")]),
        ({"a": "127.0.1.1", "b": None}, [UNKNOWN.format("b"), LOOPBACK]),
    ],
)
def test_names_that_daemons_cannot_use(addresses: dict[str, str | None], faults: list[str]) -> None:
    assert name_faults(addresses) == faults


GIB = 1024
VALUES: dict[str, Any] = {
    "java_home": "/usr/lib/jvm/java-17-openjdk-amd64",
    "java_package": "openjdk-17-jre-headless",
    "java_major": 17,
    "java_majors": [17, 21],
    "kafka_data_dir": "/data/kafka",
    "yarn_local_dir": "/var/lib/yarn/local",
    "yarn_log_dir": "/var/log/yarn-containers",
    "yarn_nodemanager_hosts": ["a", "b"],
    "yarn_site_overrides": {},
    "common_untested_systems": False,
    "common_machine_memory": 8 * GIB,
    "spark_python": "3.11",
}
SERVICES: dict[str, dict[str, Any]] = {
    "kafka": {
        "endpoints": [
            {"machine": name, "port": 9092, "unit": "kafka@1", "variable": "kafka_brokers"} for name in "ab"
        ],
        "memory": [{"variable": "kafka_heap", "size": "4g", "hosts": ["a", "b"]}],
    }
}


def disk(path: str, **changes: Any) -> dict[str, Any]:
    """A file system with room."""
    sound = {"read_only": False, "free": 50 * GIB, "size": 100 * GIB, "inodes": 1000}
    return {"path": path, **sound, **changes}


def facts(number: int, **changes: Any) -> dict[str, Any]:
    """What was read of the machine a or b, Debian 12."""
    return {
        "system": {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)"},
        "java": {"packages": [17], "homes": []},
        "architecture": "x86_64",
        "python": "3.11.2",
        "memory": 8 * GIB,
        "user": 0,
        "hostname": f"host-{number}",
        "own_address": f"192.0.2.{number}",
        "names": {"a": "192.0.2.1", "b": "192.0.2.2"},
        "addresses": [f"192.0.2.{number}"],
        "time": 1000.5,
        "asked": [1000.0, 1001.0],
        "listening": [{"port": 22, "unit": "ssh", "program": "sshd"}],
        "mounts": [disk("/"), disk("/data")],
        "fstab": ["/", "/data"],
        "files": {f"{VALUES['java_home']}/bin/java": False},
        **changes,
    }


def said(
    values: dict[str, Any] | None = None, a: dict[str, Any] | None = None, b: dict[str, Any] | None = None
) -> dict[str, list[str]]:
    """The refusals by rule of two machines, with changes of variables and of what was read of each."""
    # No others are made for these rules.
    known = {key: value for key, value in (VALUES | (values or {})).items() if MACHINE_VALUES.match(key)}
    machines = tuple(
        Machine(
            name,
            known,
            frozenset({"java", "kafka", "yarn", "spark"}),
            copy.deepcopy(SERVICES),
        )
        for name in "ab"
    )
    found: dict[str, list[str]] = {}
    read = {"a": facts(1, **(a or {})), "b": facts(2, **(b or {}))}
    for refusal in judge(MACHINE_RULES, Inventory(machines, facts=read)):
        found.setdefault(refusal.rule, []).append(refusal.text)
    return found


def test_sound_machines_pass() -> None:
    assert said() == {}


ON_DATA = "/data/kafka of b (kafka_data_dir) lies on /data, which"
TRIXIE = {"id": "debian", "version": "13", "name": "Debian GNU/Linux 13 (trixie)"}
ON_TRIXIE = {"packages": [21, 25], "homes": []}
NO_PACKAGE: dict[str, list[Any]] = {"packages": [], "homes": []}
UBUNTU = {"id": "ubuntu", "version": "24.04", "name": "Ubuntu 24.04.1 LTS"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "system",
        {"system": UBUNTU, "files": {f"{VALUES['java_home']}/bin/java": True}},
        "b runs Ubuntu 24.04.1 LTS: the kit is tried on Debian 12 and 13; take one",
    ),
    (
        "system",
        {"system": {"id": "debian", "version": "11", "name": "Debian GNU/Linux 11 (bullseye)"}},
        "b runs Debian GNU/Linux 11 (bullseye): the kit is tried on",
    ),
    (
        "architecture",
        {"architecture": "aarch64"},
        "b is aarch64: the kit is tried on amd64 (x86_64). Without",
    ),
    (
        "java-package",
        {"system": TRIXIE, "java": ON_TRIXIE},
        "java_major is 17, which Debian 13 of b has no package of (it has 21 and 25): leave it out or",
    ),
    (
        "spark-python",
        {"python": "3.13.5"},
        "spark_python is 3.11, and b has Python 3.13, which would not find NumPy, pandas and PyArrow: give",
    ),
    (
        "name-of-machine",
        {"names": {"a": "192.0.2.1", "b": "127.0.1.1"}},
        "b: this machine finds b at 127.0.1.1, where daemons would listen for this machine only",
    ),
    (
        "name-of-machine",
        {"names": {"a": None, "b": "192.0.2.2"}},
        "b: this machine has no address of a: give",
    ),
    (
        "mistaken-name",
        {"names": {"a": "192.0.2.2", "b": "192.0.2.2"}},
        "b finds a at 192.0.2.2, which is an address of b: correct it in its /etc/hosts or in DNS",
    ),
    (
        "root",
        {"user": 1000},
        "b is entered as a user (uid 1000) who is not root: set ansible_become to true in",
    ),
    (
        "own-name",
        {"own_address": "127.0.1.1"},
        "b finds its own hostname, host-2, at 127.0.1.1, and what runs in containers of",
    ),
    (
        "own-name",
        {"own_address": None},
        "b finds its own hostname, host-2, nowhere, and what runs in",
    ),
    ("hostname", {"hostname": "host-1"}, "a and b have the same hostname, host-1: give each its own"),
    (
        "clock",
        {"time": 1100.5},
        "the clock of b is 99 s ahead of that of a: 30 s are the most; set them by NTP",
    ),
    ("clock", {"time": 900.5}, "the clock of a is 99 s ahead of that of b: 30 s are the most"),
    (
        "held-port",
        {"listening": [{"port": 9092, "unit": "nginx", "program": "nginx"}]},
        "port 9092 of b is held by nginx (unit nginx), and kafka@1 is to listen there (kafka_brokers): end",
    ),
    (
        "held-port",
        {"listening": [{"port": 9092, "unit": "", "program": "nc"}]},
        "port 9092 of b is held by nc, and kafka@1",
    ),
    (
        "disk",
        {"mounts": [disk("/"), disk("/data", read_only=True)]},
        "/data/kafka of b (kafka_data_dir) lies on /data, which is mounted read-only: mount it read-write",
    ),
    (
        "disk",
        {"mounts": [disk("/"), disk("/data", free=100)]},
        "/data/kafka of b (kafka_data_dir) lies on /data, w",
    ),
    (
        "disk",
        {"mounts": [disk("/"), disk("/data", inodes=0)]},
        "/data/kafka of b (kafka_data_dir) lies on /data, w",
    ),
    (
        "disk",
        {"mounts": [disk("/", free=5 * GIB), disk("/data")]},
        "/var/lib/yarn/local of b (yarn_local_dir) lies on /, which is 95 % full, and a NodeManager gives",
    ),
    (
        "unmounted",
        {"mounts": [disk("/")]},
        "/data/kafka of b (kafka_data_dir) is to lie on /data, which its /etc/fstab names and which is not",
    ),
    (
        "machine-memory",
        {"memory": 7600},
        "common_machine_memory is 8192 MB and b has 7600 MB: give what it has, heaps and containers may be",
    ),
    (
        "controller",
        {"reach": {"b:9092": "it has no address here"}},
        "this machine does not reach b:9092: it has no address here. The kit's gates and tests ask",
    ),
]


@pytest.mark.parametrize(("rule", "change", "begins"), REFUSED, ids=[f"{r[0]}: {r[2][:50]}" for r in REFUSED])
def test_machines_that_are_refused(rule: str, change: dict[str, Any], begins: str) -> None:
    found = said(b=change)
    assert list(found) == [rule]
    [text] = found[rule]
    assert text.startswith(begins)


def test_daemons_need_no_more_memory_than_there_is() -> None:
    [text] = said({"common_machine_memory": 0}, b={"memory": 4 * GIB})["machine-memory"]
    assert text.startswith(
        "daemons and containers of b may take 4160 MB together and it has 4096 MB: kafka_heap 1 x 4096,"
    )


UNTESTED = {"common_untested_systems": True}
SOUND: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Debian 13 with its own Java": (
        {"java_major": 21, "java_package": "openjdk-21-jre-headless"},
        {"system": TRIXIE, "java": ON_TRIXIE},
    ),
    "a Java that is there": (
        {},
        {"system": TRIXIE, "java": ON_TRIXIE, "files": {f"{VALUES['java_home']}/bin/java": True}},
    ),
    "a Java that was found": (
        {},
        {"system": TRIXIE, "java": {"packages": [21, 25], "homes": [VALUES["java_home"]]}},
    ),
    "a package of one's own": ({"java_package": "temurin-17-jre"}, {"system": TRIXIE, "java": ON_TRIXIE}),
    "another system, said": (
        UNTESTED,
        {
            "system": UBUNTU,
            "architecture": "aarch64",
            "files": {f"{VALUES['java_home']}/bin/java": True},
        },
    ),
    "the daemon itself": ({}, {"listening": [{"port": 9092, "unit": "kafka@1", "program": "java"}]}),
    "clocks within the call": ({}, {"time": 1030.0, "asked": [1000.0, 1002.0]}),
    "a name of another network": ({}, {"names": {"a": "198.51.100.1", "b": "198.51.100.2"}}),
    "a full disk, said": ({"yarn_site_overrides": {
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 99
    }}, {"mounts": [disk("/", free=5 * GIB), disk("/data")]}),
    "a port whose owner cannot be seen": (
        {},
        {"listening": [{"port": 9092, "unit": "", "program": ""}]},
    ),
    "a file system of another machine": (
        {},
        {"mounts": [disk("/"), disk("/data", free=None, size=None, inodes=None)]},
    ),
    "a full disk of a machine without a NodeManager": (
        {"yarn_nodemanager_hosts": ["a"]},
        {"mounts": [disk("/", free=5 * GIB), disk("/data")], "own_address": None},
    ),
    "a NodeManager that looks at no disks": (
        {"yarn_site_overrides": {"yarn.nodemanager.disk-health-checker.enable": "false"}},
        {"mounts": [disk("/", free=5 * GIB), disk("/data")]},
    ),
    "memory of which the kernel takes its part": ({}, {"memory": 7620}),
    "a lab": ({"lab_name": "unit"}, {"memory": 1}),
    "no fstab": ({}, {"fstab": [], "mounts": [disk("/")]}),
    "a disk beside the data": ({}, {"fstab": ["/", "/data", "/data/kafka-2"]}),
}  # fmt: skip


@pytest.mark.parametrize(("values", "change"), SOUND.values(), ids=SOUND)
def test_machines_that_are_taken(values: dict[str, Any], change: dict[str, Any]) -> None:
    same: dict[str, Any] = {key: change[key] for key in ("system", "java") if key in change}
    assert said(values, a=change if "files" in change else same, b=change) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"hdfs_site_overrides": {"dfs.datanode.data.dir": "/var/lib/hdfs/data,[SSD]file:///disk2/hdfs"}},
        {"kafka_brokers": [{"id": 1, "properties": {"log.dirs": ["/data/kafka/1", "/disk2/kafka"]}}]},
        {"zookeeper_cfg_overrides": {"dataLogDir": "/disk2/log"}},
    ],
)
def test_more_disks_are_looked_at_too(values: dict[str, Any]) -> None:
    found = said(values, b={"fstab": ["/", "/data", "/disk2"]})
    assert list(found) == ["unmounted"]
    assert " is to lie on /disk2, which its /etc/fstab names" in found["unmounted"][0]


def test_a_release_without_any_java_of_the_stack() -> None:
    found = said({"java_major": 8, "java_majors": [8], "java_package": "openjdk-8-jre-headless"})
    assert found["java-package"][0] == (
        "java_major is 8, which Debian 12 of a has no package of (it has 17): take another release, or give "
        "java_home with a Java that is there"
    )


@pytest.mark.parametrize(
    ("values", "change", "cautioned"),
    [
        ({}, {}, []),
        (
            {"java_major": 17},
            {"system": TRIXIE},
            ["a with Debian GNU/Linux 12 (bookworm) and Java 17; b with"],
        ),
        (
            UNTESTED,
            {"system": UBUNTU, "architecture": "aarch64"},
            ["b runs Ubuntu 24.04.1 LTS on aarch64, which was not tried", "machines of several releases"],
        ),
    ],
)
def test_what_was_not_tried_is_said(
    values: dict[str, Any], change: dict[str, Any], cautioned: list[str]
) -> None:
    machines = tuple(Machine(name, VALUES | values) for name in "ab")
    told = list(cautions(Inventory(machines, facts={"a": facts(1), "b": facts(2, **change)})))
    assert len(told) == len(cautioned)
    assert all(begins in text for begins, text in zip(cautioned, told, strict=True))


@pytest.mark.parametrize(("wanted", "there"), [("", "3.13.5"), ("3.13", "3.13.0"), ("", "3.9.1")])
def test_the_python_of_jobs(wanted: str, there: str) -> None:
    assert said({"spark_python": wanted}, {"python": there}, {"python": there}) == {}


def test_another_system_needs_a_java_that_is_there() -> None:
    found = said(UNTESTED, b={"system": UBUNTU, "java": NO_PACKAGE})
    assert list(found) == ["java-package"]
    assert found["java-package"][0].endswith("Ubuntu 24.04.1 LTS: install a Java there, and give java_home")


def test_every_rule_has_a_case_and_an_entry() -> None:
    assert {rule for rule, _, _ in REFUSED} == set(MACHINE_RULES)
    entries = re.findall(r"^## (.+)$", (CHECKOUT / "docs/errors.md").read_text(), re.MULTILINE)
    assert set(MACHINE_RULES) <= set(entries)
