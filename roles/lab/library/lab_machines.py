"""Ansible module: containers that are machines, with systemd, sshd and a fixed address."""

from __future__ import annotations

import concurrent.futures
import contextlib
import ipaddress
import json
import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: lab_machines
short_description: makes, starts and removes the containers of a lab
description:
  - Each machine is a podman container with systemd that answers SSH at a fixed address of the lab's network.
  - The networks of two labs are isolated from each other; the controller reaches both.
  - Missing machines are made and stopped ones are started; what runs is left alone, whatever its image.
  - Everything is labelled C(millrace=<name>), and nothing without that label is ever touched.
  - Needs root, because the controller reaches only root's containers by their addresses.
  - In check mode it makes nothing, but refuses all that it would refuse.
options:
  name:
    description: name of the lab; with O(state=absent) it may be left out, which means every lab
    type: str
  state:
    description: whether the machines run or are gone
    type: str
    choices: [present, absent]
    default: present
  machines:
    description: host names of the machines, in the order of their addresses (the first gets .11)
    type: list
    elements: str
    default: []
  prefix:
    description:
      - Put before a machine's name in the name of its container.
      - So two labs can have machines of the same names.
    type: str
    default: ""
  image:
    description: image of machines still to be made; required with O(state=present), except in check mode
    type: str
  network:
    description: name of the podman network; required with O(state=present)
    type: str
  subnet:
    description: subnet of the network; a free one of 10.89.0.0/16 when left out
    type: str
  hosts_file:
    description:
      - File written with the addresses of all machines of the lab, which they see as C(/etc/hosts).
      - Required with O(state=present); written in place, so that machines that run see a later one, too.
    type: path
  names_on_controller:
    description:
      - Whether the caller makes the names known on the controller.
      - When not, a name that has another address there is refused. It is that of another lab's machine, and
        the one SSH host key of all labs does not tell them apart.
      - In a mount namespace with O(hosts_file) bound over C(/etc/hosts) the names are right. The module
        runs podman outside of it.
    type: bool
    default: true
  publish:
    description:
      - >-
        Ports of machines that the controller's loopback has, too, C({machine: {its port: port there}}).
      - A port that is taken is refused, and so is a machine made without one of its ports.
    type: dict
    default: {}
  mounts:
    description:
      - Files and directories of the controller that the machines see read-only, C(source:target).
      - A machine made without one of the targets is refused.
    type: list
    elements: str
    default: []
  sysctls:
    description: >-
      network parameters of machines still to be made, C({net...: value}); podman takes no comma
    type: dict
    default: {}
  timeout:
    description: seconds within which every machine must answer SSH
    type: int
    default: 60
"""

EXAMPLES = """
- name: Three machines
  lab_machines:
    name: millrace
    machines: [millrace-1, millrace-2, millrace-3]
    image: localhost/millrace-base:0123456789ab
    network: millrace
    hosts_file: "{{ lab_cache }}/labs/millrace/hosts"
"""

RETURN = """
machines:
  description: name, container and address of each machine of O(machines), in that order
  type: list
  elements: dict
  returned: O(state=present)
made:
  description: machines that did not exist
  type: list
  elements: str
  returned: O(state=present)
started:
  description: machines that were stopped
  type: list
  elements: str
  returned: O(state=present)
removed:
  description: containers and networks that were removed
  type: list
  elements: str
  returned: O(state=absent)
