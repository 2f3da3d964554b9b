"""`smoke status`: one screen and one document, from what services say and machines know of their daemons."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from smoke import __main__ as cli
from smoke import gates, leaders, reading, status
from smoke.cluster import Broker, Cluster, Kafka, load
from smoke.machine import Machine
from smoke.services import hdfs, kafka, spark, yarn, zookeeper
from smoke.status import Document
from tests.unit.smoke_lab import LAB, write

NOW = 1_800_000_000.0
GIB = 1 << 30
UP = {
    "up": True,
    "systemd": "running",
    "result": "success",
    "seconds": 7300,
    "restarts": 0,
    "on_boot": True,
    "older": [],
    "memory": 700 << 20,
    "disk": {"path": "/var/lib/x", "used": 43 * GIB, "size": 100 * GIB},
    "heap_used": 45 << 20,
    "heap_max": 512 << 20,
}
FAILED = {"up": False, "systemd": "failed", "result": "exit-code", "heap_used": None, "version": ""}
VERSIONS = {"zookeeper": "3.9.5", "hadoop": "3.5.0", "kafka": "4.3.0", "spark": "4.2.0"}


def page(host: str, port: int, unit: str, **more: str) -> dict[str, Any]:
    return {"host": host, "http_port": port, "unit": unit} | more


def description(count: int) -> dict[str, Any]:
    """A cluster like the lab's on so many machines: leaders and quorums on the first three."""
    hosts = [f"millrace-{number}" for number in range(1, count + 1)]
    one, two, three = hosts[:3]
    brokers = [
        {"id": n, "host": host, "port": 9092, "unit": f"kafka@{n}"} for n, host in enumerate(hosts[:5], 1)
    ]
    return {
        "name": "lab",
        "stack": "current",
        "versions": VERSIONS,
        "inventory": "/kit/inventories/here",
        "machines": {host: {"ssh": ["ssh", host]} for host in hosts},
        "zookeeper": {"servers": [{"host": h, "port": 2181, "unit": "zookeeper"} for h in hosts[:3]]},
        "kafka": {"version": "4.3.0", "brokers": brokers, "voters": [1, 2, 3]},
        "hdfs": LAB["hdfs"]
        | {
            "namenodes": [
                page(one, 9870, "hdfs-namenode", id="nn1"),
                page(two, 9870, "hdfs-namenode", id="nn2"),
            ],
            "journalnodes": [page(host, 8480, "hdfs-journalnode") for host in hosts[:3]],
            "datanodes": hosts,
        },
        "yarn": {
            "resourcemanagers": [
                page(one, 8088, "yarn-resourcemanager", id="rm1"),
                page(two, 8088, "yarn-resourcemanager", id="rm2"),
            ],
            "nodemanagers": hosts,
            "nodemanager_unit": "yarn-nodemanager",
            "historyserver": page(three, 19888, "mapred-historyserver"),
        },
        "spark": LAB["spark"] | {"historyserver": page(three, 18080, "spark-historyserver")},
    }


