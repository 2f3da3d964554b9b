"""The drills: what is done to a cluster, how it is seen that it happened, and how the kit mends it."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient, TopicPartition

from smoke import cluster as description
from smoke.services import hdfs, zookeeper
from smoke.wait import wait_until
from tests.drills import refused
from tests.drills.points import kill
from tests.drills.state import State, take
from tests.live import CLUSTER, REPORTS, Run, Site
from tests.oracle import Directories, Records, Session, _Working

ZOOKEEPER, KAFKA, NAMES, JOURNAL, BLOCKS = (
    "/var/lib/zookeeper/version-2",
    "/var/lib/kafka",
    "/var/lib/hdfs/name",
    "/var/lib/hdfs/journal",
    "/var/lib/hdfs/data",
)


class NotInjectedError(Exception):
    """What was to happen did not."""


@dataclass
class Lab:
    """The machines, and who is hit."""

    chance: random.Random
    site: Site = field(default_factory=lambda: Site(CLUSTER))
    memory: dict[str, Any] = field(default_factory=dict)
    """What the first half of a drill leaves for the second."""

    def machine(self, *but: str) -> str:
        """One of the machines."""
        return self.chance.choice([name for name in sorted(CLUSTER.machines) if name not in but])

    def on(self, machine: str, command: str) -> str:
        """Run a command as root there. Raises NotInjectedError with what it says."""
        done = self.site.host(machine).run(command)
        if done.rc:
            raise NotInjectedError(f"{command} on {machine}: {done.stderr or done.stdout}")
        return str(done.stdout).strip()

    def podman(self, *words: str) -> None:
        """What happens to whole machines."""
        subprocess.run(["podman", *words], check=True, stdout=subprocess.DEVNULL)

    def deploy(self, *words: str, playbook: str = "site.yml") -> Run:
        """A run of the kit; whoever asks for it looks at how it ended."""
        return self.site.run(*_quiet(playbook), *words, playbook=playbook)

    def begin(self, *words: str, playbook: str = "site.yml") -> subprocess.Popen[str]:
        """Begin the same run; whoever asks for it reads what it says."""
        return self.site.begin(*_quiet(playbook), *words, playbook=playbook)

    def state(self) -> State:
        """What the machines are, once all gates are open."""
        self.check()
        return take(self.site, Site(description.load(REPORTS / "cluster.json")))

    def refused(self) -> dict[str, str]:
        """Machine -> the command that its refusal tells."""
        refusals = json.loads((REPORTS / "plan.json").read_text(encoding="utf-8"))["refusals"]
        told = [sentence.partition(" host that says so: ") for sentence in refusals]
        if not told or not all(command for _, _, command in told):
            raise NotInjectedError(f"no steps are said: {refusals}")
        return {sentence.split()[0]: command for sentence, _, command in told}

    def mended(self) -> None:
        """One run of the kit ends well."""
        done = self.deploy()
        assert done.rc == 0, done.output[-3000:]

    def check(self) -> None:
        """All gates open."""
        self.site.check(timeout=240)


def _quiet(playbook: str) -> list[str]:
    """The oracles of a drill are its smoke tests."""
    return ["--skip-tags", "smoke"] if playbook == "site.yml" else []


@dataclass(frozen=True)
class Drill:
    """One thing that happens to a cluster."""

    name: str
    does: str
    timeout: float
    """Seconds: the product's own that must pass before anybody can know of it."""
    inject: Callable[[Lab], str]
    """Do it; how it was seen to have happened. Raises NotInjectedError."""
    heal: Callable[[Lab], None]
    oracles: tuple[Callable[[Any], _Working], ...] = ()
    planted: bool = False
    """A fault of the kit or of a setting that an oracle must see."""
    unheard: str = ""
    """Why no oracle can work meanwhile."""


def nothing(_: Lab) -> None:
    """It heals by itself."""