"""

LABEL = "millrace"
ADDRESS_LABEL = "millrace.address"
HOST_LABEL = "millrace.host"
POOL = ipaddress.IPv4Network("10.89.0.0/16")
FIRST_ADDRESS = 11
POLL_SECONDS = 0.05
ROUTE_TABLE = Path("/proc/net/route")
LOOPBACK = "127.0.0.1"
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 (read, never bound)


class LabError(Exception):
    """What is wrong and, where there is a remedy, what to do."""


@dataclass(frozen=True)
class Machine:
    """A container that exists; one that never ran is the rest of a failed start."""

    name: str
    host: str
    lab: str | None
    address: str
    state: str
    image: str
    # Ports of the controller's loopback, each with the machine's own.
    ports: Mapping[int, int]
    mounts: Sequence[str]


@dataclass(frozen=True)
class Network:
    """A podman network that exists."""

    name: str
    lab: str | None
    subnets: tuple[ipaddress.IPv4Network, ...]


@dataclass(frozen=True)
class Limits:
    """What a container may have without raising a limit, which not every host allows."""

    files: int
    processes: int

    @classmethod
    def of_host(cls) -> Limits:
        """Read the hard limits of this process and the kernel's ceilings."""
        return cls(
            files=ceiling(resource.getrlimit(resource.RLIMIT_NOFILE)[1], Path("/proc/sys/fs/nr_open")),
            # podman lowers its own limit to pid_max, so that a container cannot have more.
            processes=ceiling(resource.getrlimit(resource.RLIMIT_NPROC)[1], Path("/proc/sys/kernel/pid_max")),
        )


@dataclass(frozen=True)
class Lab:
    """What is wanted."""

    name: str
    image: str
    network: str
    hosts_file: str
    mounts: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits.of_host)
    prefix: str = ""
    # By machine: its own port, and that of the controller's loopback.
    publish: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    names_on_controller: bool = True
    sysctls: Mapping[str, str] = field(default_factory=dict)


def ceiling(hard: int, kernel: Path) -> int:
    """Return the hard limit, or the kernel's maximum where that is lower."""
    maximum = int(kernel.read_text(encoding="ascii"))
    return maximum if hard == resource.RLIM_INFINITY else min(hard, maximum)


def runtime_arguments(cgroups: Path = Path("/sys/fs/cgroup")) -> list[str]:
    """Return the podman options that choose the runtime: crun refuses the layouts before cgroup v2.

    Raises LabError when runc is needed and not there.
    """
    if (cgroups / "cgroup.controllers").exists():
        return []
    if not shutil.which("runc", path=search_path()):
        raise LabError("this kernel's cgroup layout needs runc, which is not installed: apt-get install runc")
    return ["--runtime", "runc"]


def search_path() -> str:
    """Return a PATH with the directories of runc and iptables, which a user's may lack."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def routes(table: str) -> list[ipaddress.IPv4Network]:
    """Return the destinations in the text of /proc/net/route, without the default route."""
    networks = []
    for line in table.splitlines()[1:]:
        words = line.split()
        destination, mask = (int.from_bytes(bytes.fromhex(words[column])[::-1], "big") for column in (1, 7))
        if mask:
            networks.append(ipaddress.IPv4Network((destination, mask.bit_count()), strict=False))
    return networks


def free_subnets(taken: Iterable[ipaddress.IPv4Network]) -> Iterator[ipaddress.IPv4Network]:
    """Yield the /24 networks of the pool that overlap none of those taken."""
    taken = list(taken)
    for subnet in POOL.subnets(new_prefix=24):
        if not any(subnet.overlaps(other) for other in taken):
            yield subnet


def assign_addresses(
    subnet: ipaddress.IPv4Network, names: Sequence[str], known: Mapping[str, str]
) -> dict[str, str]:
    """Return each name's address: the one it has, else that of its place (from .11), else a free one.

    Raises LabError when the subnet is too small.
    """
    addresses = {name: known[name] for name in names if name in known}
    used = set(known.values())
    hosts = [str(host) for host in subnet.hosts()][FIRST_ADDRESS - 1 :]
    for place, name in enumerate(names):
        if name in addresses:
            continue
        free = (address for address in hosts[place:] + hosts[:place] if address not in used)
        address = next(free, None)
        if address is None:
            raise LabError(f"{subnet} has no address left for {name}")
        addresses[name] = address
        used.add(address)
    return {name: addresses[name] for name in names}


def hosts_text(addresses: Mapping[str, str]) -> str:
    """Return the /etc/hosts of the machines: the same on all, so that a name and its address always agree."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    return "\n".join([*lines, *sorted(f"{address} {name}" for name, address in addresses.items())]) + "\n"


