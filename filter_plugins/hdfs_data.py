"""What of a file system's data forbids its deployment, and which NameNodes are yet to get an image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: hdfs_data
author: Millrace
short_description: why HDFS must not be deployed on the data that lies on its machines
description:
  - Nothing that holds data is formatted or orphaned, and nothing of another file system is taken in.
options:
  _input:
    description: >-
      by host the stores image, checkpoint, journal and blocks as the module service_data reads them (C(holds) and
      C(older), by directory); a host that was not asked is missing
    type: dict
    required: true
  namenodes:
    description: hosts of NameNodes; one is the plain topology, two are highly available
    type: list
    elements: str
    required: true
  journalnodes:
    description: hosts of JournalNodes
    type: list
    elements: str
    required: true
  datanodes:
    description: hosts of DataNodes
    type: list
    elements: str
    required: true
  nameservice:
    description: name of the journal, which is the cluster's
    type: str
    required: true
"""

EXAMPLES = r"""
plan: "{{ found | hdfs_data(['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c'], 'lab') }}"
# -> {refusals: [], images: ['a'], lacking: ['b']}
"""

RETURN = r"""
_value:
  description: >-
    refusals, a sentence for each reason with what to do; images, the NameNodes that have one; lacking, those
    that were asked and have none
  type: dict
"""

VERSION = "current/VERSION"

#: What each store is called, the variable that names its directory, and the daemon that uses it.
STORES = {
    "image": ("image", "hdfs_name_dir", "hdfs-namenode"),
    "checkpoint": ("checkpoint", "hdfs_checkpoint_dir", "hdfs-secondarynamenode"),
    "journal": ("journal", "hdfs_journal_dir", "hdfs-journalnode"),
    "blocks": ("blocks", "hdfs_data_dir", "hdfs-datanode"),
}

Stores = Mapping[str, Mapping[str, Any]]


def hdfs_data(
    found: Mapping[str, Stores],
    namenodes: Sequence[str],
    journalnodes: Sequence[str],
    datanodes: Sequence[str],
    nameservice: str,
) -> dict[str, Any]:
    """Why HDFS must not be deployed, and which NameNodes have an image.

    found: by host {store: {"holds": {directory: {path: text}}, "older": {directory: {path: text}}}} with the
        stores image, checkpoint, journal and blocks; a host that was not asked is missing
    Returns {"refusals": [sentences], "images": [hosts], "lacking": [hosts]}.
    """
    highly_available = len(namenodes) > 1
    users = {
        "image": namenodes,
        "checkpoint": [] if highly_available else namenodes,
        "journal": journalnodes if highly_available else [],
        "blocks": datanodes,
    }
    images = [host for host in namenodes if host in found and _has(found[host], "image", VERSION)]
    lacking = [host for host in namenodes if host in found and host not in images]
    refusals = [
        sentence
        for store, hosts in users.items()
        for host in hosts
        if host in found
        for sentence in _moved(host, store, found[host][store])
    ]
    # Where data lies elsewhere that is what is to be mended.
    refusals = (
        refusals
        or _foreign(found, users, images)
        or _together(found, users, images, lacking, nameservice, highly_available)
    )
    return {"refusals": refusals, "images": images, "lacking": lacking}


def _has(stores: Stores, store: str, marker: str) -> bool:
    return any(marker in held for held in stores[store]["holds"].values())


def _identities(held: Iterable[Mapping[str, str]], store: str) -> set[str]:
    """What tells one directory's data from another's: the storage of a DataNode, else that there is some."""
    texts = [(path, text) for each in held for path, text in each.items()]
    if store == "blocks":
        return {_property(text, "storageID") for _, text in texts}
    return {path for path, _ in texts} if store == "journal" else {"any"} if texts else set()


def _moved(host: str, store: str, here: Mapping[str, Any]) -> list[str]:
    what, variable, unit = STORES[store]
    there = _identities(here["holds"].values(), store)
    left = {
        directory: held for directory, held in here["older"].items() if _identities([held], store) - there
    }
    if not left:
        return []
    wanted = ", ".join(here["holds"])
    return [
        f"{host} has {what} of HDFS in {older}, which its {unit} was given until now and would not read any "
        f"more: the inventory names {wanted} ({variable}, or the property of it in hdfs_site_overrides). Give "
        f"{older} back. Or stop the daemon, copy its data with its owner, and run again; on every host that "
        f"says so: systemctl stop {unit} && cp -a {older}/. {next(iter(here['holds']))}/"
        for older in left
    ]