def kill_a_daemon(lab: Lab) -> str:
    units = sorted(
        key for key, unit in lab.site.units().items() if unit.active and key[1] != "spark-historyserver"
    )
    machine, unit = lab.chance.choice(units)
    before = lab.on(machine, f"systemctl show --value -p InvocationID {unit}")
    lab.on(machine, f"systemctl kill -s KILL --kill-whom=main {unit}")
    wait_until(
        lambda: lab.on(machine, f"systemctl show --value -p InvocationID {unit}") != before,
        60,
        f"{unit} on {machine} was not started again",
    )
    return f"{unit} on {machine} runs under another invocation"


def cut_the_power(lab: Lab) -> str:
    lab.podman("kill", *sorted(CLUSTER.machines))
    states = subprocess.check_output(["podman", "ps", "--format", "{{.Names}}"], text=True).split()
    if set(states) & set(CLUSTER.machines):
        raise NotInjectedError(f"still run: {states}")
    return "no machine runs"


def lose_a_machine(lab: Lab) -> str:
    machine = lab.machine()
    lab.podman("rm", "--force", "--time=0", machine)
    return f"{machine} is gone with its disk"


def freeze_a_machine(lab: Lab) -> str:
    assert CLUSTER.hdfs
    active = hdfs.active(CLUSTER.hdfs)
    (machine,) = (node.host for node in CLUSTER.hdfs.namenodes if node.id == active)
    lab.podman("pause", machine)
    try:
        wait_until(
            lambda: hdfs.active(CLUSTER.hdfs) not in ("", active),  # type: ignore[arg-type]
            60,
            "no other NameNode is active",
        )
    finally:
        lab.podman("unpause", machine)
    return f"{machine} stood still until the other NameNode was active"


def lose_a_disk(unit: str, directory: str) -> Callable[[Lab], str]:
    """A daemon's directory is emptied while it is down, on one machine that has it."""

    def inject(lab: Lab) -> str:
        machines = sorted({name for name, units in lab.site.units() if units.split("@")[0] == unit})
        machine = lab.chance.choice(machines)
        units = [each for host, each in lab.site.units() if host == machine]
        name = next(each for each in units if each.split("@")[0] == unit)
        lab.on(machine, f"systemctl kill -s KILL {name}; systemctl stop {name}; rm -rf {directory}/*")
        left = lab.on(machine, f"ls -A {directory}")
        if left:
            raise NotInjectedError(f"{directory} on {machine} still has {left}")
        return f"{directory} on {machine} is empty"

    return inject


def kill_a_run(lab: Lab) -> str:
    """A change is rolled out, the run is killed while it restarts brokers, and then a machine is lost."""
    command = ["ansible-playbook", "playbooks/kafka.yml", "-e", "kafka_heap=264m"]
    before = lab.site.units()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, text=True
    )
    try:
        wait_until(lambda: lab.site.restarted_since(before), 120, "no broker was restarted")
    finally:
        kill(process)
    some = lab.site.restarted_since(before)
    if len(some) >= len(CLUSTER.machines):
        raise NotInjectedError("it had come to its end")
    machine = lab.machine()
    lab.podman("rm", "--force", "--time=0", machine)
    return f"killed when {', '.join(map(str, sorted(some)))} had new files; then {machine} was lost"


def refuse(service: str, kind: str) -> Callable[[Lab], str]:
    """A setting that a daemon refuses is rolled out, and taken back by the run itself."""

    def inject(lab: Lab) -> str:
        if kind == "port":
            for machine in CLUSTER.machines:
                lab.on(machine, f"systemd-run --quiet --unit=drill python3 -m http.server {refused.PORT}")
        try:
            before = lab.site.units()
            done = lab.deploy("-e", refused.change(service, kind), playbook=f"playbooks/{service}.yml")
            some = lab.site.restarted_since(before)
        finally:
            if kind == "port":
                for machine in CLUSTER.machines:
                    lab.on(machine, "systemctl stop drill")
        said = [
            line.strip()
            for line in done.output.splitlines()
            if "refused the change and runs as before" in line
        ]
        assert done.rc == 2, f"rc {done.rc}: {done.output[-2000:]}"
        assert said, done.output[-2000:]
        assert len({machine for machine, _ in some}) == 1, some
        return f"taken back: {', '.join(f'{unit} on {machine}' for machine, unit in sorted(some))}"

    return inject


