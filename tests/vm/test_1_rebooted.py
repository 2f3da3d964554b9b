"""A machine is rebooted: its daemons come up with their data, and the kernel is as it was set."""

from __future__ import annotations

import subprocess

from smoke.services import zookeeper
from smoke.services.kafka import Kafka
from smoke.wait import wait_until
from tests.live import CLUSTER, Site

KERNEL = {
    "/proc/sys/vm/swappiness": "1",
    "/proc/sys/vm/max_map_count": "262144",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
}


def kernel(site: Site) -> dict[str, str]:
    (name,) = CLUSTER.machines
    return {path: site.host(name).check_output(f"cat {path}").strip() for path in KERNEL}


def ask(command: str) -> str:
    """What the machine says; nothing while it is down."""
    (machine,) = CLUSTER.machines.values()
    words = [*machine.ssh, command]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False).stdout.strip()


BOOT = "cat /proc/sys/kernel/random/boot_id"
"""Another one after each boot."""


def test_the_kernel_is_as_it_was_set(site: Site) -> None:
    assert kernel(site) == KERNEL


def test_all_is_back_after_a_reboot(site: Site) -> None:
    assert CLUSTER.kafka
    assert CLUSTER.zookeeper
    client = Kafka(CLUSTER.kafka, timeout=60)
    client.create_topic("rebooted", 3, 1, 1)
    sent = client.produce("rebooted", ((n, b"x" * 100) for n in range(1000)))
    assert len(sent.acked) == 1000
    with zookeeper.session(*CLUSTER.zookeeper.servers, timeout=60) as session:
        session.create("/rebooted", b"kept")
    before = ask(BOOT)
    assert before
    ask("systemctl reboot")
    wait_until(lambda: ask(BOOT) not in ("", before), 300, "it was not rebooted")
    site.check(timeout=590)
    assert {number for number, _ in client.dump("rebooted")} == set(range(1000))
    with zookeeper.session(*CLUSTER.zookeeper.servers, timeout=60) as session:
        assert session.get("/rebooted")[0] == b"kept"
    assert kernel(site) == KERNEL


def test_a_second_run_changes_nothing(site: Site) -> None:
    run = site.run("--skip-tags", "smoke")
    assert run.rc == 0, run.output
    assert set(run.changed.values()) == {0}, run.output


def test_the_kernel_is_given_back(site: Site) -> None:
    """And nothing of the kit is left but data."""
    run = site.run(playbook="playbooks/teardown.yml")
    assert run.rc == 0, run.output
    found = kernel(site)
    assert found["/proc/sys/vm/swappiness"] == "60"
    assert found["/proc/sys/vm/max_map_count"] == "65530"
    assert "[always]" in found["/sys/kernel/mm/transparent_hugepage/enabled"]
