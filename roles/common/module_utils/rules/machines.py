"""What machines cannot be, given what was read of them before anything is written."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .cluster import DIRECTORIES, memory_of
from .forms import directories_of
from .memory import memory_faults
from .model import Inventory, Machine, Refusal, some
from .owned import MORE_DIRECTORIES

#: Releases of Debian on which the kit is tried.
RELEASES = ("12", "13")
#: Seconds by which clocks may differ; retention, leases and the order of logs go by them.
SKEW = 30
#: MB that a file system with data must have left, so that a daemon can start.
LEAST_FREE = 256
#: Percent of a disk in use above which a NodeManager gives it up
#: (yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage in yarn-default.xml).
MOST_USED = 90
#: Percent of its memory that a machine shows at least: the kernel and the firmware take the rest.
SHOWN = 93
CHECKS_DISKS = "yarn.nodemanager.disk-health-checker.enable"
UTILIZATION = "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage"

Facts = Mapping[str, Any]
MachineCheck = Callable[[Machine, Facts, Inventory], Iterable[Refusal]]


def of_each(check: MachineCheck) -> Callable[[Inventory], Iterator[Refusal]]:
    """Make a check of one machine, given what was read of it, one of all that were read."""

    def judged(inventory: Inventory) -> Iterator[Refusal]:
        for machine in inventory.machines:
            if machine.name in inventory.facts:
                yield from check(machine, inventory.facts[machine.name], inventory)

    judged.__doc__ = check.__doc__
    return judged


@of_each
def system(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """The kit is tried on Debian 12 and 13."""
    if not (_tried_system(facts) or _untested(machine)):
        yield Refusal(
            f"{machine.name} runs {facts['system']['name']}: the kit is tried on Debian 12 and 13; take one "
            "of them, or set common_untested_systems to true and bring Java yourself"
        )


@of_each
def architecture(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """The kit is tried on amd64."""
    if not (_tried_architecture(facts) or _untested(machine)):
        yield Refusal(
            f"{machine.name} is {facts['architecture']}: the kit is tried on amd64 (x86_64). Without its "
            "native library, which leveldbjni has for amd64 only, a NodeManager cannot keep its containers "
            "for a restart nor serve the shuffle of MapReduce; take such a machine, or set "
            "common_untested_systems to true"
        )


def _tried_system(facts: Facts) -> bool:
    return facts["system"]["id"] == "debian" and facts["system"]["version"] in RELEASES


def _tried_architecture(facts: Facts) -> bool:
    return facts["architecture"] in ("x86_64", "amd64")


def _untested(machine: Machine) -> bool:
    return bool(machine.values.get("common_untested_systems"))


def cautions(inventory: Inventory) -> Iterator[str]:
    """What was not tried, and is not refused."""
    found: dict[tuple[str, int], list[str]] = {}
    for machine in inventory.machines:
        facts = inventory.facts[machine.name]
        if not (_tried_system(facts) and _tried_architecture(facts)):
            what = f"{facts['system']['name']} on {facts['architecture']}"
            yield f"{machine.name} runs {what}, which was not tried"
        found.setdefault((facts["system"]["name"], machine["java_major"]), []).append(machine.name)
    if len(found) > 1:
        each = (f"{some(names)} with {name} and Java {major}" for (name, major), names in found.items())
        yield f"machines of several releases in one cluster were not tried: {'; '.join(each)}"


@of_each
def root(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """Users, units and files of others need root."""
    if facts["user"] != 0:
        yield Refusal(
            f"{machine.name} is entered as a user (uid {facts['user']}) who is not root: set "
            "ansible_become to true in the inventory, or ansible_user to root"
        )


@of_each
def java(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """Java is there, or the release has the package."""
    home, package = machine["java_home"], machine["java_package"]
    found = re.fullmatch(r"openjdk-(\d+)-jre-headless", package)
    known = facts["java"]["packages"]
    if home in facts["java"]["homes"] or facts["files"].get(f"{home}/bin/java"):
        return
    if facts["system"]["id"] != "debian":
        yield Refusal(
            f"{home}/bin/java is not on {machine.name}, which runs {facts['system']['name']}: install a Java "
            "there, and give java_home",
            "java_home",
        )
    if not found:
        return
    if known and int(found[1]) not in known:
        fit = [str(major) for major in known if major in machine["java_majors"]]
        remedy = f"leave it out or give {' or '.join(fit)}" if fit else "take another release"
        yield Refusal(
            f"java_major is {found[1]}, which Debian {facts['system']['version']} of {machine.name} has no "
            f"package of (it has {' and '.join(map(str, known))}): {remedy}, or give java_home with "
            "a Java that is there",
            "java_major",
        )


@of_each
def python(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """What jobs get for their Python is for the one that the machine has."""
    wanted, found = machine.values.get("spark_python", ""), ".".join(facts["python"].split(".")[:2])
    if "spark" in machine.roles and wanted not in ("", found):
        yield Refusal(
            f"spark_python is {wanted}, and {machine.name} has Python {found}, which would not find NumPy, "
            f'pandas and PyArrow: give "{found}" for this machine, or leave it out',
            "spark_python",
        )


@of_each
def names(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """Each machine finds all others by their names, at an address that others have, too."""
    for text in name_faults(facts["names"]):
        yield Refusal(f"{machine.name}: {text}")


def name_faults(addresses: Mapping[str, str | None]) -> list[str]:
    """Why daemons of a machine could not use the names, given what address each has there."""
    unknown = [name for name, found in addresses.items() if found is None]
    faults = []
    if unknown:
        faults.append(
            f"this machine has no address of {', '.join(unknown)}: give every machine of the cluster the "
            "names of all, by DNS or in its /etc/hosts"
        )
    if len(addresses) > 1:
        faults += [
            f"this machine finds {name} at {found}, where daemons would listen for this machine only: in its "
            f"/etc/hosts remove the line '{found} {name}', or write the address by which others reach {name}"
            for name, found in addresses.items()
            if found and found.startswith("127.")
        ]
    return faults


@of_each
def mistaken_names(machine: Machine, facts: Facts, inventory: Inventory) -> Iterator[Refusal]:
    """No name leads to another machine of the cluster."""
    for name, found in facts["names"].items():
        own = inventory.facts.get(name, {}).get("addresses", ())
        others = [
            other
            for other, its in inventory.facts.items()
            if other != name and found in its.get("addresses", ())
        ]
        if found and others and found not in own:
            yield Refusal(
                f"{machine.name} finds {name} at {found}, which is an address of {others[0]}: correct it "
                "in its /etc/hosts or in DNS"
            )


@of_each
def own_name(machine: Machine, facts: Facts, inventory: Inventory) -> Iterator[Refusal]:
    """What runs in containers takes its machine's own hostname for its address."""
    found = facts["own_address"]
    if machine.name not in machine.values.get("yarn_nodemanager_hosts", ()) or len(inventory.facts) < 2:
        return
    if found is None or found.startswith("127."):
        where = f"at {found}" if found else "nowhere"
        yield Refusal(
            f"{machine.name} finds its own hostname, {facts['hostname']}, {where}, and what runs in "
            "containers of YARN takes that for its address: give it the one by which others reach it, by DNS "
            "or in its /etc/hosts"
        )