def fill_a_disk(lab: Lab) -> str:
    """A disk that is to be a DataNode's, too, has no room: the run is refused, and nothing was changed."""
    machine, key = lab.machine(), "dfs.datanode.data.dir"
    properties = refused.given().get("hdfs_site_overrides", {}) | {key: f"{BLOCKS},/srv/full/data"}
    lab.on(machine, "mkdir -p /srv/full && mount -t tmpfs -o size=100m tmpfs /srv/full")
    try:
        before = lab.site.units()
        change = json.dumps({"hdfs_site_overrides": properties})
        done = lab.deploy("-e", change, playbook="playbooks/hdfs.yml")
        made = lab.on(machine, "ls -A /srv/full")
    finally:
        lab.on(machine, "umount /srv/full && rmdir /srv/full")
    assert done.rc == 2, f"rc {done.rc}: {done.output[-2000:]}"
    assert f"/srv/full/data of {machine}" in done.output, done.output[-2000:]
    assert "make room for 256 MB" in done.output, done.output[-2000:]
    assert not made, made
    assert lab.site.restarted_since(before) == set()
    return f"/srv/full of {machine} had 100 MB: refused"


def move(service: str, variable: str, directory: str) -> Callable[[Lab], str]:
    """Data directories are moved by what the refusals say, and back again, which is refused as well."""

    def inject(lab: Lab) -> str:
        # Brokers that are stopped one by one wait for a quorum.
        stop = service == "kafka"
        playbook, words = f"playbooks/{service}.yml", ("-e", f"{variable}={directory}")
        followed = []
        for given in (words, ()):
            assert lab.deploy(*given, playbook=playbook).rc == 2, "it was not refused"
            steps = lab.refused()
            followed += list(steps.values())
            if stop:
                assert lab.deploy(playbook="playbooks/stop.yml").rc == 0
            for machine, step in steps.items():
                lab.on(machine, step)
            done = lab.deploy(*given, playbook="site.yml" if stop else playbook)
            assert done.rc == 0, done.output[-3000:]
            lab.check()
        return f"followed on {len(followed)} machines, there and back: {followed[0]}; {followed[-1]}"

    return inject


def resize_zookeeper(lab: Lab) -> str:
    """Servers leave and come back empty, one and two at a time, down to one; a run of the kit each time."""
    first, second, third = sorted(CLUSTER.machines)
    seen = []
    for hosts in ([first, second], [first, second, third], [first], [first, second, third]):
        for machine in hosts:
            # Who left has data of before, with which it would be refused.
            lab.on(machine, f"systemctl is-active -q zookeeper || rm -rf {ZOOKEEPER}")
        done = lab.deploy("-e", json.dumps({"zookeeper_hosts": hosts}), playbook="playbooks/zookeeper.yml")
        assert done.rc == 0, done.output[-3000:]
        serving = [
            machine
            for machine in sorted(CLUSTER.machines)
            if lab.on(machine, "systemctl is-active zookeeper || true") == "active"
        ]
        assert serving == hosts, (serving, hosts)
        seen.append(str(len(serving)))
    return f"3 servers, then {', '.join(seen)}"


