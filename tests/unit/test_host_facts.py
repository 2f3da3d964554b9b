"""What is read of a machine for the rules about machines."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from host_facts import (
    address,
    fstab,
    java,
    listening,
    mounts,
    read,
    read_addresses,
    read_memory,
    read_release,
    read_sockets,
    read_unit,
)


def test_the_address_is_the_first_one_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(*question: Any) -> Any:
        asked.append(question)
        return [(None, None, None, "", (host, 0)) for host in ("192.0.2.1", "127.0.1.1")]

    assert address("localhost") == "127.0.0.1"
    assert address("no-such-name.invalid") is None
    assert address("a" * 70) is None
    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert address("a") == "192.0.2.1"
    assert asked == [("a", None, socket.AF_INET, socket.SOCK_STREAM)]


def test_the_release() -> None:
    text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
    assert read_release(text) == {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)"}
    # A rolling release has no number.
    assert read_release("ID=arch\n# a comment\n") == {"id": "arch", "version": "", "name": "arch"}


@pytest.mark.parametrize(
    ("system", "packages"),
    [
        ({"id": "debian", "version": "12"}, [17]),
        ({"id": "debian", "version": "13"}, [21, 25]),
        ({"id": "ubuntu", "version": "12"}, []),
        ({"id": "debian", "version": ""}, []),
    ],
)
def test_java_that_the_release_has(system: dict[str, str], packages: list[int], tmp_path: Path) -> None:
    assert java(system, tmp_path) == {"packages": packages, "homes": []}


def test_java_that_is_there(tmp_path: Path) -> None:
    jvm = tmp_path / "usr/lib/jvm"
    (jvm / "java-17-openjdk-amd64/bin").mkdir(parents=True)
    (jvm / "java-17-openjdk-amd64/bin/java").touch()
    # What is left of one that was removed.
    (jvm / "java-11-openjdk-amd64/conf").mkdir(parents=True)
    found = java({"id": "debian", "version": "13"}, tmp_path)
    assert found["homes"] == ["/usr/lib/jvm/java-17-openjdk-amd64"]


def test_memory_is_in_mb() -> None:
    assert read_memory("Buffers: 1 kB\nMemTotal:       24576000 kB\n") == 24000
    with pytest.raises(ValueError, match="no MemTotal"):
        read_memory("MemFree: 1 kB")


def test_own_addresses() -> None:
    text = """Main:
           |-- 127.0.0.1
              /32 host LOCAL
           |-- 192.0.2.0
              /24 link UNICAST
           |-- 192.0.2.7
              /32 host LOCAL
Local:
           |-- 192.0.2.7
              /32 host LOCAL
           |-- 192.0.2.255
              /32 link BROADCAST
"""
    assert read_addresses(text) == ["192.0.2.7"]


SOCKETS = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0
   1: 0100007F:0016 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0
"""


def test_ports_that_something_listens_at() -> None:
    assert read_sockets(SOCKETS) == {9092: "4711"}


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/zookeeper.service\n", "zookeeper"),
        ("0::/system.slice/system-kafka.slice/kafka@1.service\n", "kafka@1"),
        ("0::/system.slice/yarn-nodemanager.service/container_1\n", "yarn-nodemanager"),
        ("12:cpu:/user.slice\n0::/user.slice/user-0.slice/session-1.scope\n", ""),
        ("0::/\n", ""),
    ],
)
def test_the_unit_of_a_process(cgroup: str, unit: str) -> None:
    assert read_unit(cgroup) == unit


def test_whose_a_port_is(tmp_path: Path) -> None:
    net, process = tmp_path / "proc/net", tmp_path / "proc/17"
    net.mkdir(parents=True)
    (process / "fd").mkdir(parents=True)
    (net / "tcp6").write_text(
        SOCKETS + SOCKETS.splitlines()[1].replace("2384", "2385").replace("4711", "1") + "\n"
    )
    (process / "fd/3").symlink_to("socket:[4711]")
    (process / "cgroup").write_text("0::/system.slice/kafka@1.service\n")
    (process / "comm").write_text("java\n")
    # One that has ended meanwhile.
    (tmp_path / "proc/18").mkdir()
    assert listening(tmp_path) == [
        {"port": 9092, "unit": "kafka@1", "program": "java"},
        {"port": 9093, "unit": "", "program": ""},
    ]


def test_file_systems(tmp_path: Path) -> None:
    [far] = mounts("server:/x /no/such nfs4 rw 0 0\n")
    assert (far["path"], far["free"]) == ("/no/such", None)
    text = (
        f"/dev/a {tmp_path} ext4 ro 0 0\noverlay {tmp_path} overlay rw,noatime 0 0\nproc /proc proc rw 0 0\n"
    )
    [found] = mounts(f"{text}/dev/b /no/such ext4 rw 0 0\n")
    assert (found["path"], found["read_only"]) == (str(tmp_path), False)
    assert 0 < found["free"] <= found["size"]
    assert found["inodes"] > 0


def test_what_fstab_names() -> None:
    text = """# a comment
UUID=1 / ext4 errors=remount-ro 0 1
/dev/sdb1 /data/disk\\0401 xfs defaults,nofail 0 2
/dev/sdc1 /backup ext4 defaults,noauto 0 2
/dev/sdd1 none swap sw 0 0
/dev/sde1 /data/2/ xfs defaults 0 2
/dev/sdf1 //data/./3\\040/// xfs
"""
    assert fstab(text) == ["/", "/data/disk 1", "/data/2", "/data/3 "]


def test_this_machine(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        found = read(["localhost"], [sys.executable, "/no/such"])
        [mine] = [each for each in found["listening"] if each["port"] == server.getsockname()[1]]
    assert mine["program"].startswith(("python", "pytest"))
    assert found["names"] == {"localhost": "127.0.0.1"}
    assert found["files"] == {sys.executable: True, "/no/such": False}
    assert found["memory"] > 256
    assert found["architecture"] == os.uname().machine
    assert found["hostname"] == subprocess.check_output(["uname", "-n"], text=True).strip()
    assert found["user"] == os.geteuid()
    assert found["own_address"] == address(found["hostname"])
    assert any(mount["path"] == "/" for mount in found["mounts"])