def hostnames(inventory: Inventory) -> Iterator[Refusal]:
    """Logs and pages tell machines apart by their hostnames."""
    known: dict[str, list[str]] = {}
    for name, facts in inventory.facts.items():
        known.setdefault(facts["hostname"], []).append(name)
    for hostname, several in known.items():
        if len(several) > 1:
            yield Refusal(
                f"{' and '.join(several)} have the same hostname, {hostname}: give each its own (hostnamectl "
                "set-hostname)"
            )


def clocks(inventory: Inventory) -> Iterator[Refusal]:
    """Clocks agree, as far as the duration of the calls lets that be seen."""
    # The clock of a machine is ahead of the controller's by something between the two.
    bounds = {
        name: (facts["time"] - facts["asked"][1], facts["time"] - facts["asked"][0])
        for name, facts in inventory.facts.items()
        if "asked" in facts
    }
    if not bounds:
        return
    slow = min(bounds, key=lambda name: bounds[name][1])
    fast = max(bounds, key=lambda name: bounds[name][0])
    apart = bounds[fast][0] - bounds[slow][1]
    if apart > SKEW:
        yield Refusal(
            f"the clock of {fast} is {apart:.0f} s ahead of that of {slow}: {SKEW} s are the most; set "
            "them by NTP (timedatectl set-ntp true)"
        )