def spread(brokers: Sequence[int]) -> None:
    """Every partition has a replica on each of these brokers and on no other; they lead in turns."""
    assert CLUSTER.kafka
    admin = KafkaAdminClient(bootstrap_servers=[f"{each.host}:{each.port}" for each in CLUSTER.kafka.brokers])
    try:
        number = itertools.count()
        wanted = {
            TopicPartition(topic["name"], partition["partition_index"]): [
                brokers[(first + place) % len(brokers)] for place in range(len(brokers))
            ]
            for topic in admin.describe_topics()
            for partition, first in zip(topic["partitions"], number, strict=False)
        }
        refused = {key: error for key, error in admin.alter_partition_reassignments(wanted).items() if error}
        assert not refused, refused
        wait_until(lambda: not admin.list_partition_reassignments(), 180, "replicas are still moved")
    finally:
        admin.close()


def resize_kafka(lab: Lab) -> str:
    """A broker leaves, which is refused as long as it has replicas, and comes back empty."""
    assert CLUSTER.kafka
    brokers = {broker.host: broker for broker in CLUSTER.kafka.brokers}
    everywhere = sorted(brokers)
    leaves = everywhere[-1]
    stay = everywhere[:-1]
    few = ("-e", json.dumps({"kafka_hosts": stay}))
    done = lab.deploy(*few, playbook="playbooks/kafka.yml")
    assert done.rc == 2, f"rc {done.rc}: {done.output[-2000:]}"
    assert "replicas" in done.output, done.output[-3000:]
    _, unit = brokers[leaves].place
    assert lab.on(leaves, f"systemctl is-active {unit}") == "active", "it was stopped, though refused"
    spread([brokers[host].id for host in stay])
    for hosts, words in ((stay, few), (everywhere, ())):
        # Who left has data of before, with which it would be refused.
        lab.on(leaves, f"systemctl is-active -q {unit} || rm -rf {KAFKA}/*")
        done = lab.deploy(*words, playbook="playbooks/kafka.yml")
        assert done.rc == 0, done.output[-3000:]
        state = lab.on(leaves, f"systemctl is-active {unit} || true")
        assert (state == "active") == (leaves in hosts), (hosts, state)
    spread([brokers[host].id for host in everywhere])
    return f"{leaves} left, and came back empty"


def as_before(lab: Lab) -> None:
    """It was taken back: the inventory has nothing to do."""
    done = lab.deploy()
    assert done.rc == 0, done.output[-3000:]
    assert "nothing to do on 3 machines" in done.output, done.output[-3000:]


def empty_two(unit: str, directory: str) -> Callable[[Lab], str]:
    """Two of three members of a quorum are empty: what lay there is kept aside, to be put back."""

    def inject(lab: Lab) -> str:
        machines = sorted({name for name, each in lab.site.units() if each == unit})
        lost = sorted(lab.chance.sample(machines, 2))
        for machine in lost:
            lab.on(machine, f"systemctl stop {unit} && mv {directory} {directory}.kept")
        lab.memory = {"lost": lost, "unit": unit, "directory": directory}
        return f"{directory} is away on {', '.join(lost)}"

    return inject


def refused_then_restored(lab: Lab) -> None:
    """The run is refused with the steps and has made nothing; with what lay there all is as before."""
    lost, unit, directory = (lab.memory[key] for key in ("lost", "unit", "directory"))
    done = lab.deploy()
    assert done.rc == 2, f"not refused: rc {done.rc}"
    assert "systemctl stop" in done.output, "no steps are said"
    for machine in lost:
        made = lab.on(machine, f"test ! -e {directory} || find {directory} -type f | head")
        assert not made, f"made on {machine}: {made}"
        lab.on(machine, f"rm -rf {directory} && mv {directory}.kept {directory}")
    for machine in lost:
        lab.on(machine, f"systemctl start {unit}")


class Steady(Records):
    """Records that must be acknowledged within seconds: in a roll there is always a leader to take them."""

    def __init__(self, cluster: Any) -> None:
        super().__init__(cluster)
        self.options |= {"delivery_timeout_ms": 6_000, "request_timeout_ms": 3_000}

    def read(self) -> list[int]:
        if self.refused:
            self.faults.append(f"{len(self.refused)} records were not taken within 6 s: {self.refused[0]}")
        return super().read()


