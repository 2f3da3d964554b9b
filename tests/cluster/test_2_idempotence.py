"""Running again: nothing changes, or only what must."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest

from tests.live import CHECKOUT, CLUSTER, Site, of_brokers

# What the kit writes, with how deep to look: of /opt as deep as the commands of the products.
PLACES = {
    "/etc/zookeeper": 2, "/etc/kafka": 2, "/etc/hadoop": 2, "/etc/spark": 2, "/etc/systemd/system": 2,
    "/etc/profile.d": 1, "/opt": 3, "/var/lib/zookeeper/myid": 0,
}  # fmt: skip
FACTS = "%p %y %l %m %u %g %s %T@\\n"


def files(site: Site) -> dict[str, str]:
    """Path, kind, target, mode, owner, size and time of all that the kit writes on each machine."""
    find = "".join(f"find {place} -maxdepth {depth} -printf '{FACTS}'; " for place, depth in PLACES.items())
    found = {name: machine.run(find) for name, machine in CLUSTER.machines.items()}
    for name, listing in found.items():
        seen = [place for place in PLACES if f"\n{place}" in f"\n{listing}"]
        assert seen == list(PLACES), f"{name}: {listing}"
    return found


def assert_one_at_a_time(site: Site, restarted: set[tuple[str, str]]) -> None:
    """The machines share one clock: the next unit went down only after the one before it had come up."""
    outages = sorted((unit.down_at, unit.up_since) for key, unit in site.units().items() if key in restarted)
    assert all(down < up for down, up in outages)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(outages)), outages


def test_second_run_changes_nothing(site: Site) -> None:
    """It asks each machine twice, what it is and what differs on it; of HDFS one for its directories, too."""
    units, before = site.units(), files(site)
    run = site.run(
        environment={
            "ANSIBLE_CALLBACK_PLUGINS": f"{CHECKOUT}/callback_plugins:{CHECKOUT}/tests/callback_plugins",
            "ANSIBLE_CALLBACKS_ENABLED": "phases,module_calls",
        }
    )
    assert run.rc == 0, run.output
    assert set(run.changed.values()) == {0}, run.output
    assert files(site) == before
    pids = {key: unit.pid for key, unit in units.items()}
    assert {key: unit.pid for key, unit in site.units().items()} == pids
    assert "nothing changed" in run.output
    (counted,) = re.findall("^module calls: (.*)$", run.output, re.MULTILINE)
    assert CLUSTER.hdfs
    assert json.loads(counted) == dict.fromkeys(CLUSTER.machines, 2) | {CLUSTER.hdfs.namenodes[0].host: 3}


def test_check_mode_foresees_nothing(site: Site) -> None:
    units, before = site.units(), files(site)
    run = site.run("--check", "--diff")
    assert run.rc == 0, run.output
    assert set(run.changed.values()) == {0}, run.output
    assert site.restarted_since(units) == set()
    assert files(site) == before


def test_check_mode_foresees_a_change_and_makes_none(site: Site) -> None:
    before = files(site)
    change = '{"hdfs_replication": 2}'
    run = site.run("--check", "--diff", "-e", change, playbook="playbooks/hdfs.yml")
    assert run.rc == 0, run.output
    assert all(count == 1 for count in run.changed.values()), run.output
    assert "+  <property><name>dfs.replication</name><value>2</value></property>" in run.output
    assert files(site) == before


def test_one_property_restarts_only_what_reads_it_one_at_a_time(site: Site) -> None:
    """One that brokers read at their start only."""
    assert CLUSTER.kafka
    before = site.units()
    brokers = {(broker.host, broker.unit) for broker in CLUSTER.kafka.brokers}
    try:
        run = site.run("--skip-tags", "smoke", "-e", of_brokers("num.partitions", 2))
        assert run.rc == 0, run.output
        assert site.restarted_since(before) == brokers
        assert_one_at_a_time(site, brokers)
        assert {config["num.partitions"] for config in site.broker_configs().values()} == {"2"}
    finally:
        back = site.run(playbook="playbooks/kafka.yml")
        assert back.rc == 0, back.output


def test_what_no_run_has_seen_run_well_is_kept_by_the_next(site: Site) -> None:
    """As one leaves it that is killed between a restart and the gate after it."""
    assert CLUSTER.zookeeper
    host = site.host(CLUSTER.zookeeper.servers[0].host)
    copy = "/var/lib/millrace/kept/zookeeper/etc/zookeeper/zoo.cfg"
    before = site.units()
    assert host.run(f"rm {copy}").rc == 0
    run = site.run(playbook="playbooks/zookeeper.yml")
    assert run.rc == 0, run.output
    assert "keep a copy of what zookeeper runs well with" in run.output
    assert host.run(f"cmp {copy} /etc/zookeeper/zoo.cfg").rc == 0
    assert site.restarted_since(before) == set()
    assert "nothing to do on" in site.run(playbook="playbooks/zookeeper.yml").output


def test_a_property_that_running_brokers_take_restarts_nobody(site: Site) -> None:
    before = site.units()
    default = {config["message.max.bytes"] for config in site.broker_configs().values()}
    change = of_brokers("message.max.bytes", 2097152)
    try:
        run = site.run("-e", change, playbook="playbooks/kafka.yml")
        assert run.rc == 0, run.output
        assert {config["message.max.bytes"] for config in site.broker_configs().values()} == {"2097152"}
        again = site.run("-e", change, playbook="playbooks/kafka.yml")
        assert "nothing to do on" in again.output
    finally:
        back = site.run(playbook="playbooks/kafka.yml")
        assert back.rc == 0, back.output
    # What leaves the inventory is deleted; no broker was started with it.
    assert {config["message.max.bytes"] for config in site.broker_configs().values()} == default
    assert site.restarted_since(before) == set()


def test_a_restart_that_is_asked_for_is_rolling_too(site: Site) -> None:
    assert CLUSTER.zookeeper
    servers = {(server.host, server.unit) for server in CLUSTER.zookeeper.servers}
    before = site.units()
    run = site.run("-e", "service=zookeeper", playbook="playbooks/restart.yml")
    assert run.rc == 0, run.output
    assert site.restarted_since(before) == servers
    assert_one_at_a_time(site, servers)


def test_a_stopped_daemon_is_started_and_no_other(site: Site) -> None:
    assert CLUSTER.hdfs
    assert CLUSTER.hdfs.datanode_unit
    victim = (CLUSTER.hdfs.datanodes[-1], CLUSTER.hdfs.datanode_unit)
    before = site.units()
    site.host(victim[0]).check_output("systemctl stop %s", victim[1])
    assert not site.units()[victim].active
    run = site.run("--skip-tags", "smoke")
    assert run.rc == 0, run.output
    assert site.units()[victim].active
    assert site.restarted_since(before) == {victim}


def test_what_holds_data_is_never_formatted(site: Site) -> None:
    """The images of both NameNodes are gone, the JournalNodes have edits: the run refuses and says why."""
    assert CLUSTER.hdfs
    nodes = [CLUSTER.machines[namenode.host] for namenode in CLUSTER.hdfs.namenodes]
    image, moved = "/var/lib/hdfs/name/current", "/var/lib/hdfs/name.aside"
    identity = nodes[0].run(f"cat {image}/VERSION")
    try:
        for node in nodes:
            node.run(f"systemctl stop hdfs-zkfc hdfs-namenode && mv {image} {moved}")
        run = site.run(playbook="playbooks/hdfs.yml")
        assert run.rc != 0
        assert "Formatting would lose it" in " ".join(run.output.split())
        assert all(node.run("ls /var/lib/hdfs/name").strip() == "" for node in nodes)
    finally:
        for node in nodes:
            node.run(f"rm -rf {image} && mv {moved} {image}")
    assert site.run(playbook="playbooks/hdfs.yml").rc == 0
    assert nodes[0].run(f"cat {image}/VERSION") == identity
    site.check("hdfs")


def test_a_namenode_that_lost_its_image_gets_it_from_the_other(site: Site) -> None:
    assert CLUSTER.hdfs
    node = CLUSTER.machines[CLUSTER.hdfs.namenodes[0].host]
    identity = node.run("grep -h ID /var/lib/hdfs/name/current/VERSION")
    node.run("systemctl stop hdfs-zkfc hdfs-namenode && rm -rf /var/lib/hdfs/name/current")
    run = site.run(playbook="playbooks/hdfs.yml")
    assert run.rc == 0, run.output
    assert node.run("grep -h ID /var/lib/hdfs/name/current/VERSION") == identity
    site.check("hdfs")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["-e", '{"kafka_replication_factor": 4}'], "kafka_replication_factor"),
        (["-e", '{"hdfs_name_dir": "/"}'], "hdfs_name_dir"),
    ],
)
def test_bad_input_is_refused_before_anything_changes(site: Site, words: list[str], names: str) -> None:
    before = files(site)
    run = site.run(*words)
    assert run.rc != 0
    assert names in run.output
    assert set(run.changed.values()) == {0}
    assert files(site) == before


def test_a_drop_in_that_came_or_went_restarts_its_unit_and_an_administrators_is_told(site: Site) -> None:
    assert CLUSTER.zookeeper
    server = CLUSTER.zookeeper.servers[0]
    machine, folder = CLUSTER.machines[server.host], f"/etc/systemd/system/{server.unit}.service.d"
    override = {"zookeeper_unit_overrides": {"Service": {"Environment": "OF_TEST=1"}}}
    words = ["--tags", "zookeeper", "-e", json.dumps(override)]
    servers = {(each.host, each.unit) for each in CLUSTER.zookeeper.servers}
    before = site.units()
    run = site.run(*words)
    assert run.rc == 0, run.output
    assert site.restarted_since(before) == servers
    pid = site.units()[server.host, server.unit].pid
    environment = machine.run(f"tr '\\0' '\\n' < /proc/{pid}/environ").split()
    assert "OF_TEST=1" in environment
    assert "ZOO_LOG_DIR=/var/log/zookeeper" in environment
    machine.run(f"printf '[Service]\\nNice=1\\n' > {folder}/admin.conf")
    before = site.units()
    run = site.run("--tags", "zookeeper")
    assert run.rc == 0, run.output
    assert site.restarted_since(before) == servers
    said = " ".join(run.output.split())
    assert f"{server.unit} has the drop-in {folder}/admin.conf, which is not the kit's" in said
    assert machine.run(f"ls {folder}").split() == ["admin.conf"]
    machine.run(f"rm -r {folder}")
    before = site.units()
    run = site.run("--tags", "zookeeper")
    assert run.rc == 0, run.output
    assert site.restarted_since(before) == {(server.host, server.unit)}
