"""What services of a cluster cannot be together: hosts, names, directories, ports, memory."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from .forms import between, directory_faults, host_faults, port_faults, unit_faults, value_faults, within
from .memory import is_size, memory_faults
from .model import Inventory, Machine, Refusal, each, some

#: The group that gives the hosts of a list. Controllers of Kafka without a group of their own are brokers.
PLAYS = {
    "zookeeper_hosts": "zookeeper",
    "kafka_hosts": "kafka",
    "kafka_controller_hosts": "kafka_controller",
    "hadoop_hosts": "hadoop",
    "hdfs_namenode_hosts": "hadoop",
    "hdfs_journalnode_hosts": "hadoop",
    "hdfs_datanode_hosts": "hadoop",
    "yarn_resourcemanager_hosts": "hadoop",
    "yarn_nodemanager_hosts": "hadoop",
    "yarn_historyserver_hosts": "hadoop",
    "spark_hosts": "spark",
    "spark_historyserver_hosts": "spark",
}

#: Other variables that all machines of a cluster share: each writes what the others have into its files.
SHARED = (
    "cluster_name",
    "hadoop_group",
    "hadoop_namenode_port",
    "kafka_cluster_id",
    "kafka_zookeeper_connect",
    "zookeeper_client_port",
)

#: Variables with a directory on a machine, by the role that uses it there.
DIRECTORIES = {
    "zookeeper": ("zookeeper_home", "zookeeper_data_dir"),
    "kafka": ("kafka_home", "kafka_data_dir"),
    "hadoop": ("hadoop_home",),
    "hdfs": ("hdfs_name_dir", "hdfs_checkpoint_dir", "hdfs_data_dir", "hdfs_journal_dir"),
    "yarn": ("yarn_local_dir", "yarn_log_dir"),
    "spark": ("spark_home",),
}

#: A name by which URIs, certificates and DNS know a machine (RFC 1123), or an IPv4 address.
NAME = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
#: A user or group of the system (useradd).
ACCOUNT = re.compile("[a-z_][a-z0-9_-]{0,31}")
HEAP = re.compile("[1-9][0-9]*[kmgKMG]")


def machine_names(inventory: Inventory) -> Iterator[Refusal]:
    """HDFS and YARN have machines' names in their URIs, where an underscore has no place."""
    for machine in inventory.machines:
        if not NAME.fullmatch(machine.name):
            yield Refusal(
                f"{machine.name} is the name of a machine: give letters, digits and hyphens between dots, "
                "as DNS has them, or an IPv4 address"
            )


@each()
def cluster_name(machine: Machine) -> Iterator[Refusal]:
    """HDFS has the name in its URIs, where a host's stands."""
    given = machine["cluster_name"]
    if not re.fullmatch("[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", given):
        yield Refusal(
            f"cluster_name is '{given}': give letters, digits and hyphens, as in a host's name, such as "
            "lab-2",
            "cluster_name",
        )


def one_cluster(inventory: Inventory) -> Iterator[Refusal]:
    """Machines of one inventory are one cluster: what its services have in common is the same on all."""
    for variable in (*SHARED, *PLAYS):
        given: dict[str, list[str]] = {}
        for machine in inventory.machines:
            if variable in machine.values:
                given.setdefault(str(machine[variable]), []).append(machine.name)
        if len(given) > 1:
            said = ", ".join(f"{value} on {some(hosts)}" for value, hosts in given.items())
            yield Refusal(f"{variable} is {said}: give all machines of the cluster the same", variable)


def gone_machines(inventory: Inventory) -> Iterator[Refusal]:
    """A machine that left the inventory cannot be seen, and its daemons may run on among the others."""
    known = {machine.name for machine in inventory.machines} | inventory.accepted
    for name, units in inventory.deployed.items():
        if name not in known:
            had = f"has had {', '.join(units)}" if units else "has had nothing that runs"
            stop = f" (there: systemctl disable --now {' '.join(units)})" if units else ""
            yield Refusal(
                f"{name} is not in the inventory any more, and {had} since the last run: put it back; or, "
                f"where it is gone for good or stopped{stop}, run once with -e accept_risk={name}"
            )