@dataclass
class Lab:
    """A cluster of which tests say what its services and machines answer; all is right at first."""

    cluster: Cluster
    zookeeper: dict[str, Any]
    kafka: kafka.State
    hdfs: hdfs.State
    managers: yarn.State
    nodes: dict[str, str]
    units: dict[str, Any]
    history: dict[str, str]
    """Of Spark."""

    def status(self, *, changed: bool = False) -> Document:
        found = tuple(map(reading._service, gates.parts_of(self.cluster)))
        return status.document(
            self.cluster, reading.Reading(found, self.units, NOW, 0.42, NOW - 600, changed)
        )

    def screen(self) -> str:
        return status.screen(self.status())

    def daemon(self, machine: str, unit: str) -> Document:
        daemons = self.status()["daemons"]
        return next(each for each in daemons if (each["machine"], each["unit"]) == (machine, unit))

    def has(self, machine: str, unit: str, **facts: Any) -> None:
        self.units[machine][unit] |= facts


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Lab]:
    def make(count: int) -> Lab:
        cluster = load(write(tmp_path, description(count)))
        assert cluster.kafka
        assert cluster.yarn
        hosts = list(cluster.machines)
        ids = tuple(broker.id for broker in cluster.kafka.brokers)
        counts = {"NumLiveDataNodes": count, "NumDeadDataNodes": 0, "NumStaleDataNodes": 0}
        node = counts | {"FSState": "Operational", "MissingBlocks": 0}
        lab = Lab(
            cluster,
            zookeeper={f"{host}:2181": {"zk_server_state": "follower"} for host in hosts[:3]}
            | {f"{hosts[1]}:2181": {"zk_server_state": "leader", "zk_synced_followers": "2"}},
            kafka=kafka.State(
                brokers=ids,
                voters=(1, 2, 3),
                caught_up=(1, 2, 3),
                leader=3,
                partitions=(kafka.Partition("orders", 0, 1, (1, 2, 3), (1, 2, 3)),),
            ),
            hdfs=hdfs.State(
                {"nn1": node | {"State": "active"}, "nn2": node | {"State": "standby"}},
                journalnodes={f"{host}:8480": "" for host in hosts[:3]},
                zkfcs={f"{host}:8019": "" for host in hosts[:2]},
                datanodes={f"{host}:9864": "" for host in hosts},
            ),
            managers={
                "rm1": {"haState": "ACTIVE", "activeNodes": count, "unhealthyNodes": 0},
                "rm2": {"haState": "STANDBY"},
            },
            nodes={f"{host}:8042": "" for host in hosts},
            units={
                host: {unit: UP | {"version": VERSIONS[reading.product(unit)]} for unit in machine.units}
                for host, machine in cluster.machines.items()
            },
            history={"spark": "4.2.0"},
        )
        monkeypatch.setattr(zookeeper, "fetch", lambda _: lab.zookeeper)
        monkeypatch.setattr(kafka, "fetch", lambda _: lab.kafka)
        monkeypatch.setattr(hdfs, "fetch", lambda _: lab.hdfs)
        monkeypatch.setattr(yarn, "fetch", lambda _: lab.managers)
        monkeypatch.setattr(yarn, "fetch_nodes", lambda _: lab.nodes)
        monkeypatch.setattr(yarn, "fetch_history", lambda _: {"historyInfo": {"hadoopVersion": "3.5.0"}})
        monkeypatch.setattr(spark, "fetch_history", lambda _: lab.history)
        return lab

    return make


Make = Callable[[int], Lab]


def down(state: hdfs.State, *places: str) -> hdfs.State:
    """The same with daemons that take no connection."""

    def of(looks: dict[str, str]) -> dict[str, str]:
        return {place: f"{place} is silent" if place in places else why for place, why in looks.items()}

    nodes = {name: f"{name} is silent" if name in places else node for name, node in state.namenodes.items()}
    return hdfs.State(nodes, of(state.journalnodes), of(state.zkfcs), of(state.datanodes))


def test_all_right_on_one_screen(make: Make) -> None:
    lab = make(3)
    found = lab.status()
    assert found["right"]
    assert found["wrong"] == []
    lines = status.screen(found).splitlines()
    assert len(lines) <= 42
    assert lines[0] == ("cluster lab (/kit/inventories/here), described 10 min ago: 23 daemons on 3 machines")
    assert "  kafka              3 brokers, quorum of 3, 0 under-replicated; millrace-3 leads" in lines
    assert "    kafka@3               leader      4.3.0    2 h    45M of 512M  43% of 100G  :9092" in lines
    assert lines[-1] == "all right, asked in 0.4 s"


def test_every_daemon_has_a_service_a_state_an_address_and_a_version(make: Make) -> None:
    daemons = make(3).status()["daemons"]
    assert len(daemons) == 23
    for each in daemons:
        assert each["service"]
        assert each["state"] != "unknown"
        assert each["address"]
        assert each["version"] == VERSIONS[reading.product(each["unit"])]
    leads = [f"{each['unit']} on {each['machine']}" for each in daemons if each["leads"]]
    assert leads == [
        "hdfs-namenode on millrace-1",
        "yarn-resourcemanager on millrace-1",
        "zookeeper on millrace-2",
        "kafka@3 on millrace-3",
    ]