class Patient(Records):
    """Records that wait for brokers which are all stopped: after 120 s none would be tried any more."""

    def __init__(self, cluster: Any) -> None:
        super().__init__(cluster)
        self.options |= {"delivery_timeout_ms": 1_800_000, "max_block_ms": 1_800_000}


def roll_the_brokers(lab: Lab) -> str:
    """All brokers are restarted, one when the others can do without it."""
    before = lab.site.units()
    done = lab.deploy("-e", "service=kafka", playbook="playbooks/restart.yml")
    assert done.rc == 0, done.output[-3000:]
    return f"{len(lab.site.restarted_since(before))} brokers run under another invocation"


# --- Planted failures: each must be seen by an oracle.


def roll_without_a_gate(lab: Lab) -> str:
    """One broker is down, and whoever is asked says that the others may go, too."""
    assert CLUSTER.kafka
    broker = lab.chance.choice(CLUSTER.kafka.brokers)
    machine, unit = broker.place
    lab.on(machine, f"systemctl stop {unit}")
    words = ("-e", "service=kafka", "-e", '{"common_check": ["true"]}')
    done = lab.deploy(*words, playbook="playbooks/restart.yml")
    if done.rc:
        raise NotInjectedError(done.output[-1000:])
    return f"all others were restarted while {unit} was down"


class Unsafe(Records):
    """Records of which the leader's acknowledgement alone is enough."""

    def __init__(self, cluster: Any) -> None:
        super().__init__(cluster)
        self.options |= {"acks": 1, "enable_idempotence": False}


def lose_a_leader_that_was_not_followed(lab: Lab) -> str:
    """Two machines stand still, the third takes records alone and is killed; the two elect another leader."""
    machine = lab.machine()
    others = sorted(set(CLUSTER.machines) - {machine})
    lab.podman("pause", *others)
    try:
        # Shorter than a broker's session, in which a follower counts as one.
        time.sleep(4)
        lab.podman("kill", machine)
    finally:
        lab.podman("unpause", *others)
    return f"{machine} took records while {', '.join(others)} stood still, and was killed"


def skip_the_guard(lab: Lab) -> str:
    """Two empty servers of ZooKeeper are started by hand, as the plan forbids: they outvote the third."""
    assert CLUSTER.zookeeper
    hosts = sorted(server.host for server in CLUSTER.zookeeper.servers)
    lost = hosts[:2]
    for machine in hosts:
        lab.on(machine, "systemctl stop zookeeper")
    for machine in lost:
        lab.on(machine, f"mv {ZOOKEEPER} {ZOOKEEPER}.kept")
        lab.on(machine, "systemctl start zookeeper")
    wait_until(lambda: zookeeper.judge_quorum(zookeeper.fetch(CLUSTER.zookeeper))[0], 60, "no quorum")  # type: ignore[arg-type]
    lab.memory = {"hosts": hosts, "lost": lost}
    return f"{', '.join(lost)} began empty and serve"


def put_back(lab: Lab) -> None:
    """What the servers held lies there again."""
    for machine in lab.memory["hosts"]:
        lab.on(machine, "systemctl stop zookeeper")
    for machine in lab.memory["lost"]:
        lab.on(machine, f"rm -rf {ZOOKEEPER} && mv {ZOOKEEPER}.kept {ZOOKEEPER}")
    for machine in lab.memory["hosts"]:
        lab.on(machine, "systemctl start zookeeper")


def start_all(lab: Lab) -> None:
    """All units run again."""
    done = lab.deploy(playbook="playbooks/start.yml")
    assert done.rc == 0, done.output[-3000:]


