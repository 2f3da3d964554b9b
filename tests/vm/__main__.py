"""python -m tests.vm: boot a Debian machine in QEMU, deploy ZooKeeper and a broker there, run the tests.

The machine's disk is a container of the lab with a kernel. KVM is not used, though it may be there: where
virtual machines hold virtual machines it can stop in the middle of a boot.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
INVENTORY = "tests/vm/inventory"
WORK = CHECKOUT / "out/vm-test"
NAME, LAB = "vm-1", "vm-test"
DEVICE = "millrace-vm"
NETWORKS = ("198.51.100.0/30", "203.0.113.0/30", "192.0.2.0/30")
"""Of the networks for documentation (RFC 5737), which lead nowhere; this host may be in one all the same."""
HOSTS = Path("/etc/hosts")
MARK = f"# millrace {LAB}"
MEMORY = 3072
"""MB."""
BOOT = 300
"""Seconds in which it must answer SSH."""
KERNEL = ("linux-image-cloud-amd64", "udev")
"""Without udev, systemd awaits the console for a minute and a half."""
CACHE = Path(os.environ.get("MILLRACE_CACHE") or "~/.cache/millrace").expanduser()


def run(*words: str) -> None:
    """Run a command and show what it says. Raises CalledProcessError."""
    subprocess.run(words, cwd=CHECKOUT, check=True, stdin=subprocess.DEVNULL)


def playbook(*words: str) -> None:
    """Run a playbook of the kit on the machine's inventory. Raises CalledProcessError."""
    run(str(Path(sys.executable).parent / "ansible-playbook"), "-i", INVENTORY, *words)


def addresses() -> tuple[str, str]:
    """Of this host and of the machine, in a network that is not this host's. Raises OSError without one."""
    shown = json.loads(subprocess.check_output(["ip", "-json", "-4", "address"], text=True))
    mine = [
        ip_network(f"{each['local']}/{each['prefixlen']}", strict=False)
        for one in shown
        for each in one["addr_info"]
    ]
    for network in map(ip_network, NETWORKS):
        if not any(network.overlaps(each) for each in mine):
            host, machine = map(str, network.hosts())
            return host, machine
    raise OSError(f"this host is in all of {', '.join(NETWORKS)}")


def make_disk(tree: Path, disk: Path, address: str) -> None:
    """A file system with Debian, its kernel beside it. Raises CalledProcessError."""
    try:
        playbook("playbooks/lab_up.yml", "-e", f"lab_name={LAB}")
        install = f"apt-get update && apt-get install --yes --no-install-recommends {' '.join(KERNEL)}"
        run("podman", "exec", "--env", "DEBIAN_FRONTEND=noninteractive", NAME, "sh", "-c", install)
        tree.mkdir(parents=True)
        with subprocess.Popen(["podman", "export", NAME], stdout=subprocess.PIPE) as packed:
            subprocess.run(["tar", "-x", "-C", str(tree)], stdin=packed.stdout, check=True)
    finally:
        playbook("playbooks/lab_down.yml", "-e", f"lab_name={LAB}")
    for path, text in {
        "etc/hostname": f"{NAME}\n",
        "etc/hosts": f"127.0.0.1 localhost\n{address} {NAME}\n",
        "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
        "etc/systemd/network/vm.network": f"[Match]\nName=e*\n[Network]\nAddress={address}/30\n",
        "root/.ssh/authorized_keys": (CACHE / "ssh/id_ed25519.pub").read_text(),
    }.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    run("systemctl", "--root", str(tree), "enable", "--quiet", "systemd-networkd", "ssh")
    run("mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(disk), "6G")
    for name in ("vmlinuz", "initrd.img"):
        (found,) = (tree / "boot").glob(f"{name}-*")
        shutil.copy(found, WORK / name)
    shutil.rmtree(tree)


@contextlib.contextmanager
def network(host: str, address: str) -> Iterator[None]:
    """A network of two, and the machine's name on this host; nothing of it stays."""
    run("ip", "tuntap", "add", "dev", DEVICE, "mode", "tap")
    try:
        run("ip", "address", "add", f"{host}/30", "dev", DEVICE)
        run("ip", "link", "set", DEVICE, "up")
        before = HOSTS.read_text()
        # In its place: where this host is a container the file is a mount.
        HOSTS.write_text(f"{before}{address} {NAME} {MARK}\n")
        try:
            yield
        finally:
            lines = HOSTS.read_text().splitlines(keepends=True)
            HOSTS.write_text("".join(line for line in lines if MARK not in line))
    finally:
        run("ip", "link", "delete", DEVICE)


@contextlib.contextmanager
def machine(disk: Path) -> Iterator[None]:
    """The machine runs and answers SSH; its console is in out/vm-test/console.log. Raises TimeoutError."""
    words = [
        *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", str(MEMORY)),
        *("-nographic", "-kernel", str(WORK / "vmlinuz"), "-initrd", str(WORK / "initrd.img")),
        *("-append", "root=/dev/vda rw console=ttyS0", "-drive", f"file={disk},if=virtio,format=raw"),
        *("-netdev", f"tap,id=net,ifname={DEVICE},script=no,downscript=no"),
        *("-device", "virtio-net-pci,netdev=net"),
    ]
    with (WORK / "console.log").open("w") as console:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
    try:
        wait(process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def wait(process: subprocess.Popen[bytes]) -> None:
    """Until the machine answers SSH. Raises TimeoutError."""
    began, told = time.monotonic(), 0.0
    while time.monotonic() - began < BOOT and process.poll() is None:
        probe = ["ssh", "-i", str(CACHE / "ssh/id_ed25519"), "-o", "ConnectTimeout=5", "-o", "BatchMode=yes"]
        known = [
            "-o",
            f"UserKnownHostsFile={CACHE / 'ssh/known_hosts'}",
            f"root@{NAME}",
            "systemctl is-system-running",
        ]
        said = subprocess.run([*probe, *known], capture_output=True, text=True, check=False).stdout.strip()
        if said in ("running", "degraded"):
            print(f"{NAME} is {said} after {time.monotonic() - began:.0f} s", flush=True)
            return
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"... {told - began:.0f} s, awaiting {NAME}: {said or 'no SSH yet'}", flush=True)
        time.sleep(1)
    raise TimeoutError(f"{NAME} did not come up within {BOOT} s: see {WORK / 'console.log'}")


def main() -> int:
    """Make, boot, deploy, test; returns what pytest did."""
    # Ended from outside it gives back what it has made, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # There may be none.
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    disk = WORK / "disk.img"
    host, address = addresses()
    try:
        make_disk(WORK / "tree", disk, address)
        with network(host, address), machine(disk):
            playbook("site.yml", "--skip-tags", "smoke")
            given = {"MILLRACE_INVENTORY": str(CHECKOUT / INVENTORY), "MILLRACE_CLUSTER": LAB}
            words = [sys.executable, "-m", "pytest", "-v", "tests/vm"]
            return subprocess.run(words, cwd=CHECKOUT, env=os.environ | given, check=False).returncode
    finally:
        disk.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