def test_a_dead_machine_is_named_and_its_daemons_are_shown(make: Make) -> None:
    lab = make(3)
    lab.units["millrace-2"] = "ssh: connect to host millrace-2 port 22: No route to host"
    lab.zookeeper = {f"millrace-{n}:2181": {"zk_server_state": "follower"} for n in (1, 3)} | {
        "millrace-1:2181": {"zk_server_state": "leader", "zk_synced_followers": "1"},
        "millrace-2:2181": "No route to host",
    }
    lab.kafka = replace(lab.kafka, unreachable={2: "No route to host"}, brokers=(1, 3))
    lab.hdfs = down(lab.hdfs, "nn2", "millrace-2:8480", "millrace-2:8019", "millrace-2:9864")
    lab.nodes["millrace-2:8042"] = "millrace-2:8042 is silent"
    lab.managers["rm2"] = "millrace-2:8088 is silent"
    found = lab.status()
    assert found["wrong"] == ["zookeeper", "kafka", "hdfs", "yarn", "millrace-2"]
    here = [each for each in found["daemons"] if each["machine"] == "millrace-2"]
    assert {each["state"] for each in here} == {"no answer"}
    assert [each["faults"][0] for each in here[:2]] == [
        "millrace-2:2181: No route to host",
        "broker 2: No route to host",
    ]
    assert all(each["systemd"] is each["since"] is each["heap_max"] is None for each in here)
    lines = status.screen(found).splitlines()
    at = lines.index("! millrace-2: ssh: connect to host millrace-2 port 22: No route to host")
    assert lines[at + 1].split() == ["!", "zookeeper", "no", "answer", ":2181"]
    assert lines[at + 2].split() == ["!", "kafka@2", "no", "answer", ":9092"]
    assert lines[-1].startswith("! not right: hdfs, kafka, millrace-2, yarn, zookeeper; ")
    assert max(map(len, lines)) <= 100


def test_a_machine_without_ssh_whose_daemons_answer(make: Make) -> None:
    lab = make(3)
    lab.units["millrace-2"] = "no answer within 8 s"
    assert lab.status()["wrong"] == ["millrace-2"]
    assert lab.daemon("millrace-2", "zookeeper")["state"] == "leader"
    assert lab.daemon("millrace-2", "zookeeper")["right"]
    lab.kafka = kafka.State(failed="KafkaTimeoutError")
    assert lab.daemon("millrace-2", "kafka@2")["faults"] == [
        "neither its service nor its machine says anything of it"
    ]
    assert lab.daemon("millrace-1", "kafka@1")["right"]  # of which systemd says enough


def test_a_crashed_daemon(make: Make) -> None:
    lab = make(3)
    lab.has("millrace-2", "kafka@2", **FAILED)
    lab.kafka = replace(lab.kafka, unreachable={2: "Connection refused"}, brokers=(1, 3))
    assert lab.status()["wrong"] == ["kafka", "kafka@2 on millrace-2"]
    broker = lab.daemon("millrace-2", "kafka@2")
    assert broker["state"] == "failed"
    assert broker["faults"] == ["has ended (exit-code)"]
    lines = lab.screen().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("!   kafka@2"))
    assert lines[at + 1] == "        has ended (exit-code)"
    assert lines[at + 2].startswith("    hdfs-namenode")


@pytest.mark.parametrize(
    ("facts", "faults", "notes"),
    [
        (
            {"up": False, "systemd": "auto-restart", "restarts": 14},
            ["ends and is started again, 14 times so far"],
            [],
        ),
        # For the moment it runs.
        ({"up": False, "restarts": 14}, ["ends and is started again, 14 times so far"], []),
        ({"up": False, "systemd": "dead"}, ["is dead"], []),
        ({"up": False, "systemd": "not-found"}, ["is not-found"], []),
        ({"restarts": 1}, [], ["ended and was started again by systemd, 1 time"]),
        ({"on_boot": False}, ["does not start on boot"], []),
        ({"version": "3.4.1"}, ["runs version 3.4.1, the inventory has 3.5.0"], []),
        ({"version": ""}, [], []),
        (
            {"older": ["/etc/hadoop/hdfs-site.xml", "/opt/hadoop/.artifact"]},
            ["runs with older files than there are: /etc/hadoop/hdfs-site.xml, /opt/hadoop/.artifact"],
            [],
        ),
        ({"older": ["no record"]}, ["runs without a record of the files that it has read"], []),
    ],
)
def test_what_is_not_right_with_a_daemon_that_its_protocol_does_not_show(
    make: Make, facts: dict[str, Any], faults: list[str], notes: list[str]
) -> None:
    lab = make(3)
    lab.has("millrace-3", "hdfs-datanode", **facts)
    found = lab.daemon("millrace-3", "hdfs-datanode")
    assert (found["faults"], found["notes"]) == (faults, notes)
    assert lab.status()["wrong"] == (["hdfs-datanode on millrace-3"] if faults else [])
    said = lab.screen()
    shown = [fault for fault in faults if not fault.startswith("is ")] + [f"note: {note}" for note in notes]
    assert all(f"\n        {each}" in said for each in shown)


