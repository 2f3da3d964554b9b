"""What a YARN, and Spark and MapReduce on it, cannot be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .forms import between
from .kafka import number
from .memory import container_faults, to_megabytes
from .model import Inventory, Machine, Refusal, each, some

#: The containers of MapReduce: their memory, upstream's default of it in MB (mapred-default.xml), their JVM.
MAPREDUCE = (
    ("mapreduce.map.memory.mb", 1024, "mapreduce.map.java.opts"),
    ("mapreduce.reduce.memory.mb", 1024, "mapreduce.reduce.java.opts"),
    ("yarn.app.mapreduce.am.resource.mb", 1536, "yarn.app.mapreduce.am.command-opts"),
)
#: Those that Hadoop 3 makes from the heap where they are not given, and by which ratio
#: (mapreduce.job.heap.memory-mb.ratio in mapred-default.xml).
DERIVED = ("mapreduce.map.memory.mb", "mapreduce.reduce.memory.mb")
RATIO = 0.8


@each("yarn")
def topology(machine: Machine) -> Iterator[Refusal]:
    """One ResourceManager, or two with ZooKeeper; at least one NodeManager. None of either is HDFS alone."""
    if not _wanted(machine):
        return
    managers, history = len(machine["yarn_resourcemanager_hosts"]), len(machine["yarn_historyserver_hosts"])
    if managers not in (1, 2):
        yield Refusal(
            f"yarn_resourcemanager_hosts has {managers} hosts: give one (plain) or two (highly available) "
            "in the inventory's group resourcemanager",
            "yarn_resourcemanager_hosts",
        )
    if managers == 2 and not machine["zookeeper_hosts"]:
        yield Refusal(
            "zookeeper_hosts is empty: failover of two ResourceManagers needs ZooKeeper", "zookeeper_hosts"
        )
    if history > 1:
        yield Refusal(
            f"yarn_historyserver_hosts has {history} hosts: the MapReduce history server is one",
            "yarn_historyserver_hosts",
        )
    if not machine["yarn_nodemanager_hosts"]:
        yield Refusal(
            "yarn_nodemanager_hosts is empty: put hosts into the inventory's group nodemanager",
            "yarn_nodemanager_hosts",
        )


def _wanted(machine: Machine) -> bool:
    """Whether the cluster has a YARN."""
    daemons = ("resourcemanager", "nodemanager", "historyserver")
    return any(machine[f"yarn_{daemon}_hosts"] for daemon in daemons)


@each("spark")
def spark(machine: Machine) -> Iterator[Refusal]:
    """Spark runs on YARN and its NodeManagers; what jobs get for their Python is for Spark 4."""
    if machine["spark_python"] and number(machine["spark_version"]) < (4,):
        yield Refusal(
            f"spark_python is {machine['spark_python']}, and PySpark {machine['spark_version']} does not run "
            "on that Python with these NumPy, pandas and PyArrow: leave it out",
            "spark_python",
        )
    history = len(machine["spark_historyserver_hosts"])
    if history > 1:
        yield Refusal(
            f"spark_historyserver_hosts has {history} hosts: the history server is one",
            "spark_historyserver_hosts",
        )
    if not machine["yarn_resourcemanager_hosts"]:
        yield Refusal(
            "yarn_resourcemanager_hosts is empty: Spark runs on YARN here; put a host into the inventory's "
            "group resourcemanager",
            "yarn_resourcemanager_hosts",
        )
    elif machine.name not in machine["hadoop_hosts"]:
        yield Refusal(
            f"{machine.name} is in spark_hosts and not in hadoop_hosts: Spark reads Hadoop's configuration "
            "there; put it into the group hadoop, too, where it gets no daemon",
            "spark_hosts",
        )
    defaults = machine["spark_defaults"]
    lacking = [host for host in machine["yarn_nodemanager_hosts"] if host not in machine["spark_hosts"]]
    # Others may upload them at each submit, or have them in HDFS.
    local = str(defaults.get("spark.yarn.jars", "")).startswith("local:")
    if lacking and local and "spark.yarn.archive" not in defaults:
        yield Refusal(
            f"{some(lacking)} in yarn_nodemanager_hosts and not in spark_hosts: executors read Spark on "
            "their own machine; make the group nodemanager a child of the group spark, or give "
            "spark.yarn.jars in spark_defaults_overrides",
            "spark_hosts",
        )


def largest_container(inventory: Inventory) -> int:
    """MB of the largest container that YARN gives. Raises RefusedError where a value of it is refused."""
    nodes = [
        machine for machine in inventory.having("yarn") if machine.name in machine["yarn_nodemanager_hosts"]
    ]
    largest = max((int(machine["yarn_nodemanager_memory"]) for machine in nodes), default=0)
    # The ResourceManager gives no more than its own file says, which is made from its own variable.
    key = "yarn.scheduler.maximum-allocation-mb"
    limits = [
        int(machine["yarn_site_overrides"].get(key, machine["yarn_nodemanager_memory"]))
        for machine in inventory.having("yarn")
        if machine.name in machine["yarn_resourcemanager_hosts"]
        and between(machine["yarn_site_overrides"].get(key, 1), 1, 2**31)
    ]
    return min([largest, *limits])


def containers(inventory: Inventory) -> Iterator[Refusal]:
    """Containers of Spark and MapReduce fit into what YARN gives at once, if that is known."""
    if not inventory.having("yarn"):
        return
    limit = largest_container(inventory)
    for machine in inventory.having("spark")[:1]:
        for text in container_faults(machine["spark_defaults"], limit):
            yield Refusal(text, "spark_defaults_overrides")
    for machine in filter(_wanted, inventory.having("yarn")[:1]):
        for text in mapreduce_faults(machine["yarn_mapred_site"], limit, machine["hadoop_version"]):
            yield Refusal(text, "yarn_mapred_site_overrides")


def mapreduce_faults(site: Mapping[str, Any], limit: int, version: str) -> list[str]:
    """Why YARN cannot give MapReduce the containers that mapred-site.xml asks for, or would end them.

    site: the properties
    limit: MB of the largest container
    version: of Hadoop
    """
    faults = []
    for key, default, options in MAPREDUCE:
        heaps = re.findall(r"-Xmx(\d+[kmgKMG]?)", str(site.get(options, "")))
        # Without a unit it is bytes for a JVM.
        heap = max(
            (to_megabytes(each) if each[-1:].isalpha() else int(each) >> 20 for each in heaps), default=0
        )
        memory = site.get(key)
        if not re.fullmatch("-?[0-9]+", str(default if memory is None else memory)):
            faults.append(f"{key} is {memory}: give MB, a whole number")
            continue
        if key in DERIVED and heap and not version.startswith("2.") and int(memory or 0) <= 0:
            # Since 3.0 it is made from the heap (MAPREDUCE-5785).
            memory = math.ceil(heap / RATIO)
        memory = int(memory or 0) if int(memory or 0) > 0 else default
        if memory > limit:
            faults.append(
                f"{key} is {memory} MB, more than the {limit} MB YARN gives at once: lower it in "
                "yarn_mapred_site_overrides, or raise yarn_nodemanager_memory"
            )
        if heap >= memory:
            faults.append(
                f"{options} has a heap of {heap} MB in a container of {memory} MB ({key}): YARN would end "
                "it; lower the heap, or raise the container"
            )
    return faults
