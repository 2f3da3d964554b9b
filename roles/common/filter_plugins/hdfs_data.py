"""What of a file system's data forbids its deployment, and which daemons are yet to get what others have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: hdfs_data
author: Millrace
short_description: why HDFS must not be deployed on the data that lies on its machines, and who begins empty
description:
  - Nothing that holds data is formatted or orphaned, and nothing of another file system is taken in.
options:
  _input:
    description: >-
      by host the stores image, checkpoint, journal and blocks as the module service_state reads them
      (C(holds) and C(older), by directory); a host that was not asked is missing
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
# -> {refusals: [], images: ['a'], lacking: ['b'], version: "..."}
"""

RETURN = r"""
_value:
  description: >-
    refusals, a sentence for each reason with what to do; images, the NameNodes that have one; lacking, those
    that were asked and have none; version, the VERSION file of the journal, for JournalNodes without it
  type: dict
"""

VERSION = "current/VERSION"
#: The last transaction that a NameNode's directory knows of.
SEEN = "current/seen_txid"

#: An image of the file system, named by its last transaction.
IMAGE = "current/fsimage_"

#: What each store is called, the variable that names its directory, and the daemon that uses it.
STORES = {
    "image": ("an image", "hdfs_name_dir, or dfs.namenode.name.dir in hdfs_site_overrides", "hdfs-namenode"),
    "checkpoint": ("a checkpoint", "hdfs_checkpoint_dir", "hdfs-secondarynamenode"),
    "journal": ("a journal", "hdfs_journal_dir", "hdfs-journalnode"),
    "blocks": ("blocks", "hdfs_data_dir, or dfs.datanode.data.dir in hdfs_site_overrides", "hdfs-datanode"),
}

#: Stores whose disks each have the whole.
WHOLE = ("image", "checkpoint")

Stores = Mapping[str, Mapping[str, Any]]


def hdfs_data(
    found: Mapping[str, Stores],
    namenodes: Sequence[str],
    journalnodes: Sequence[str],
    datanodes: Sequence[str],
    nameservice: str,
) -> dict[str, Any]:
    """Why HDFS must not be deployed, and which of its daemons are to get what others have.

    found: by host {store: {"holds": {directory: {path: text}}, "older": {directory: {path: text}}}} with the
        stores image, checkpoint, journal and blocks; a host that was not asked is missing
    Returns {"refusals": [sentences], "images": [hosts], "lacking": [hosts], "version": text}.
    """
    highly_available = len(namenodes) > 1
    # Of the daemons that the topology has.
    users = {
        "image": namenodes,
        "checkpoint": [] if highly_available else namenodes,
        "journal": journalnodes if highly_available else [],
        "blocks": datanodes,
    }
    images = [host for host in namenodes if host in found and _has_image(found[host])]
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
        or _foreign(found, users, nameservice)
        or _together(found, users, images, lacking, nameservice)
    )
    journals = _journals(found, users["journal"], nameservice)
    return {
        "refusals": refusals,
        "images": images,
        "lacking": lacking,
        "version": next(iter(journals.values()), ""),
    }


def _journals(found: Mapping[str, Stores], hosts: Sequence[str], nameservice: str) -> dict[str, str]:
    """The JournalNodes that hold the journal, with its VERSION."""
    return {
        host: held[f"{nameservice}/{VERSION}"]
        for host in hosts
        if host in found
        for held in found[host]["journal"]["holds"].values()
        if f"{nameservice}/{VERSION}" in held
    }


def _has(stores: Stores, store: str, marker: str) -> bool:
    return any(marker in held for held in stores[store]["holds"].values())


def _has_image(stores: Stores) -> bool:
    """Whether a NameNode can start: a directory that was only begun, by a killed format, has no image."""
    return any(
        VERSION in held and any(path.startswith(IMAGE) for path in held)
        for held in stores["image"]["holds"].values()
    )