def test_a_daemon_that_runs_and_does_not_answer(make: Make) -> None:
    lab = make(3)
    lab.kafka = replace(lab.kafka, unreachable={2: "timed out"}, brokers=(1, 3))
    broker = lab.daemon("millrace-2", "kafka@2")
    assert (broker["state"], broker["faults"]) == ("no answer", ["broker 2: timed out"])
    assert "\n        broker 2: timed out\n" in lab.screen()


def test_all_that_was_stopped_fits_on_the_screen(make: Make) -> None:
    lab = make(3)
    for host, units in lab.units.items():
        for unit in units:
            lab.has(host, unit, up=False, systemd="dead")
    assert len(lab.status()["wrong"]) == 23
    assert len(lab.screen().splitlines()) <= 56


def test_the_file_of_a_broker_that_is_newer_may_need_no_restart(make: Make) -> None:
    lab = make(3)
    lab.has("millrace-1", "kafka@1", older=["/etc/kafka/server-1.properties"])
    assert lab.status()["right"]
    assert "make plan says whether it needs a restart" in " ".join(lab.screen().split())
    lab.has("millrace-1", "kafka@1", older=["/etc/kafka/server-1.properties", "/etc/kafka/log4j2.yaml"])
    assert lab.status()["wrong"] == ["kafka@1 on millrace-1"]


def test_two_leaders_and_none(make: Make) -> None:
    lab = make(3)
    leader = {"zk_server_state": "leader", "zk_synced_followers": "1"}
    lab.zookeeper |= {"millrace-1:2181": leader}
    lab.managers["rm2"] = lab.managers["rm1"]
    found = lab.status()
    assert found["wrong"] == ["zookeeper", "yarn"]
    by_name = {each["name"]: each for each in found["services"]}
    assert by_name["zookeeper"]["leaders"] == by_name["yarn"]["leaders"] == ["millrace-1", "millrace-2"]
    assert by_name["zookeeper"]["faults"] == ["states: follower, leader, leader"]
    assert (
        "! zookeeper          states: follower, leader, leader; millrace-1, millrace-2 lead\n" in lab.screen()
    )
    lab.zookeeper = {place: {"zk_server_state": "follower"} for place in lab.zookeeper}
    lab.managers = {"rm1": {"haState": "STANDBY"}, "rm2": {"haState": "STANDBY"}}
    lab.kafka = replace(lab.kafka, leader=-1)
    found = lab.status()
    assert found["wrong"] == ["zookeeper", "kafka", "yarn"]
    assert [each["leaders"] for each in found["services"][:4]] == [[], [], ["millrace-1"], []]
    assert "! kafka              no quorum leader (leader id -1)\n" in lab.screen()


def test_states_in_the_words_of_each_service(make: Make) -> None:
    lab = make(4)
    nodes: dict[str, Any] = {
        name: dict(node) for name, node in lab.hdfs.namenodes.items() if isinstance(node, dict)
    }
    nodes["nn1"]["FSState"] = "safeMode"
    lab.hdfs = replace(lab.hdfs, namenodes=nodes)
    assert lab.daemon("millrace-1", "hdfs-namenode")["state"] == "active, safe mode"
    assert lab.daemon("millrace-1", "hdfs-namenode")["leads"]
    assert lab.daemon("millrace-4", "kafka@4")["state"] == "observer"
    lab.history = {}
    assert lab.daemon("millrace-3", "spark-historyserver")["state"] == "no answer"
    lab.kafka = replace(lab.kafka, brokers=(1, 2, 3))
    assert lab.daemon("millrace-4", "kafka@4")["state"] == "no answer"
    lab.kafka = kafka.State(failed="KafkaTimeoutError")
    assert lab.daemon("millrace-4", "kafka@4")["state"] == "unknown"