def run_arguments(lab: Lab, name: str, address: str) -> list[str]:
    """Return the podman arguments that make and start one machine."""
    arguments = [
        "run",
        "--detach",
        "--replace",
        "--pull=never",
        f"--name={lab.prefix}{name}",
        f"--hostname={name}",
        f"--label={LABEL}={lab.name}",
        f"--label={HOST_LABEL}={name}",
        f"--label={ADDRESS_LABEL}={address}",
        f"--network={lab.network}",
        f"--ip={address}",
        "--no-hosts",
        f"--volume={lab.hosts_file}:/etc/hosts:ro",
        "--systemd=always",
        # Without it systemd silently skips every sandboxing option that needs a mount namespace.
        "--cap-add=SYS_ADMIN",
        # What root on a machine can do to look into another user's JVM: jcmd, ss -p, /proc/PID/fd.
        "--cap-add=SYS_PTRACE",
        # Both profiles forbid the mounts of systemd's sandboxes.
        "--security-opt=apparmor=unconfined",
        "--security-opt=label=disable",
        "--log-driver=none",
        "--pids-limit=-1",
        "--shm-size=256m",
        f"--ulimit=nofile={lab.limits.files}:{lab.limits.files}",
        f"--ulimit=nproc={lab.limits.processes}:{lab.limits.processes}",
    ]
    arguments += [f"--sysctl={key}={value}" for key, value in lab.sysctls.items()]
    arguments += [f"--volume={mount}:ro" for mount in lab.mounts]
    arguments += [f"--publish={LOOPBACK}:{there}:{own}" for own, there in lab.publish.get(name, {}).items()]
    return [*arguments, lab.image, "/sbin/init"]


def publications(publish: Mapping[str, Any], names: Sequence[str]) -> dict[str, dict[int, int]]:
    """Return what is published with its ports as numbers. Raises LabError for what cannot be meant."""
    published: dict[str, dict[int, int]] = {}
    owners: dict[int, str] = {}
    for name, ports in publish.items():
        if name not in names:
            raise LabError(f"lab_publish has {name}, which is not a machine of this lab: {', '.join(names)}")
        if not isinstance(ports, Mapping):
            raise LabError(f"lab_publish of {name} is {ports!r}: give {{port of the machine: port here}}")
        published[name] = {}
        for own, there in ports.items():
            pair = [int(str(port)) if str(port).isdecimal() else 0 for port in (own, there)]
            if not all(0 < port < 65536 for port in pair):
                raise LabError(f"lab_publish of {name} has {own}: {there}: give two ports from 1 to 65535")
            owner = f"{name}'s {own}"
            if owners.setdefault(pair[1], owner) != owner:
                raise LabError(
                    f"lab_publish gives port {there} to {owners[pair[1]]} and to {owner}: give each its own"
                )
            published[name][pair[0]] = pair[1]
    return published


def parse_machines(listing: str) -> list[Machine]:
    """Return the containers in the output of ``podman ps --all --format json``."""
    machines = []
    for entry in json.loads(listing or "[]"):
        labels = entry.get("Labels") or {}
        ports = {
            published["host_port"] + offset: published["container_port"] + offset
            for published in entry.get("Ports") or []
            if published["protocol"] == "tcp" and published["host_ip"] in {"", ANY_ADDRESS, LOOPBACK}
            for offset in range(published["range"])
        }
        machines.append(
            Machine(
                name=entry["Names"][0],
                host=labels.get(HOST_LABEL, entry["Names"][0]),
                lab=labels.get(LABEL),
                address=labels.get(ADDRESS_LABEL, ""),
                state=entry["State"],
                image=entry["Image"],
                ports=ports,
                mounts=tuple(entry.get("Mounts") or ()),
            )
        )
    return machines


