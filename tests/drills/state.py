"""The state to which the kit brings machines, to be compared with what another run left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tests.listing import Listing
from tests.listing import take as listing
from tests.role.effective import EFFECTIVE

if TYPE_CHECKING:
    from tests.live import Site

State = dict[str, str]

#: Chosen by a daemon or a format: a voter that joins by itself has another directory.id, too.
CHOSEN = ("clusterID", "namespaceID", "blockpoolID", "cTime", "datanodeUuid", "storageID", "directory.id")
#: What each machine has of its own.
OWN = ("content /etc/machine-id",)
#: What a server of ZooKeeper says among its settings and is none.
COUNTED = ("dataDirSize", "dataLogSize")

# The directory of a block pool has the machine's address and the time in its name.
IDS = r"""find /var/lib -xdev \( -name myid -o -name meta.properties -o -path '*/current/VERSION' \) \
  -exec grep -H '^[^#]' {} + | sed 's|/BP-[^/]*/|/BP/|'"""


def take(site: Site, described: Site) -> State:
    """What all machines are: files, users, kernel, units, ids of data, and what daemons run with.

    described: the cluster as the last run describes it; the site may have more, which was taken away
    """
    state: State = {}
    for name, machine in site.cluster.machines.items():
        found = managed(listing(machine)) | ids(machine.run(IDS))
        state |= {f"{name}: {key}": value for key, value in found.items()}
    for (name, unit), each in site.units().items():
        state[f"{name}: unit {unit}"] = f"{'active' if each.active else 'down'}, user {each.user}"
    for each in site.status()["daemons"]:
        key = f"{each['machine']}: daemon {each['unit']}"
        state[key] = f"version {each['version']}, heap {each['heap_max']}"
    for service, ask in EFFECTIVE.items():
        for number, said in enumerate(ask(described), start=1):
            state |= {
                f"{service} {number}: {key}": str(value) for key, value in said.items() if key not in COUNTED
            }
    return state


def managed(found: Listing) -> Listing:
    """A listing without what daemons wrote: all that lies in a directory that is not root's."""
    theirs = {
        name.removeprefix("file ")
        for name, value in found.items()
        if name.startswith("file ") and not value.split()[2].startswith("0:")
    }

    def made_by_a_daemon(name: str) -> bool:
        _, slash, path = name.partition("/")
        return any(str(parent) in theirs for parent in PurePosixPath(slash + path).parents)

    return {name: value for name, value in found.items() if not made_by_a_daemon(name)}


def ids(text: str) -> State:
    """What the data says whose it is, by file and key, of lines as ``/d/meta.properties:node.id=1``."""
    found = {}
    for line in text.splitlines():
        path, _, pair = line.partition(":")
        key, _, value = pair.rpartition("=")
        found[f"id {path} {key}".rstrip()] = value
    return found


def alike(state: Mapping[str, str]) -> State:
    """A state as every deployment has it: of an id that is chosen anew each time, who has the same one."""
    first: dict[str, str] = {}
    return {
        key: first.setdefault(value, f"that of {key}") if key.endswith(CHOSEN) else value
        for key, value in sorted(state.items())
        if not key.endswith(OWN)
    }