def test_controllers_with_machines_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = {n: Broker(n, f"h{n}", 9092 + (n > 10), f"kafka@{n}") for n in (1, 2, 11, 12, 13)}
    section = Kafka(
        "4.3.0", (nodes[1], nodes[2]), (11, 12, 13), controllers=(nodes[11], nodes[12], nodes[13])
    )
    cluster = Cluster("c", "s", {"kafka": "4.3.0"}, {}, kafka=section)
    places = {n: node.place for n, node in nodes.items()}
    state = kafka.State(brokers=(1,), voters=(11, 12), leader=12, unreachable={11: "Connection refused"})
    assert kafka.daemon_states(state, section) == {
        places[1]: "observer",
        places[12]: "leader",
        # It is yet to join.
        places[13]: "observer",
    }
    # Brokers tell what controllers are.
    assert kafka.daemon_states(kafka.State(unreachable={1: "x", 2: "x"}), section) == {}
    assert kafka.subjects(section) == {
        place: f"{'broker' if n < 10 else 'controller'} {n}" for n, place in places.items()
    }
    assert status.addresses(cluster)[places[11]] == "h11:9093"
    assert set(status._versions(cluster)) == set(places.values())
    monkeypatch.setattr(kafka, "fetch", lambda _: state)
    assert leaders.leaders(cluster) == {"kafka": ["h12"]}


def test_an_old_broker_on_zookeeper_and_one_of_another_version_beside_it() -> None:
    old, other = Broker(1, "a", 9092, "kafka@1"), Broker(9, "a", 9095, "kafka@9")
    section = Kafka("0.8.2.1", (old,), standalone=(Kafka("0.10.2.2", (other,)),))
    assert kafka.daemon_states(kafka.State(brokers=(1,)), section) == {("a", "kafka@1"): "registered"}
    cluster = Cluster("c", "s", {"kafka": "0.8.2.1"}, {}, kafka=section)
    assert status._versions(cluster) == {("a", "kafka@1"): "0.8.2.1", ("a", "kafka@9"): "0.10.2.2"}
    services = [
        reading.Service(part.name, True, "", (), {}, part.subjects) for part in gates.parts_of(cluster)
    ]
    machines = {"a": Machine((), ("kafka@1", "kafka@9"))}
    read = reading.Reading(tuple(services), {"a": {}}, NOW)
    found = status.document(replace(cluster, machines=machines), read)
    assert [(each["service"], each["address"]) for each in found["daemons"]] == [
        ("kafka", "a:9092"),
        ("kafka 0.10.2.2", "a:9095"),
    ]


def test_of_a_hundred_machines_those_that_are_right_are_counted(make: Make) -> None:
    lab = make(100)
    lines = lab.screen().splitlines()
    assert len(lines) < 30
    assert not [line for line in lines if "millrace-50" in line]
    nodes = next(line for line in lines if line.startswith("  hdfs-datanode"))
    assert re.split("  +", nodes)[2:] == ["100 of 100", "registered", "3.5.0", "2 h", "9%", "43%"]
    lab.has("millrace-50", "hdfs-datanode", **FAILED)
    lab.has("millrace-51", "yarn-nodemanager", disk={"path": "/", "used": 99, "size": 100}, seconds=70)
    lines = lab.screen().splitlines()
    assert [line for line in lines if line.startswith("! hdfs-datanode         99 of 100 ")]
    assert [line for line in lines if "healthy" in line and line.endswith("1 min  9%    99%")]
    at = lines.index("  millrace-50")
    assert lines[at + 1].startswith("!   hdfs-datanode  failed")
    assert max(map(len, lines)) <= 100


def test_of_very_many_that_are_not_right_some_are_listed(make: Make) -> None:
    lab = make(100)
    for host in lab.units:
        lab.has(host, "hdfs-datanode", **FAILED)
    lines = lab.screen().splitlines()
    assert "  and 80 daemons more that are not right (--json has all)" in lines
    assert len([line for line in lines if line.startswith("!   hdfs-datanode")]) == status.SHOWN
    assert len(lab.status()["wrong"]) == 100
    assert lines[-1].endswith("and 80 more; asked in 0.4 s")
    assert len(lines) < 100


def test_the_keys_of_the_document(make: Make) -> None:
    text = str(status.__doc__)
    lab = make(3)
    found = lab.status(changed=True)
    assert json.loads(json.dumps(found)) == found
    keys = dict.fromkeys(found, text)
    for part in ("services", "machines", "daemons"):
        block = text.partition(f"    {part} ")[2].partition("\n    machines")[0]
        keys |= {key: block for each in found[part] for key in each}
    assert [key for key, where in keys.items() if not re.search(rf"\b{key}\b", where)] == []
    assert found["daemons"][0]["since"] == "2027-01-15T05:58:20+00:00"
    assert found["asked"] == "2027-01-15T08:00:00+00:00"
    assert found["described"] == "2027-01-15T07:50:00+00:00"
    assert found["notes"] == [
        f"{lab.cluster.inventory} was changed after the last plan: make plan says what differs"
    ]