def parse_networks(listing: str) -> list[Network]:
    """Return the networks in the output of ``podman network ls --format json``; IPv4 only."""
    networks = []
    for entry in json.loads(listing or "[]"):
        subnets = [ipaddress.ip_network(one["subnet"], strict=False) for one in entry.get("subnets") or []]
        networks.append(
            Network(
                name=entry["name"],
                lab=(entry.get("labels") or {}).get(LABEL),
                subnets=tuple(one for one in subnets if isinstance(one, ipaddress.IPv4Network)),
            )
        )
    return networks


def parent(process: int) -> int:
    """Return the id of a process's parent, 0 for the first one."""
    status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    return int(status.rpartition(")")[2].split()[1])


def outside() -> list[str]:
    """Return what runs podman outside of a mount namespace that was made for an /etc/hosts of its own.

    A container made inside could not be wholly removed from outside, where its mounts are missing.
    Outside is where the nearest ancestor is that has the same root and another /etc/hosts.
    """
    hosts, root = os.stat("/etc/hosts"), os.stat("/")
    ancestor = os.getpid()
    while ancestor := parent(ancestor):
        its = Path(f"/proc/{ancestor}/root")
        with contextlib.suppress(PermissionError):  # of a user other than root, who could not enter it either
            if os.path.samestat(its.stat(), root) and not os.path.samestat((its / "etc/hosts").stat(), hosts):
                return ["nsenter", f"--mount=/proc/{ancestor}/ns/mnt"]
    return []