@of_each
def held_ports(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """Nobody else listens at the port of a daemon."""
    owners = {held["port"]: held for held in facts["listening"]}
    for service in machine.services.values():
        for endpoint in service.get("endpoints", ()):
            held = owners.get(endpoint["port"])
            if endpoint["machine"] != machine.name or not held or held["unit"] == endpoint["unit"]:
                continue
            if not held["program"]:
                # In some containers root does not see whose it is: it may well be the daemon itself.
                continue
            unit = f" (unit {held['unit']})" if held["unit"] else ""
            whose = f"{held['program']}{unit}"
            yield Refusal(
                f"port {endpoint['port']} of {machine.name} is held by {whose}, and {endpoint['unit']} is "
                f"to listen there ({endpoint['variable']}): end it, or give another port"
            )


def data_directories(machine: Machine) -> list[tuple[str, str]]:
    """Variable and path of directories with data, as far as the machine's roles use them, and more disks."""
    own = [
        (variable, machine[variable])
        for role, variables in DIRECTORIES.items()
        if role in machine.roles
        for variable in variables
        if variable.endswith("_dir") and variable in machine.values
    ]
    more = [
        (variable, path)
        for variable, keys in MORE_DIRECTORIES.items()
        for given in _properties(machine, variable)
        for key in keys
        if key in given
        for path in directories_of(given[key])
        if path.startswith("/")
    ]
    return list(dict.fromkeys(own + more))


def _properties(machine: Machine, variable: str) -> list[Mapping[str, Any]]:
    """What a variable of overrides gives, and what brokers have of their own."""
    given = [machine.values.get(variable, {})]
    if variable == "kafka_server_properties_overrides":
        nodes = machine.values.get("kafka_brokers", []) + machine.values.get("kafka_controllers", [])
        given += [node.get("properties", {}) for node in nodes]
    return given


@of_each
def disks(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """File systems with data can be written, and have room."""
    told: set[tuple[str, str]] = set()
    node = machine.name in machine.values.get("yarn_nodemanager_hosts", ())
    for variable, path in data_directories(machine):
        mount = mount_of(path, facts["mounts"])
        if mount is None:
            continue
        limited = node and variable.startswith("yarn_") and not _checks_disks_otherwise(machine)
        for kind, text in disk_faults(mount, limited=limited).items():
            if (kind, mount["path"]) not in told:
                told.add((kind, mount["path"]))
                yield Refusal(
                    f"{path} of {machine.name} ({variable}) lies on {mount['path']}, which {text}", variable
                )


def disk_faults(mount: Facts, *, limited: bool) -> dict[str, str]:
    """Why a file system is of no use for data, and what to do.

    mount: what host_facts.mounts says of it
    limited: whether a NodeManager gives it up when it is nearly full
    """
    faults = {}
    if mount["read_only"]:
        faults["read_only"] = "is mounted read-only: mount it read-write, or give another directory"
    if mount["free"] is None:
        return faults
    used = 100 * (1 - mount["free"] / mount["size"]) if mount["size"] else 0
    if mount["free"] < LEAST_FREE:
        faults["free"] = (
            f"has {mount['free']} MB left: make room for {LEAST_FREE} MB, or give another directory"
        )
    if mount["inodes"] == 0:
        faults["inodes"] = "has no inodes left: remove files, or give another directory"
    if limited and used > MOST_USED:
        faults["used"] = (
            f"is {used:.0f} % full, and a NodeManager gives up a disk above {MOST_USED} %: make room, or "
            f"give {UTILIZATION} in yarn_site_overrides"
        )
    return faults


def _checks_disks_otherwise(machine: Machine) -> bool:
    """Whether the user has a NodeManager look at its disks in another way."""
    given = machine["yarn_site_overrides"]
    return UTILIZATION in given or str(given.get(CHECKS_DISKS, "true")).lower() == "false"


def mount_of(path: str, mounts: Iterable[Facts]) -> Facts | None:
    """The file system on which a path lies, or will lie once it is made."""
    holding = [mount for mount in mounts if _below(path, mount["path"])]
    return max(holding, key=lambda mount: len(mount["path"]), default=None)


def _below(path: str, other: str) -> bool:
    return posixpath.commonpath([path, other]) == other


@of_each
def unmounted(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """A disk that /etc/fstab names is mounted, else data would fill the disk below it."""
    there = {mount["path"] for mount in facts["mounts"]}
    for variable, path in data_directories(machine):
        for place in facts["fstab"]:
            if place != "/" and _below(path, place) and place not in there:
                yield Refusal(
                    f"{path} of {machine.name} ({variable}) is to lie on {place}, which its /etc/fstab "
                    f"names and which is not mounted: mount {place}",
                    variable,
                )


@of_each
def memory(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """A machine has the memory that is said of it, and its daemons and containers fit into what it has.

    The machines of a lab share their host's.
    """
    if machine.values.get("lab_name"):
        return
    said, have = machine.values.get("common_machine_memory", 0), facts["memory"]
    if have * 100 < said * SHOWN:
        yield Refusal(
            f"common_machine_memory is {said} MB and {machine.name} has {have} MB: give what it has, heaps "
            "and containers may be made from it",
            "common_machine_memory",
        )
    whose = f"daemons and containers of {machine.name}"
    for text in memory_faults([memory_of(machine)], f"MemTotal: {have * 1024} kB", whose, "it"):
        yield Refusal(text)


@of_each
def from_controller(machine: Machine, facts: Facts, _: Inventory) -> Iterator[Refusal]:
    """The gates ask the daemons from the controller, by the names that clients use."""
    reach = facts.get("reach", {})
    for name, why in reach.items():
        yield Refusal(
            f"this machine does not reach {name}: {why}. The kit's gates and tests ask the daemons from "
            f"here; give it the name of {machine.name}, or run the kit where clients run"
        )