def test_no_line_is_wider_than_the_screen(make: Make) -> None:
    lab = make(3)
    long = "x" * 60 + " " + "y" * 300
    lab.units["millrace-2"] = long
    lab.has("millrace-1", "hdfs-namenode", older=[f"/etc/hadoop/{n}-site.xml" for n in range(30)])
    lab.has("millrace-1", "yarn-resourcemanager", version="3.5.0-with-a-very-long-name-of-somebody")
    lab.zookeeper["millrace-3:2181"] = " ".join(["refused"] * 40)
    lines = [line for line in lab.screen().splitlines() if "y" * 200 not in line]  # a word stays whole
    assert max(map(len, lines)) <= 100


def test_colours_add_nothing(make: Make) -> None:
    lab = make(3)
    lab.has("millrace-1", "hdfs-zkfc", **FAILED)
    lab.has("millrace-1", "hdfs-namenode", restarts=1)
    found = lab.status()
    coloured, plain = status.screen(found, colour=True), status.screen(found)
    assert "\x1b[31m!   hdfs-zkfc" in coloured
    assert "\x1b[33m        note: ended" in coloured
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_what_daemons_say_does_not_reach_the_terminal_as_commands(make: Make) -> None:
    lab = make(3)
    lab.zookeeper["millrace-3:2181"] = "\x1b[2J gone \x07"
    assert "?[2J gone ?" in lab.screen()
    assert "\x1b" not in lab.screen()


def command(monkeypatch: pytest.MonkeyPatch, lab: Lab, *words: str) -> int:
    """The command on the lab's description: its exit status."""
    monkeypatch.setattr(reading, "_machine", lambda machine: lab.units[machine.name])
    return cli.main(["status", f"--cluster={lab.cluster.source}", *words])


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_the_command_says_by_its_exit_status_whether_all_is_right(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    lab = make(3)
    assert command(monkeypatch, lab, *words) == 0
    said = capsys.readouterr()
    assert said.err == ""
    if words:
        assert json.loads(said.out)["right"]
    else:
        assert re.search(r"^all right, asked in \d\.\d s\n\Z", said.out, re.MULTILINE)
        assert "\x1b" not in said.out
    lab.has("millrace-1", "zookeeper", **FAILED)
    assert command(monkeypatch, lab, *words) == 1
    assert "zookeeper on millrace-1" in capsys.readouterr().out


def test_what_cannot_be_asked_is_bad_input(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, make(3), "--name=other") == 2
    assert cli.main(["status", f"--cluster={tmp_path}/none.json"]) == 2
    bare = {"name": "x", "stack": "s", "versions": {}, "machines": {}}
    assert cli.main(["status", f"--cluster={write(tmp_path, bare)}"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "no daemon to look at" in said.err


def test_watch_looks_again_until_it_is_interrupted(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab, waited = make(3), []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt
        lab.has("millrace-1", "zookeeper", **FAILED)

    monkeypatch.setattr(time, "sleep", wait)
    assert command(monkeypatch, lab, "--watch") == 1
    assert waited == [3, 3, 3]
    said = capsys.readouterr().out
    assert [said.count(each) for each in ("all right, asked", "! not right: zookeeper on")] == [1, 2]
    assert "\x1b" not in said  # no terminal


def test_a_watch_that_nobody_reads_ends(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", closed)
    assert command(monkeypatch, make(3), "--watch=1") == 0


def test_of_several_clusters_that_of_the_inventory(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make(3)  # whatever the services are asked, they answer
    monkeypatch.setattr(reading, "_machine", lambda machine: "no answer")
    monkeypatch.chdir(tmp_path)
    for name in ("lab", "other"):
        (tmp_path / "out" / name).mkdir(parents=True)
        write(tmp_path / "out" / name, description(3) | {"name": name, "inventory": f"{tmp_path}/{name}"})
    (tmp_path / "out/broken").mkdir()
    (tmp_path / "out/broken/cluster.json").write_text("{")
    assert cli.main(["status"]) == 2
    assert "several clusters are described" in capsys.readouterr().err
    assert cli.main(["status", f"--inventory={tmp_path}/other"]) == 1
    assert capsys.readouterr().out.startswith("cluster other (")
    assert cli.main(["status", f"--inventory={tmp_path}/third"]) == 2