DRILLS = {
    drill.name: drill
    for drill in (
        Drill(
            "daemon",
            "kill -9 of a daemon",
            9,
            kill_a_daemon,
            nothing,
        ),
        Drill(
            "frozen",
            "the active NameNode's machine stands still",
            5,
            freeze_a_machine,
            nothing,
        ),
        Drill(
            "power",
            "kill all machines at once",
            9,
            cut_the_power,
            Lab.mended,
        ),
        Drill(
            "machine",
            "a machine is lost with its disk",
            9,
            lose_a_machine,
            Lab.mended,
        ),
        Drill(
            "disk-zookeeper",
            "a server of ZooKeeper loses its disk",
            5,
            lose_a_disk("zookeeper", ZOOKEEPER),
            Lab.mended,
        ),
        Drill(
            "disk-kafka",
            "a broker loses its disk",
            9,
            lose_a_disk("kafka", KAFKA),
            Lab.mended,
        ),
        Drill(
            "disk-namenode",
            "a NameNode loses its disk",
            5,
            lose_a_disk("hdfs-namenode", NAMES),
            Lab.mended,
        ),
        Drill(
            "disk-journalnode",
            "a JournalNode loses its disk",
            5,
            lose_a_disk("hdfs-journalnode", JOURNAL),
            Lab.mended,
        ),
        Drill(
            "disk-datanode",
            "a DataNode loses its disk",
            30,
            lose_a_disk("hdfs-datanode", BLOCKS),
            Lab.mended,
        ),
        Drill(
            "killed-run",
            "a run is killed midway, then a machine is lost",
            9,
            kill_a_run,
            Lab.mended,
        ),
        Drill(
            "two-journals",
            "two of three JournalNodes are empty",
            5,
            empty_two("hdfs-journalnode", JOURNAL),
            refused_then_restored,
            (Records,),
        ),
        Drill(
            "two-servers",
            "two of three servers of ZooKeeper are empty",
            5,
            empty_two("zookeeper", ZOOKEEPER),
            refused_then_restored,
            (Records,),
        ),
        *(
            Drill(
                f"refused-{service}-{kind}",
                f"{service} refuses a setting: {kind}",
                0,
                refuse(service, kind),
                as_before,
                (Records, Session),
            )
            for service in refused.SERVICES
            for kind in refused.KINDS
        ),
        Drill(
            "full-disk",
            "a further disk of a DataNode has no room",
            0,
            fill_a_disk,
            as_before,
            (Records, Session),
        ),
        *(
            Drill(
                f"moved-{variable.removesuffix('_dir').replace('_', '-')}",
                f"{variable} is another, and what the refusal says is done",
                0,
                move(service, variable, directory),
                as_before,
                # No session outlives an ensemble that is stopped.
                (Patient, Directories),
            )
            for service, variable, directory in (
                ("zookeeper", "zookeeper_data_dir", "/var/lib/zookeeper2"),
                ("kafka", "kafka_data_dir", "/var/lib/kafka2"),
                ("hdfs", "hdfs_data_dir", "/var/lib/hdfs/data2"),
                ("hdfs", "hdfs_name_dir", "/var/lib/hdfs/name2"),
                ("hdfs", "hdfs_journal_dir", "/var/lib/hdfs/journal2"),
            )
        ),
        Drill(
            "resized-zookeeper",
            "servers of ZooKeeper leave and come back empty",
            5,
            resize_zookeeper,
            as_before,
        ),
        Drill(
            "resized-kafka",
            "a broker leaves when it has no replica, and comes back empty",
            9,
            resize_kafka,
            as_before,
        ),
        Drill("roll", "the brokers are rolled", 9, roll_the_brokers, nothing, (Steady, Session)),
        Drill(
            "planted-gate",
            "planted: a gate that always says yes",
            9,
            roll_without_a_gate,
            start_all,
            (Steady,),
            planted=True,
        ),
        Drill(
            "planted-acks",
            "planted: acks=1, and a leader dies that was not followed",
            9,
            lose_a_leader_that_was_not_followed,
            Lab.mended,
            (Unsafe,),
            planted=True,
        ),
        Drill(
            "planted-guard",
            "planted: empty servers are started by hand",
            5,
            skip_the_guard,
            put_back,
            (Session,),
            planted=True,
        ),
    )
}