def _foreign(
    found: Mapping[str, Stores], users: Mapping[str, Sequence[str]], images: Sequence[str]
) -> list[str]:
    """Directories that bear the id of another file system than the NameNodes'."""
    borne = [
        (host, store, f"{directory}/{path}", _property(text, "clusterID"))
        for store, hosts in users.items()
        for host in hosts
        if host in found
        for directory, held in found[host][store]["holds"].items()
        for path, text in held.items()
        if _property(text, "clusterID")
    ]
    ids: dict[str, list[str]] = {}
    for host, store, _, cluster in borne:
        if store == "image":
            ids.setdefault(cluster, []).append(host)
    if len(ids) > 1:
        each = "; ".join(f"{', '.join(hosts)} {cluster}" for cluster, hosts in ids.items())
        return [
            f"the NameNodes have images of different file systems: {each}. Move the image of the one that is "
            "not to be served away (with its JournalNodes' and DataNodes' data, if they are its own), and run "
            "again: it is copied from the other."
        ]
    return [
        f"{host} has {STORES[store][0]} of another file system in {path}: its clusterID is {cluster}, that of "
        f"the NameNode {images[0]} is {next(iter(ids))}. It would not join. Put the machine into the cluster "
        f"that it belongs to, or move that directory's current away if its data is to be forgotten."
        for host, store, path, cluster in borne
        if ids and cluster not in ids
    ]


def _together(
    found: Mapping[str, Stores],
    users: Mapping[str, Sequence[str]],
    images: Sequence[str],
    lacking: Sequence[str],
    nameservice: str,
    highly_available: bool,
) -> list[str]:
    edits = f"{nameservice}/{VERSION}"
    journaled = [host for host in users["journal"] if host in found and _has(found[host], "journal", edits)]
    stored = [host for host in users["blocks"] if host in found and _has(found[host], "blocks", VERSION)]
    # Blocks are of interest where there is no image.
    asked = dict.fromkeys([*users["image"], *users["journal"], *([] if images else users["blocks"])])
    unheard = [host for host in asked if host not in found]
    refusals = []
    if lacking and unheard:
        refusals.append(
            f"{', '.join(lacking)} has no image of a NameNode (hdfs_name_dir), and whether "
            f"{', '.join(unheard)} hold data of this HDFS is not known: they did not answer, or --limit "
            "leaves them out. Run again with them."
        )
    if lacking and not images and journaled + stored:
        copy = "" if highly_available else " (the SecondaryNameNode has a copy in hdfs_checkpoint_dir)"
        refusals.append(
            f"{', '.join(dict.fromkeys(journaled + stored))} hold edits or blocks of an HDFS (hdfs_journal_dir, "
            "hdfs_data_dir), but no NameNode has its image (hdfs_name_dir). Formatting would lose it. Restore "
            f"the image of one NameNode{copy}, or move these directories away."
        )
    # HDFS says so only when its NameNodes end, at their next start.
    if highly_available and images and not journaled and all(host in found for host in users["journal"]):
        refusals.append(
            f"{', '.join(images)} have an image (hdfs_name_dir), but no JournalNode has edits of the "
            f"nameservice {nameservice} (hdfs_journal_dir): no NameNode would start. If cluster_name has "
            "changed, give back the old one. If this HDFS had one NameNode until now, hand its edits to the "
            f"JournalNodes, then run again. On {images[0]}: systemctl disable --now hdfs-secondarynamenode; "
            "systemctl stop hdfs-namenode && runuser -u hdfs -- /opt/hadoop/bin/hdfs namenode "
            "-initializeSharedEdits"
        )
    # One that was standby has not all edits in its image, and alone it would have DataNodes delete what it does
    # not know.
    edited = [host for host, stores in found.items() if stores["journal"] and _has(stores, "journal", edits)]
    if not highly_available and edited:
        refusals.append(
            f"{', '.join(edited)} hold edits (hdfs_journal_dir) that the one NameNode of hdfs_namenode_hosts "
            "does not read: files written since would be lost. Give back the second NameNode. To go on with "
            f"one, make its image whole, on {users['image'][0]} with the files as they were (hdfs dfsadmin "
            "-safemode enter && hdfs dfsadmin -saveNamespace), then stop both NameNodes and move the "
            "directories of the journal away."
        )
    return refusals


def _property(text: str, key: str) -> str:
    """The value of a key of a VERSION file; nothing where it has none."""
    match = re.search(rf"^\s*{re.escape(key)}\s*=\s*(.*?)\s*$", text, re.MULTILINE)
    return match[1] if match else ""


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"hdfs_data": hdfs_data}