def podman(*arguments: str) -> str:
    """Run podman and return its output. Raises LabError with podman's own words."""
    environment = os.environ | {"PATH": search_path()}
    if not shutil.which("podman", path=environment["PATH"]):
        raise LabError("podman is not installed: apt-get install podman")
    command = [*outside(), "podman", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise LabError(f"podman {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def ssh_answers(address: str, timeout: float, port: int = 22) -> bool:
    """Tell whether an SSH server greets at the address within timeout (seconds)."""
    try:
        with socket.create_connection((address, port), timeout=timeout) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def wait_for_ssh(machines: Mapping[str, str], timeout: float) -> None:
    """Return when every machine (name to address) greets. Raises LabError with the names that do not."""
    deadline = time.monotonic() + timeout
    silent = dict(machines)
    while silent:
        silent = {name: address for name, address in silent.items() if not ssh_answers(address, 1.0)}
        if silent and time.monotonic() > deadline:
            raise LabError(
                f"no SSH server answers on {', '.join(silent)} within {timeout:.0f} s; "
                f"see: podman exec {next(iter(silent))} journalctl --no-pager --lines=40"
            )
        if silent:
            time.sleep(POLL_SECONDS)


def port_is_free(port: int) -> bool:
    """Tell whether nothing listens on the port of the loopback."""
    with socket.socket() as probe:
        # As podman does: connections that have just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def addresses_here(name: str) -> set[str]:
    """Return the IPv4 addresses that the controller knows for a name."""
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except socket.gaierror:
        return set()
    return {str(entry[4][0]) for entry in found}


def existing_machines() -> list[Machine]:
    """Return all containers of this host."""
    return parse_machines(podman("ps", "--all", "--format", "json"))


def existing_networks() -> list[Network]:
    """Return all podman networks of this host."""
    return parse_networks(podman("network", "ls", "--format", "json"))


def subnet_candidates(
    subnet: str | None, taken: Sequence[ipaddress.IPv4Network]
) -> Iterator[ipaddress.IPv4Network]:
    """Yield what the network may be: the subnet asked for, else every free one.

    Raises LabError when the subnet asked for overlaps one that is taken.
    """
    if not subnet:
        yield from free_subnets(taken)
        return
    wanted = ipaddress.IPv4Network(subnet)
    for other in taken:
        if wanted.overlaps(other):
            raise LabError(f"{wanted} overlaps {other}, which is in use: leave lab_subnet out")
    yield wanted


def make_network(lab: Lab, subnet: str | None, check: bool) -> ipaddress.IPv4Network:
    """Return the subnet of the lab's network, which is made when missing."""
    networks = existing_networks()
    mine = next((network for network in networks if network.name == lab.network), None)
    if mine:
        if mine.lab != lab.name:
            raise LabError(
                f"a podman network {lab.network} exists that is not of lab {lab.name}: set lab_network"
            )
        if subnet and ipaddress.IPv4Network(subnet) not in mine.subnets:
            raise LabError(
                f"network {lab.network} is {mine.subnets[0]}, not {subnet}: take the lab down first"
            )
        return mine.subnets[0]
    taken = routes(ROUTE_TABLE.read_text(encoding="ascii"))
    taken += [one for network in networks for one in network.subnets]
    for candidate in subnet_candidates(subnet, taken):
        if check:
            return candidate
        try:
            # Else machines of one lab reach those of another, where nothing would refuse them.
            podman(
                "network", "create", "--opt=isolate=true", f"--label={LABEL}={lab.name}",
                f"--subnet={candidate}", lab.network,
            )  # fmt: skip
        except LabError as error:
            # Another lab, made at the same moment, may have taken it since.
            if subnet or "already used" not in str(error):
                raise
        else:
            return candidate
    raise LabError(f"no free /24 in {POOL}: set lab_subnet")


def write_hosts(hosts_file: Path, addresses: Mapping[str, str]) -> None:
    """Write the machines' /etc/hosts where it differs, in place: they have it mounted."""
    text = hosts_text(addresses)
    if hosts_file.is_file() and hosts_file.read_text(encoding="utf-8") == text:
        return
    hosts_file.parent.mkdir(parents=True, exist_ok=True)
    hosts_file.write_text(text, encoding="utf-8")
    hosts_file.chmod(0o644)


def refuse_others(lab: Lab, names: Sequence[str], existing: Sequence[Machine]) -> None:
    """Raise LabError where a container has the name of one of these machines and is not it."""
    containers = {f"{lab.prefix}{name}" for name in names}
    for machine in existing:
        if machine.name in containers and machine.lab != lab.name:
            raise LabError(
                f"a container {machine.name} exists that is not of lab {lab.name}: remove or rename it"
            )
        if machine.lab == lab.name and machine.host in names and machine.name not in containers:
            raise LabError(
                f"lab {lab.name} has {machine.host} as container {machine.name}: "
                "take the lab down before you change lab_prefix"
            )


def refuse_old(lab: Lab, machines: Iterable[Machine]) -> None:
    """Raise LabError for a machine that was made without a port or a mount it should have."""
    for machine in machines:
        wanted = lab.publish.get(machine.host, {})
        old = [there for own, there in wanted.items() if machine.ports.get(there) != own]
        lacks = [f"port {there} of lab_publish" for there in old]
        targets = (os.path.normpath(mount.split(":")[1]) for mount in lab.mounts)
        lacks += [f"{target} of lab_mounts" for target in targets if target not in machine.mounts]
        if lacks:
            raise LabError(
                f"{machine.host} was made without {', '.join(lacks)}: take the lab down to make it anew"
            )


def refuse_taken_ports(lab: Lab, starting: Iterable[str], existing: Sequence[Machine]) -> None:
    """Raise LabError where a port that a machine about to start publishes belongs to something else."""
    for name in starting:
        others = [machine for machine in existing if machine.name != f"{lab.prefix}{name}"]
        for there in lab.publish.get(name, {}).values():
            holder = next((machine.name for machine in others if there in machine.ports), None)
            if holder or not port_is_free(there):
                by = f" by container {holder}" if holder else ""
                raise LabError(f"lab_publish gives {name} port {there}, which is taken{by}: give another")


def refuse_strangers(lab: Lab, addresses: Mapping[str, str]) -> None:
    """Raise LabError where a machine's name is that of another machine on the controller."""
    for name, address in addresses.items():
        others = addresses_here(name) - {address}
        if others:
            raise LabError(
                f"{name} is {', '.join(sorted(others))} on this machine, but {address} in lab {lab.name}: "
                f"run in a mount namespace with {lab.hosts_file} bound over /etc/hosts"
            )


def bring_up(
    lab: Lab, names: Sequence[str], subnet: str | None, timeout: float, check: bool
) -> dict[str, Any]:
    """Make what is missing, start what is stopped, wait until all answer SSH. Returns the module's result."""
    existing = existing_machines()
    refuse_others(lab, names, existing)
    mine = {
        machine.host: machine
        for machine in existing
        if machine.lab == lab.name and machine.state != "created"
    }
    refuse_old(lab, (mine[name] for name in names if name in mine))
    missing = [name for name in names if name not in mine]
    stopped = [name for name in names if name in mine and mine[name].state != "running"]
    refuse_taken_ports(lab, missing + stopped, existing)
    addresses = {name: machine.address for name, machine in mine.items()}
    if missing:
        addresses |= assign_addresses(make_network(lab, subnet, check), names, addresses)
    if not check:
        write_hosts(Path(lab.hosts_file), addresses)
        runtime = runtime_arguments() if missing or stopped else []
        commands = [[*runtime, *run_arguments(lab, name, addresses[name])] for name in missing]
        commands += [[*runtime, "start", mine[name].name] for name in stopped]
        with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda command: podman(*command), commands))
        wait_for_ssh({f"{lab.prefix}{name}": addresses[name] for name in names}, timeout)
        if not lab.names_on_controller:
            refuse_strangers(lab, {name: addresses[name] for name in names})
    return {
        "changed": bool(missing or stopped),
        "machines": [
            {"name": name, "container": f"{lab.prefix}{name}", "address": addresses[name]} for name in names
        ],
        "made": missing,
        "started": stopped,
        "warnings": [
            f"{name} runs on {mine[name].image}, not on {lab.image}: take the lab down to renew it"
            for name in names
            if name in mine and lab.image not in ("", mine[name].image)
        ],
    }