def _moved(host: str, store: str, here: Mapping[str, Any]) -> list[str]:
    what, variable, unit = STORES[store]
    holds: Mapping[str, Mapping[str, str]] = here["holds"]
    free = [path for path, held in holds.items() if not held]
    refusals = []
    for older in _left(store, holds, here["older"]):
        says = (
            f"{host} has {what} of HDFS in {older}, which its {unit} was given until now and would not read "
            f"any more: the inventory names {', '.join(holds)} ({variable}). Give {older} back."
        )
        if store == "blocks" and not free:
            refusals.append(
                f"{says} To take a disk away for good, on one host after the other: see that no block lacks "
                f"a replica (hdfs fsck /), stop the daemon (systemctl stop {unit}), move {older}/current "
                "away and run again; HDFS makes these replicas anew."
            )
            continue
        target = next(iter(holds)) if store in WHOLE or not free else free.pop(0)
        # What is older there must not lie among what is copied.
        clear = f"mv {target}/current {target}/current.before && " if store in WHOLE and holds[target] else ""
        refusals.append(
            f"{says} Or stop the daemon, copy its data with its owner, and run again; on every host that "
            f"says so: systemctl stop {unit} && {clear}cp -a {older}/. {target}/"
        )
    return refusals


def _left(
    store: str, holds: Mapping[str, Mapping[str, str]], older: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Directories of before with data that is not in one that is wanted."""
    if store == "blocks":
        # Each disk has data of its own, and an id that a copy keeps.
        there = {_property(held.get(VERSION, ""), "storageID") for held in holds.values() if held}
        return [
            path for path, held in older.items() if _property(held.get(VERSION, ""), "storageID") not in there
        ]
    if store == "journal":
        names = {name for held in holds.values() for name in held}
        return [path for path, held in older.items() if set(held) - names]
    # Each disk has the whole: one that knows more than those that are wanted.
    known = max(map(_seen, holds.values()), default=-1)
    return sorted(
        (path for path, held in older.items() if _seen(held) > known), key=lambda path: -_seen(older[path])
    )[:1]


def _seen(held: Mapping[str, str]) -> int:
    """The last transaction of a NameNode's directory; -1 of one that has none."""
    text = held.get(SEEN, "").strip()
    return (int(text) if re.fullmatch("[0-9]+", text) else 0) if VERSION in held else -1


def _foreign(found: Mapping[str, Stores], users: Mapping[str, Sequence[str]], nameservice: str) -> list[str]:
    """Directories that bear the id of another file system than the NameNodes'."""
    # Of journals those that are used.
    marker = {"journal": f"{nameservice}/{VERSION}"}
    borne = [
        (host, store, f"{directory}/{path}", cluster)
        for store, hosts in users.items()
        for host in hosts
        if host in found
        for directory, held in found[host][store]["holds"].items()
        for path in [marker.get(store, VERSION)]
        if (cluster := _property(held.get(path, ""), "clusterID"))
    ]
    ids: dict[str, list[str]] = {}
    for host, store, _, cluster in borne:
        if store == "image":
            ids.setdefault(cluster, []).append(host)
    if len(ids) > 1:
        each = "; ".join(f"{', '.join(dict.fromkeys(hosts))} {cluster}" for cluster, hosts in ids.items())
        return [
            (
                "the NameNodes have images of different file systems (clusterID in "
                f"hdfs_name_dir/{VERSION}): {each}. Move the image of the one that is not to be served away "
                "(with its JournalNodes' and DataNodes' data, if they are its own), and run again: it is "
                "copied from the other."
            )
        ]
    return [
        (
            f"{host} has {STORES[store][0]} of another file system in {path}: its clusterID is {cluster}, "
            f"that of the NameNode {namenodes[0]} is {wanted}. It would not join. Put the machine into the "
            f"cluster that it belongs to, or stop its {STORES[store][2]} and move "
            f"{path.removesuffix('/VERSION')} away if its data is to be forgotten."
        )
        for wanted, namenodes in ids.items()
        for host, store, path, cluster in borne
        if cluster != wanted
    ]


def _together(
    found: Mapping[str, Stores],
    users: Mapping[str, Sequence[str]],
    images: Sequence[str],
    lacking: Sequence[str],
    nameservice: str,
) -> list[str]:
    highly_available = len(users["image"]) > 1
    edits = f"{nameservice}/{VERSION}"
    journaled = list(_journals(found, users["journal"], nameservice))
    stored = [host for host in users["blocks"] if host in found and _has(found[host], "blocks", VERSION)]
    # Blocks are of interest where there is no image.
    asked = dict.fromkeys([*users["image"], *users["journal"], *([] if images else users["blocks"])])
    unheard = [host for host in asked if host not in found]
    refusals = []
    if lacking and unheard:
        refusals.append(
            f"{', '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} no image of a NameNode "
            f"(hdfs_name_dir), and whether {', '.join(unheard)} hold data of this HDFS is not known: they "
            "did not answer, or --limit leaves them out. Run again with them."
        )
    if lacking and not images and journaled + stored:
        copy = "" if highly_available else " (the SecondaryNameNode has a copy in hdfs_checkpoint_dir)"
        refusals.append(
            f"{', '.join(dict.fromkeys(journaled + stored))} hold edits or blocks of an HDFS "
            "(hdfs_journal_dir, hdfs_data_dir), but no NameNode has its image (hdfs_name_dir). Formatting "
            f"would lose it. Restore the image of one NameNode{copy}, or move these directories away."
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
    elif highly_available and images:
        refusals += _minority(found, users["journal"], journaled, nameservice)
    # One that was standby has not all edits in its image, and alone it would have DataNodes delete what it
    # does not know.
    edited = [
        host
        for host, stores in found.items()
        if _has(stores, "journal", edits)
        or any(edits in held for held in stores["journal"]["older"].values())
    ]
    if not highly_available and edited:
        refusals.append(
            f"{', '.join(edited)} hold edits (hdfs_journal_dir) that the one NameNode of hdfs_namenode_hosts "
            "does not read: files written since would be lost. Give back the second NameNode. To go on with "
            f"one, make its image whole, on {users['image'][0]} with the files as they were (hdfs dfsadmin "
            "-safemode enter && hdfs dfsadmin -saveNamespace), then stop both NameNodes and move the "
            "directories of the journal away."
        )
    return refusals


def _minority(
    found: Mapping[str, Stores], hosts: Sequence[str], journaled: Sequence[str], nameservice: str
) -> list[str]:
    """JournalNodes that may not begin empty: a majority of the others must hold what was confirmed."""
    empty = [host for host in hosts if host in found and host not in journaled]
    unheard = [host for host in hosts if host not in found]
    if not empty or (not unheard and 2 * len(journaled) > len(hosts)):
        return []
    says = f"{', '.join(empty)} {'has' if len(empty) == 1 else 'have'} no edits (hdfs_journal_dir)"
    if unheard:
        return [
            (
                f"{says}, and whether {', '.join(unheard)} {'has' if len(unheard) == 1 else 'have'} them is "
                "not known: not all JournalNodes answered, or --limit leaves them out. One that is empty "
                "joins only while all others hold the journal: none may have forgotten what it promised to "
                "a NameNode. Run again with all of them."
            )
        ]
    (directory,) = found[journaled[0]]["journal"]["holds"]
    return [
        (
            f"{says}, and {', '.join(journaled)} {'is' if len(journaled) == 1 else 'are'} no majority of the "
            f"{len(hosts)} JournalNodes: what only the lost ones had confirmed may be missing there, and no "
            "NameNode can write. Restore the directory of a lost one. If all are lost for good: on all "
            "machines stop what writes and holds edits (systemctl stop hdfs-zkfc hdfs-namenode "
            f"hdfs-journalnode), copy {directory}/{nameservice} of {journaled[0]} (of several, of the one "
            f"with the newest edits) with its owner to {directory} of {', '.join(empty)}, and run again."
        )
    ]


def _property(text: str, key: str) -> str:
    """The value of a key of a VERSION file; nothing where it has none."""
    match = re.search(rf"^\s*{re.escape(key)}\s*=\s*(.*?)\s*$", text, re.MULTILINE)
    return match[1] if match else ""


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name the filter."""
        return {"hdfs_data": hdfs_data}