def hosts(inventory: Inventory) -> Iterable[Refusal]:
    """Lists of hosts agree with the groups whose plays reach them."""

    @each()
    def lists(machine: Machine) -> Iterator[Refusal]:
        for variable in (name for name in PLAYS if name in machine.values):
            if variable == "kafka_controller_hosts" and machine[variable] == machine["kafka_hosts"]:
                continue
            for text in host_faults({variable: machine[variable]}, PLAYS, inventory.groups):
                yield Refusal(text, variable)

    return lists(inventory)


@each()
def directories(machine: Machine) -> Iterator[Refusal]:
    """Directories are services' own, and none lies in another."""
    paths = {
        variable: machine[variable]
        for role, variables in DIRECTORIES.items()
        if role in machine.roles
        for variable in variables
        if variable in machine.values
    }
    for text in directory_faults(paths):
        yield Refusal(text, text.split()[0])


_SUDO = "let its user use sudo without one (NOPASSWD in /etc/sudoers.d)"
_LOGIN = "log in by a key (ansible_ssh_private_key_file)"
#: Variables with a password for Ansible alone, and what does without.
PASSWORDS = {
    "ansible_become_password": _SUDO,
    "ansible_become_pass": _SUDO,
    "ansible_password": _LOGIN,
    "ansible_ssh_password": _LOGIN,
    "ansible_ssh_pass": _LOGIN,
}


def passwords(inventory: Inventory) -> Iterator[Refusal]:
    """Gates and tests log in and become root as Ansible does, and can give no password."""
    for machine, given in inventory.given.items():
        for name in PASSWORDS.keys() & set(given):
            yield Refusal(
                f"{name} is given, and the kit's gates and tests could not use it: {PASSWORDS[name]}, and "
                "leave it out",
                name,
                hosts=(machine,),
            )


#: A name of sysctl, or a path below /sys.
SETTING = re.compile(r"[a-z][\w-]*(\.[\w-]+)+|/sys(/[\w.-]*[\w-][\w.-]*)+", re.ASCII)
#: The least and the most of settings that the products' guides name (the kernel's sysctl/vm.rst).
SETTINGS = {
    "vm.swappiness": (0, 200),
    "vm.max_map_count": (1, 2**31 - 1),
    "vm.dirty_ratio": (0, 100),
    "vm.dirty_background_ratio": (0, 100),
    "vm.overcommit_memory": (0, 2),
}


@each()
def kernel_settings(machine: Machine) -> Iterator[Refusal]:
    """A setting of the kernel has a name that sysctl knows, and on one line a value that the kernel takes."""
    for name, value in machine["common_kernel_settings"].items():
        if not SETTING.fullmatch(name):
            why = f"has {name}: give a name of sysctl, such as vm.swappiness, or a path below /sys"
        elif isinstance(value, bool) or not re.fullmatch(r"[\w./:-]+( [\w./:-]+)*", str(value), re.ASCII):
            why = f"has {name} '{value}': give a number, or words on one line"
        elif name in SETTINGS and not between(value, *SETTINGS[name]):
            least, most = SETTINGS[name]
            why = f"has {name} {value}: give {least} to {most}"
        else:
            continue
        yield Refusal(f"common_kernel_settings {why}", "common_kernel_settings", name)


@each("java")
def java_major(machine: Machine) -> Iterator[Refusal]:
    """All products run on the release of Java."""
    majors = machine["java_majors"]
    if not majors:
        yield Refusal(
            "java_majors is empty: give the releases of Java on which the products run", "java_majors"
        )
    elif machine["java_major"] not in majors:
        yield Refusal(
            f"java_major is {machine['java_major']}, on which not all products of the stack run: leave "
            f"it out, or give {' or '.join(map(str, majors))} (java_majors)",
            "java_major",
        )


#: The link by which all services find Java.
JAVA = "/opt/java"


@each("java")
def java_home(machine: Machine) -> Iterator[Refusal]:
    """The directory of a Java runtime is absolute, and not the kit's link to it."""
    given = machine["java_home"]
    if not re.fullmatch(r"/(?!/)[\w./+=@-]*[\w+=@-]", given, re.ASCII) or given != posixpath.normpath(given):
        yield Refusal(
            f"java_home is '{given}': give the absolute directory below which bin/java is, without .. and //",
            "java_home",
        )
    elif within(given, JAVA):
        yield Refusal(
            f"java_home is '{given}', and {JAVA} is the kit's link to it: give the directory to which it is "
            "to lead, or leave it out",
            "java_home",
        )


