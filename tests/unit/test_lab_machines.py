"""The pure parts of lab_machines, and its decisions with podman replaced by a recorder."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path
from typing import Any

import lab_machines
import pytest
from lab_machines import Lab, LabError, Limits

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t0000590A\t00000000\t0001\t0\t0\t0\t00FEFFFF\t0\t0\t0
"""


def container(
    name: str,
    lab: str | None = "lab",
    state: str = "running",
    address: str = "",
    host: str | None = None,
    ports: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return an entry of ``podman ps --format json``."""
    labels = {"millrace": lab, "millrace.address": address, "millrace.host": host or name} if lab else None
    return {
        "Names": [name],
        "Labels": labels,
        "State": state,
        "Image": "image:1",
        "Mounts": ["/root/keys", "/etc/hosts"],
        "Ports": list(ports) or None,
    }


def published(there: int, own: int, count: int = 1, **changes: Any) -> dict[str, Any]:
    """Return an entry of its ports."""
    ports = {"host_ip": "127.0.0.1", "host_port": there, "container_port": own}
    return ports | {"range": count, "protocol": "tcp"} | changes


class Podman:
    """Answers the listings and remembers everything else."""

    def __init__(self) -> None:
        self.containers: list[dict[str, Any]] = []
        self.networks: list[dict[str, Any]] = []
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, *arguments: str) -> str:
        """Stand for lab_machines.podman."""
        if arguments[0] == "ps":
            return json.dumps(self.containers)
        if arguments[:2] == ("network", "ls"):
            return json.dumps(self.networks)
        self.calls.append(arguments)
        if arguments[:2] == ("network", "create") and "--subnet=10.89.0.0/24" in arguments:
            raise LabError("podman network create: subnet 10.89.0.0/24 is already used on the host")
        return ""


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Podman:
    """Replace podman, the host's routes, the choice of a runtime and the wait for SSH."""
    fake = Podman()
    (tmp_path / "route").write_text("".join(ROUTES.splitlines(keepends=True)[:3]))
    monkeypatch.setattr(lab_machines, "ROUTE_TABLE", tmp_path / "route")
    monkeypatch.setattr(lab_machines, "podman", fake)
    monkeypatch.setattr(lab_machines, "runtime_arguments", lambda: ["--runtime", "runc"])
    monkeypatch.setattr(lab_machines, "wait_for_ssh", lambda machines, timeout: None)
    return fake


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A lab with known limits."""
    return Lab(
        "lab", "image:1", "net", str(tmp_path / "labs" / "hosts"), ["/keys:/root/keys"], Limits(1000, 2000)
    )


def test_routes_reads_destinations_without_the_default() -> None:
    assert lab_machines.routes(ROUTES) == [IPv4Network("192.0.2.0/24"), IPv4Network("10.89.0.0/23")]


@pytest.mark.parametrize(
    ("taken", "first"),
    [
        ([], ["10.89.0.0/24", "10.89.1.0/24"]),
        (["10.89.0.0/23", "192.0.2.0/24"], ["10.89.2.0/24", "10.89.3.0/24"]),
        (["10.89.1.128/25"], ["10.89.0.0/24", "10.89.2.0/24"]),
        (["10.0.0.0/8"], []),
    ],
)
def test_free_subnets(taken: list[str], first: list[str]) -> None:
    found = islice(lab_machines.free_subnets(map(IPv4Network, taken)), 2)
    assert [str(subnet) for subnet in found] == first


@pytest.mark.parametrize(
    ("names", "known", "expected"),
    [
        (["a", "b"], {}, {"a": "10.89.0.11", "b": "10.89.0.12"}),
        # One that exists keeps its address; a new one gets that of its place, or another when it is taken.
        (["a", "b", "c"], {"c": "10.89.0.11"}, {"a": "10.89.0.12", "b": "10.89.0.13", "c": "10.89.0.11"}),
        (["b"], {"a": "10.89.0.11"}, {"b": "10.89.0.12"}),
    ],
)
def test_assign_addresses(names: list[str], known: dict[str, str], expected: dict[str, str]) -> None:
    assert lab_machines.assign_addresses(IPv4Network("10.89.0.0/24"), names, known) == expected


def test_assign_addresses_refuses_a_full_subnet() -> None:
    with pytest.raises(LabError, match=r"^10\.89\.0\.0/28 has no address left for e$"):
        lab_machines.assign_addresses(IPv4Network("10.89.0.0/28"), list("abcde"), {})


def test_hosts_text_is_ordered_by_address_whoever_was_first() -> None:
    assert lab_machines.hosts_text({"b": "10.89.0.12", "a": "10.89.0.11"}) == (
        "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n10.89.0.11 a\n10.89.0.12 b\n"
    )


@pytest.mark.parametrize(("hard", "expected"), [(500, 500), (5000, 1024), (resource.RLIM_INFINITY, 1024)])
def test_ceiling_never_exceeds_the_kernel(tmp_path: Path, hard: int, expected: int) -> None:
    kernel = tmp_path / "nr_open"
    kernel.write_text("1024\n")
    assert lab_machines.ceiling(hard, kernel) == expected


def test_runtime_is_podmans_own_with_cgroup_v2(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").touch()
    assert lab_machines.runtime_arguments(tmp_path) == []


def test_runtime_is_runc_before_cgroup_v2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program, path: f"/sbin/{program}")
    assert lab_machines.runtime_arguments(tmp_path) == ["--runtime", "runc"]
    monkeypatch.setattr("shutil.which", lambda program, path: None)
    with pytest.raises(LabError, match="apt-get install runc"):
        lab_machines.runtime_arguments(tmp_path)


def test_run_arguments(lab: Lab) -> None:
    arguments = lab_machines.run_arguments(lab, "a", "10.89.0.11")
    assert arguments[0] == "run"
    assert arguments[-2:] == ["image:1", "/sbin/init"]
    assert {
        "--name=a",
        "--hostname=a",
        "--label=millrace=lab",
        "--label=millrace.address=10.89.0.11",
        "--network=net",
        "--ip=10.89.0.11",
        "--label=millrace.host=a",
        f"--volume={lab.hosts_file}:/etc/hosts:ro",
        "--volume=/keys:/root/keys:ro",
        "--ulimit=nofile=1000:1000",
        "--ulimit=nproc=2000:2000",
    } <= set(arguments)
    assert not any("privileged" in argument or "publish" in argument for argument in arguments)


def test_run_arguments_with_a_prefix_ports_and_sysctls(lab: Lab) -> None:
    lab = dataclasses.replace(
        lab,
        prefix="one-",
        publish={"a": {22: 2201, 80: 8001}, "b": {22: 2202}},
        sysctls={"net.ipv4.ip_local_reserved_ports": "50010-50090"},
    )
    arguments = lab_machines.run_arguments(lab, "a", "10.89.0.11")
    assert "--sysctl=net.ipv4.ip_local_reserved_ports=50010-50090" in arguments
    assert {"--name=one-a", "--hostname=a", "--label=millrace.host=a"} <= set(arguments)
    assert [argument for argument in arguments if "publish" in argument] == [
        "--publish=127.0.0.1:2201:22",
        "--publish=127.0.0.1:8001:80",
    ]


def test_publications_are_numbers() -> None:
    publish = {"a": {"22": 2201, "80": "8001"}, "b": {}}
    assert lab_machines.publications(publish, ["a", "b"]) == {"a": {22: 2201, 80: 8001}, "b": {}}


@pytest.mark.parametrize(
    ("publish", "message"),
    [
        ({"c": {"22": 2201}}, "lab_publish has c, which is not a machine of this lab: a, b"),
        ({"a": 22}, "lab_publish of a is 22: give {port of the machine: port here}"),
        ({"a": {"22": 70000}}, "lab_publish of a has 22: 70000: give two ports from 1 to 65535"),
        ({"a": {"ssh": 2201}}, "lab_publish of a has ssh: 2201: give two ports from 1 to 65535"),
        ({"a": {"0": 2201}}, "lab_publish of a has 0: 2201: give two ports from 1 to 65535"),
        ({"a": {"22": 2201.5}}, "lab_publish of a has 22: 2201.5: give two ports from 1 to 65535"),
        (
            {"a": {"22": 2201}, "b": {"22": 2201}},
            "lab_publish gives port 2201 to a's 22 and to b's 22: give each its own",
        ),
        (
            {"a": {"22": 2201, "80": 2201}},
            "lab_publish gives port 2201 to a's 22 and to a's 80: give each its own",
        ),
    ],
)
def test_publications_that_cannot_be_meant(publish: Mapping[str, Any], message: str) -> None:
    with pytest.raises(LabError) as refused:
        lab_machines.publications(publish, ["a", "b"])
    assert str(refused.value) == message


def test_ports_of_the_loopback_are_read() -> None:
    entry = container(
        "a",
        ports=[
            published(2201, 22, 2),
            published(8080, 80, host_ip=""),
            published(53, 53, protocol="udp"),
            published(443, 443, host_ip="192.0.2.1"),
        ],
    )
    (machine,) = lab_machines.parse_machines(json.dumps([entry]))
    assert machine.ports == {2201: 22, 2202: 23, 8080: 80}


def test_a_container_of_an_older_kit_has_its_machines_name() -> None:
    entry = container("a")
    del entry["Labels"]["millrace.host"]
    assert lab_machines.parse_machines(json.dumps([entry]))[0].host == "a"


def test_up_makes_missing_machines_on_the_next_subnet_when_one_was_just_taken(
    podman: Podman, lab: Lab
) -> None:
    result = lab_machines.bring_up(lab, ["a", "b"], None, 1, check=False)
    assert result["changed"]
    assert result["made"] == ["a", "b"]
    assert [call[-1] for call in podman.calls] == ["net", "net", "/sbin/init", "/sbin/init"]
    assert "--opt=isolate=true" in podman.calls[1]
    subnet = podman.calls[1][-2].removeprefix("--subnet=").removesuffix(".0/24")
    assert result["machines"] == [
        {"name": "a", "container": "a", "address": f"{subnet}.11"},
        {"name": "b", "container": "b", "address": f"{subnet}.12"},
    ]
    assert Path(lab.hosts_file).read_text().endswith(f"{subnet}.11 a\n{subnet}.12 b\n")


def test_up_leaves_alone_what_runs(podman: Podman, lab: Lab) -> None:
    podman.containers = [container("a", address="10.89.7.11"), container("other", lab=None)]
    result = lab_machines.bring_up(lab, ["a"], None, 1, check=False)
    assert not result["changed"]
    assert podman.calls == []
    assert result["machines"] == [{"name": "a", "container": "a", "address": "10.89.7.11"}]
    assert result["warnings"] == []


def test_up_beside_a_lab_with_the_same_host_names(podman: Podman, lab: Lab) -> None:
    lab = dataclasses.replace(lab, prefix="two-")
    podman.networks = [
        {"name": "net", "labels": {"millrace": "lab"}, "subnets": [{"subnet": "10.89.7.0/24"}]}
    ]
    podman.containers = [
        container("one-a", lab="another", host="a", address="10.89.3.11"),
        container("two-a", host="a", state="exited", address="10.89.7.11"),
    ]
    result = lab_machines.bring_up(lab, ["a", "b"], None, 1, check=False)
    assert (result["made"], result["started"]) == (["b"], ["a"])
    assert result["machines"] == [
        {"name": "a", "container": "two-a", "address": "10.89.7.11"},
        {"name": "b", "container": "two-b", "address": "10.89.7.12"},
    ]
    made, started = sorted(podman.calls, key=len, reverse=True)
    assert {"--name=two-b", "--hostname=b"} <= set(made)
    assert started[2:] == ("start", "two-a")
    assert Path(lab.hosts_file).read_text().endswith("10.89.7.11 a\n10.89.7.12 b\n")
    assert lab_machines.take_down("lab", check=True)["removed"] == ["two-a", "net"]


def test_up_writes_the_hosts_file_in_place(podman: Podman, lab: Lab) -> None:
    Path(lab.hosts_file).parent.mkdir()
    Path(lab.hosts_file).touch()
    inode = Path(lab.hosts_file).stat().st_ino
    podman.containers = [container("a", address="10.89.7.11")]
    lab_machines.bring_up(lab, ["a"], None, 1, check=False)
    assert Path(lab.hosts_file).read_text().endswith("10.89.7.11 a\n")
    assert Path(lab.hosts_file).stat().st_ino == inode


def test_up_starts_what_is_stopped_and_makes_anew_what_never_ran(podman: Podman, lab: Lab) -> None:
    podman.networks = [
        {"name": "net", "labels": {"millrace": "lab"}, "subnets": [{"subnet": "10.89.7.0/24"}]}
    ]
    podman.containers = [
        container("a", state="exited", address="10.89.7.11"),
        container("b", state="created", address="10.89.7.12"),
    ]
    result = lab_machines.bring_up(lab, ["a", "b"], None, 1, check=False)
    assert (result["made"], result["started"]) == (["b"], ["a"])
    assert sorted(call[2] for call in podman.calls) == ["run", "start"]
    assert Path(lab.hosts_file).read_text().endswith("10.89.7.11 a\n10.89.7.12 b\n")


def test_up_in_check_mode_says_what_it_would_do_and_does_nothing(podman: Podman, lab: Lab) -> None:
    podman.containers = [container("a", state="exited", address="10.89.7.11")]
    result = lab_machines.bring_up(lab, ["a", "b"], "10.99.0.0/24", 1, check=True)
    assert (result["changed"], result["made"], result["started"]) == (True, ["b"], ["a"])
    assert podman.calls == []
    assert not Path(lab.hosts_file).exists()


def test_up_tells_that_a_machine_has_an_older_image(podman: Podman, lab: Lab) -> None:
    podman.containers = [container("a", address="10.89.7.11") | {"Image": "image:0"}]
    result = lab_machines.bring_up(lab, ["a"], None, 1, check=False)
    assert result["warnings"] == ["a runs on image:0, not on image:1: take the lab down to renew it"]


def test_up_refuses_another_prefix(podman: Podman, lab: Lab) -> None:
    podman.containers = [container("one-a", host="a")]
    with pytest.raises(
        LabError, match="lab lab has a as container one-a: take the lab down before you change lab"
    ):
        lab_machines.bring_up(lab, ["a"], None, 1, check=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"publish": {"a": {22: 2201}}}, None),
        ({"publish": {"a": {22: 2202}}}, "a was made without port 2202 of lab_publish: take the lab down"),
        ({"publish": {"a": {23: 2201}}}, "a was made without port 2201 of lab_publish: take the lab down"),
        ({"mounts": ["/x:/root/keys/"]}, None),
        ({"mounts": ["/x:/data"]}, "a was made without /data of lab_mounts: take the lab down"),
    ],
)
def test_up_refuses_a_machine_that_lacks_a_port_or_a_mount(
    podman: Podman, lab: Lab, changes: dict[str, Any], message: str | None
) -> None:
    podman.containers = [container("a", address="10.89.7.11", ports=[published(2201, 22)])]
    lab = dataclasses.replace(lab, **changes)
    if message is None:
        assert not lab_machines.bring_up(lab, ["a"], None, 1, check=True)["changed"]
        return
    with pytest.raises(LabError, match=message):
        lab_machines.bring_up(lab, ["a"], None, 1, check=True)


def test_up_refuses_a_port_that_is_taken(podman: Podman, lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        lab = dataclasses.replace(lab, publish={"a": {22: port}})
        message = f"^lab_publish gives a port {port}, which is taken: give another$"
        with pytest.raises(LabError, match=message):
            lab_machines.bring_up(lab, ["a"], None, 1, check=True)
        # By the machine itself, which runs.
        podman.containers = [container("a", address="10.89.7.11", ports=[published(port, 22)])]
        assert not lab_machines.bring_up(lab, ["a"], None, 1, check=True)["changed"]
        # It is stopped: something else listens.
        podman.containers[0]["State"] = "exited"
        with pytest.raises(LabError, match=message):
            lab_machines.bring_up(lab, ["a"], None, 1, check=True)
    assert lab_machines.bring_up(lab, ["a"], None, 1, check=True)["started"] == ["a"]
    # Another lab's machine would want it when it is started.
    podman.containers.append(container("b", lab="another", state="exited", ports=[published(port, 80)]))
    with pytest.raises(LabError, match=f"port {port}, which is taken by container b: give another"):
        lab_machines.bring_up(lab, ["a"], None, 1, check=True)
    assert podman.calls == []


@pytest.mark.parametrize(
    ("known", "refused"),
    [
        (set(), False),
        ({"10.89.7.11"}, False),
        ({"10.89.3.11"}, True),
        ({"10.89.7.11", "10.89.3.11"}, True),
    ],
)
def test_up_refuses_a_name_that_is_another_machines_here(
    podman: Podman, lab: Lab, monkeypatch: pytest.MonkeyPatch, known: set[str], refused: bool
) -> None:
    monkeypatch.setattr(lab_machines, "addresses_here", lambda name: known)
    podman.containers = [container("a", address="10.89.7.11")]
    # Where the controller gets the names they are put right afterwards.
    assert lab_machines.bring_up(lab, ["a"], None, 1, check=False)["machines"]
    lab = dataclasses.replace(lab, names_on_controller=False)
    if not refused:
        assert lab_machines.bring_up(lab, ["a"], None, 1, check=False)["machines"]
        return
    with pytest.raises(
        LabError, match=r"^a is 10\.89\.3\.11 on this machine, but 10\.89\.7\.11 in lab lab: run in "
    ):
        lab_machines.bring_up(lab, ["a"], None, 1, check=False)


def test_addresses_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab_machines.addresses_here("127.0.0.1") == {"127.0.0.1"}

    def fail(*arguments: Any) -> None:
        raise socket.gaierror

    monkeypatch.setattr("socket.getaddrinfo", fail)
    assert lab_machines.addresses_here("nowhere") == set()


def test_up_refuses_what_is_not_its_own(podman: Podman, lab: Lab) -> None:
    podman.containers = [container("a", lab="another")]
    with pytest.raises(LabError, match="a container a exists that is not of lab lab"):
        lab_machines.bring_up(lab, ["a"], None, 1, check=False)
    podman.containers = []
    podman.networks = [{"name": "net", "subnets": [{"subnet": "10.89.7.0/24"}]}]
    with pytest.raises(LabError, match="set lab_network"):
        lab_machines.bring_up(lab, ["a"], None, 1, check=False)
    podman.networks[0]["labels"] = {"millrace": "lab"}
    with pytest.raises(LabError, match=r"network net is 10\.89\.7\.0/24, not 10\.89\.8\.0/24"):
        lab_machines.bring_up(lab, ["a"], "10.89.8.0/24", 1, check=False)
    podman.networks[0]["name"] = "its"
    with pytest.raises(LabError, match=r"10\.89\.7\.0/25 overlaps 10\.89\.7\.0/24"):
        lab_machines.bring_up(lab, ["a"], "10.89.7.0/25", 1, check=False)
    assert podman.calls == []


@pytest.mark.parametrize(
    ("lab_name", "removed"), [("lab", ["a", "net"]), (None, ["a", "b", "net", "its"]), ("none", [])]
)
def test_down_removes_only_what_is_labelled(podman: Podman, lab_name: str | None, removed: list[str]) -> None:
    podman.containers = [container("a"), container("b", lab="another"), container("c", lab=None)]
    podman.networks = [
        {"name": "net", "labels": {"millrace": "lab"}, "subnets": []},
        {"name": "its", "labels": {"millrace": "another"}},
        {"name": "podman", "subnets": [{"subnet": "10.88.0.0/16"}, {"subnet": "fd00::/64"}]},
    ]
    assert lab_machines.take_down(lab_name, check=True) == {"changed": bool(removed), "removed": removed}
    assert podman.calls == []
    assert lab_machines.take_down(lab_name, check=False)["removed"] == removed
    assert [
        word for call in podman.calls for word in call if word in {"a", "b", "c", "net", "its", "podman"}
    ] == removed


@pytest.mark.parametrize(
    ("greeting", "expected"), [(b"SSH-2.0-any\r\n", True), (b"220 mail\r\n", False), (b"", False)]
)
def test_ssh_answers_only_when_greeted(greeting: bytes, expected: bool) -> None:
    def greet() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(greeting)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet)
        thread.start()
        assert lab_machines.ssh_answers("127.0.0.1", 5, server.getsockname()[1]) is expected
        thread.join()
        port = server.getsockname()[1]
    assert not lab_machines.ssh_answers("127.0.0.1", 5, port)


def test_wait_for_ssh_asks_again_until_all_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answers(address: str, timeout: float) -> bool:
        asked.append(address)
        return address == "1" or asked.count(address) == 3

    monkeypatch.setattr(lab_machines, "ssh_answers", answers)
    lab_machines.wait_for_ssh({"a": "1", "b": "2"}, 10)
    assert asked == ["1", "2", "2", "2"]


def test_wait_for_ssh_names_the_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_machines, "ssh_answers", lambda address, timeout: address == "1")
    with pytest.raises(LabError, match=r"^no SSH server answers on b, c within 0 s; see: podman exec b "):
        lab_machines.wait_for_ssh({"a": "1", "b": "2", "c": "3"}, 0)


def test_podman_failure_is_told_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\necho 'no such network' >&2\nexit 125\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"^podman network rm x: no such network$"):
        lab_machines.podman("network", "rm", "x")


INSIDE = """
import subprocess
from lab_machines import outside
print(outside(), "its own" in subprocess.check_output([*outside(), "cat", "/etc/hosts"], text=True))
"""


def test_podman_runs_outside_of_a_namespace_with_its_own_hosts(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("# its own\n")
    namespace = (
        ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    )
    # What follows the last command keeps the shell from becoming it.
    script = (
        'echo $$; "$2" -c "$3"; unshare --mount bash -c '
        '\'mount --bind "$1/hosts" /etc/hosts && "$2" -c "$3"\' - "$1" "$2" "$3"; exit'
    )
    done = subprocess.run(
        [*namespace, "bash", "-c", script, "-", str(tmp_path), sys.executable, INSIDE],
        env=os.environ | {"PYTHONPATH": str(Path(lab_machines.__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    process, before, inside = done.stdout.splitlines()
    assert before == "[] False"
    assert inside == f"['nsenter', '--mount=/proc/{process}/ns/mnt'] False"