def take_down(lab: str | None, check: bool) -> dict[str, Any]:
    """Remove the containers and networks of one lab, or of all. Returns the module's result."""

    def theirs(things: Iterable[Machine] | Iterable[Network]) -> list[str]:
        return [thing.name for thing in things if thing.lab is not None and lab in (None, thing.lab)]

    machines, networks = theirs(existing_machines()), theirs(existing_networks())
    if machines and not check:
        podman(*runtime_arguments(), "rm", "--force", "--time=0", "--volumes", *machines)
    if networks and not check:
        podman("network", "rm", *networks)
    return {"changed": bool(machines or networks), "removed": machines + networks}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "machines": {"type": "list", "elements": "str", "default": []},
            "prefix": {"type": "str", "default": ""},
            "image": {"type": "str"},
            "network": {"type": "str"},
            "subnet": {"type": "str"},
            "hosts_file": {"type": "path"},
            "names_on_controller": {"type": "bool", "default": True},
            "publish": {"type": "dict", "default": {}},
            "mounts": {"type": "list", "elements": "str", "default": []},
            "sysctls": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 60},
        },
        required_if=[("state", "present", ("name", "machines", "network", "hosts_file"))],
        supports_check_mode=True,
    )
    params = module.params
    try:
        publish = publications(params["publish"], params["machines"])
        if os.geteuid():
            raise LabError("needs root: the addresses of other users' containers are not reached from here")
        if params["state"] == "absent":
            result = take_down(params["name"], module.check_mode)
        elif not (params["image"] or module.check_mode):
            raise LabError("image is required with state=present")
        else:
            same = ("name", "network", "hosts_file", "mounts", "sysctls", "prefix", "names_on_controller")
            lab = Lab(image=params["image"] or "", publish=publish, **{key: params[key] for key in same})
            result = bring_up(lab, params["machines"], params["subnet"], params["timeout"], module.check_mode)
    except LabError as error:
        module.fail_json(msg=str(error))
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