@each()
def heaps(machine: Machine) -> Iterator[Refusal]:
    """A heap is a size as the options of a JVM have it."""
    for variable, value in machine.values.items():
        if variable.endswith("_heap") and not HEAP.fullmatch(value):
            yield Refusal(f"{variable} is '{value}': give a number with k, m or g, such as 512m", variable)


@each("hadoop")
def accounts(machine: Machine) -> Iterator[Refusal]:
    """A group of the system has a name that groupadd takes."""
    given = machine["hadoop_group"]
    if not ACCOUNT.fullmatch(given):
        yield Refusal(
            f"hadoop_group is '{given}': give small letters, digits, - and _, such as hadoop", "hadoop_group"
        )


@each()
def property_forms(machine: Machine) -> Iterator[Refusal]:
    """Others would be refused where the files are rendered, in words of the renderer."""
    for variable, value in machine.values.items():
        if variable.endswith("_overrides") and not variable.endswith("_unit_overrides"):
            for key, item in value.items():
                for text in value_faults({variable: {key: item}}):
                    yield Refusal(text, variable, str(key))


#: The units of services that have several daemons.
UNITS = {
    "hdfs": ("hdfs-journalnode", "hdfs-namenode", "hdfs-zkfc", "hdfs-datanode", "hdfs-secondarynamenode"),
    "yarn": ("yarn-resourcemanager", "yarn-nodemanager", "mapred-historyserver"),
}


@each()
def units(machine: Machine) -> Iterator[Refusal]:
    """What users add to units is sections with keys, and the units are those of the service."""
    for variable, value in machine.values.items():
        if variable.endswith("_unit_overrides"):
            for text in unit_faults(value, variable, UNITS.get(variable.removesuffix("_unit_overrides"))):
                yield Refusal(text, variable)


#: Numbers that no other rule judges: the least, the most (None is any), and what they count.
RANGES: dict[str, tuple[int, int | None, str]] = {
    "common_timeout": (1, 86400, "seconds"),
    "lab_timeout": (1, 86400, "seconds"),
    "smoke_records": (1, None, "records"),
    "common_machine_memory": (0, None, "MB"),
    # As large as Hadoop's whole numbers are.
    "yarn_nodemanager_memory": (1, 2**31 - 1, "MB"),
    "hdfs_worker_batch": (1, None, "machines"),
    "yarn_worker_batch": (1, None, "machines"),
}


@each()
def numbers(machine: Machine) -> Iterator[Refusal]:
    """A number is in the range that it has by its nature."""
    for name, (least, most, what) in RANGES.items():
        given = machine.values.get(name, least)
        if given < least or (most is not None and given > most):
            fit = f"{least} or more" if most is None else f"{least} to {most}"
            yield Refusal(f"{name} is {given}: give {fit} {what}", name)


@each()
def ports(machine: Machine) -> Iterator[Refusal]:
    """Daemons of one machine listen at ports of their own."""
    given: dict[str, list[int]] = {}
    for service in machine.services.values():
        for endpoint in service.get("endpoints", ()):
            if endpoint["machine"] == machine.name:
                given.setdefault(endpoint["variable"], []).append(endpoint["port"])
    for text in port_faults(given):
        yield Refusal(text)


def memory_of(machine: Machine) -> dict[str, list[object]]:
    """Sizes by variable that the daemons and containers of a machine may take."""
    sizes: dict[str, list[object]] = {}
    for service in machine.services.values():
        for entry in service.get("memory", ()):
            # Of a size that is none, another rule speaks.
            if machine.name in entry["hosts"] and is_size(entry["size"]):
                sizes.setdefault(entry["variable"], []).extend([entry["size"]] * int(entry.get("count", 1)))
    return sizes


def memory(inventory: Inventory) -> Iterator[Refusal]:
    """Machines have memory for what they run; those of a lab share that of the host that runs this."""
    machines = [machine for machine in inventory.machines if machine.values.get("lab_name")]
    if machines:
        for text in memory_faults(map(memory_of, machines), inventory.meminfo):
            yield Refusal(text)
    for machine in inventory.machines:
        have = machine.values.get("common_machine_memory", 0)
        if have > 0:
            whose = f"daemons and containers of {machine.name}"
            told = f"MemTotal: {have * 1024} kB"
            for text in memory_faults([memory_of(machine)], told, whose, "it"):
                yield Refusal(f"{text}, or correct common_machine_memory", "common_machine_memory")
