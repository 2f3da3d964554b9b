"""What of a file system's data is refused, and what is not, by tables of what lies on its machines."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest
from hdfs_data import STORES, hdfs_data

VERSION = "current/VERSION"
SEEN, IMAGE = "current/seen_txid", "current/fsimage_"
EDITS = f"unit/{VERSION}"
# Directories that are wanted, and those that daemons had before.
WANTED = {"image": "/name", "checkpoint": "/check", "journal": "/journal", "blocks": "/data"}
PLAIN = (["a"], list[str](), ["b", "c"])
HA = (["a", "b"], ["a", "b", "c"], ["a", "b", "c"])


def version(cluster: str = "", storage: str = "") -> str:
    """Text of a VERSION file."""
    lines = {"storageID": storage, "clusterID": cluster, "layoutVersion": "-66"}
    return "#Sun\n" + "".join(f"{key}={value}\n" for key, value in lines.items() if value)


def image(cluster: str = "CID-1", seen: int = 0) -> dict[str, str]:
    """What a directory of a NameNode or a SecondaryNameNode holds."""
    name = f"{IMAGE}{seen:019}"
    return {VERSION: version(cluster), SEEN: f"{seen}\n", name: "", f"{name}.md5": "x\n"}


def blocks(storage: str = "DS-1", cluster: str = "CID-1") -> dict[str, str]:
    """What a disk of a DataNode holds."""
    return {VERSION: version(cluster, storage)}


def edits(nameservice: str = "unit", cluster: str = "CID-1") -> dict[str, str]:
    """What the directory of a JournalNode holds."""
    return {f"{nameservice}/{VERSION}": version(cluster)}


def here(
    *kinds: str, older: dict[str, dict[str, dict[str, str]]] | None = None, **holds: dict[str, Any]
) -> dict[str, Any]:
    """What the guard hears of a host.

    kinds: stores that hold data where they should
    older: by store what lies in directories of before
    holds: by store what lies where it should, {path: text}, or by directory
    """
    texts: dict[str, dict[str, Any]] = {
        "image": image(),
        "checkpoint": image(),
        "journal": edits(),
        "blocks": blocks(),
    }
    given: dict[str, dict[str, Any]] = {kind: texts[kind] for kind in kinds} | holds
    return {
        store: {
            "up": [],
            "holds": held
            if (held := given.get(store, {})) and all(path.startswith("/") for path in held)
            else {wanted: held},
            "kept": [],
            "older": (older or {}).get(store, {}),
        }
        for store, wanted in WANTED.items()
    }


Topology = tuple[list[str], list[str], list[str]]
NOTHING = here()


def hosts(**given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"a": NOTHING, "b": NOTHING, "c": NOTHING} | given


LOSES = (
    "{} hold edits or blocks of an HDFS (hdfs_journal_dir, hdfs_data_dir), but no NameNode has its image "
    "(hdfs_name_dir). Formatting would lose it. Restore the image of one NameNode{}, or move these "
    "directories away."
)
COPY = " (the SecondaryNameNode has a copy in hdfs_checkpoint_dir)"
NO_EDITS = (
    "{} have an image (hdfs_name_dir), but no JournalNode has edits of the nameservice unit "
    "(hdfs_journal_dir): no NameNode would start. If cluster_name has changed, give back the old one. If "
    "this HDFS had one NameNode until now, hand its edits to the JournalNodes, then run again. On a: "
    "systemctl disable --now hdfs-secondarynamenode; systemctl stop hdfs-namenode && runuser -u hdfs -- "
    "/opt/hadoop/bin/hdfs namenode -initializeSharedEdits"
)
EDITED = (
    "{} hold edits (hdfs_journal_dir) that the one NameNode of hdfs_namenode_hosts does not read: files "
    "written since would be lost. Give back the second NameNode. To go on with one, make its image whole, "
    "on a with the files as they were (hdfs dfsadmin -safemode enter && hdfs dfsadmin -saveNamespace), "
    "then stop both NameNodes and move the directories of the journal away."
)
UNHEARD = (
    "{} no image of a NameNode (hdfs_name_dir), and whether {} hold data of this HDFS is not known: they "
    "did not answer, or --limit leaves them out. Run again with them."
)


@pytest.mark.parametrize(
    ("topology", "found", "images", "lacking", "says"),
    [
        pytest.param(PLAIN, hosts(), "", "a", "", id="plain-fresh"),
        pytest.param(PLAIN, hosts(a=here("image"), c=here("blocks")), "a", "", "", id="plain"),
        pytest.param(PLAIN, hosts(c=here("blocks")), "", "a", LOSES.format("c", COPY), id="plain-image-lost"),
        pytest.param(
            PLAIN,
            hosts(a=here("checkpoint"), b=here("blocks"), c=here("blocks")),
            "",
            "a",
            LOSES.format("b, c", COPY),
            id="plain-image-lost-and-a-checkpoint-is-left",
        ),
        pytest.param(
            PLAIN,
            hosts(a=here(image={SEEN: "3"}), c=here("blocks")),
            "",
            "a",
            LOSES.format("c", COPY),
            id="plain-image-lost-but-for-a-file",
        ),
        # Blocks where nobody wants any.
        pytest.param(PLAIN, hosts(a=here("blocks")), "", "a", "", id="blocks-of-no-datanode"),
        pytest.param(
            PLAIN,
            hosts(a=here("image"), b=here("journal"), c=here("blocks")),
            "a",
            "",
            EDITED.format("b"),
            id="plain-and-it-had-two-namenodes-until-now",
        ),
        pytest.param(
            (["a"], ["a", "b", "c"], ["b", "c"]),
            hosts(a=here("image"), b=here(older={"journal": {"/old": edits()}})),
            "a",
            "",
            EDITED.format("b"),
            id="plain-and-it-had-two-namenodes-until-now-and-another-directory",
        ),
        pytest.param(
            PLAIN,
            hosts(a=here("image"), b=here(journal=edits("other"))),
            "a",
            "",
            "",
            id="plain-and-a-journal-of-another-nameservice",
        ),
        pytest.param(HA, hosts(), "", "a b", "", id="ha-fresh"),
        pytest.param(
            HA,
            {"a": here("image", "journal"), "b": here("journal"), "c": here("journal", "blocks")},
            "a",
            "b",
            "",
            id="ha-one-image",
        ),
        pytest.param(
            HA,
            dict.fromkeys("abc", here("image", "journal", "blocks")),
            "a b",
            "",
            "",
            id="ha-whole",
        ),
        pytest.param(HA, hosts(b=here("journal")), "", "a b", LOSES.format("b", ""), id="ha-images-lost"),
        pytest.param(
            HA,
            hosts(a=here("journal"), b=here("journal", "blocks"), c=here("blocks")),
            "",
            "a b",
            LOSES.format("a, b, c", ""),
            id="ha-images-lost-each-host-is-named-once",
        ),
        pytest.param(
            HA,
            hosts(a=here("image"), c=here("blocks")),
            "a",
            "b",
            NO_EDITS.format("a"),
            id="ha-and-it-was-plain-until-now",
        ),
        pytest.param(
            HA,
            hosts(a=here("image"), b=here("image"), c=here(journal=edits("old"))),
            "a b",
            "",
            NO_EDITS.format("a, b"),
            id="ha-and-cluster-name-has-changed",
        ),
        pytest.param(
            PLAIN, {"a": NOTHING, "b": NOTHING}, "", "a", UNHEARD.format("a has", "c"), id="plain-unheard"
        ),
        pytest.param(
            HA,
            {"a": here("image", "journal"), "b": here("journal")},
            "a",
            "b",
            UNHEARD.format("b has", "c"),
            id="ha-unheard",
        ),
        pytest.param(
            HA,
            {"a": NOTHING, "b": NOTHING},
            "",
            "a b",
            UNHEARD.format("a, b have", "c"),
            id="ha-both-unheard",
        ),
        # Where there is an image, nothing of a DataNode is of interest.
        pytest.param(
            PLAIN, {"a": here("image"), "b": NOTHING}, "a", "", "", id="plain-with-an-image-and-unheard"
        ),
        pytest.param(
            (["a", "b"], ["a", "b"], ["c"]),
            {"a": here("image", "journal"), "b": here("journal")},
            "a",
            "b",
            "",
            id="ha-with-an-image-and-unheard",
        ),
        # A copy that was cut off has a VERSION, and no image.
        pytest.param(
            HA,
            dict.fromkeys("ac", here("image", "journal"))
            | {"b": here("journal", image={VERSION: version("CID-1"), SEEN: "0\n"})},
            "a",
            "b",
            "",
            id="ha-with-an-image-that-was-begun",
        ),
        pytest.param(
            HA,
            dict.fromkeys(
                "abc", here("journal", image={VERSION: version("CID-1"), f"{IMAGE[:-1]}.ckpt_1": ""})
            ),
            "",
            "a b",
            LOSES.format("a, b, c", ""),
            id="ha-with-both-images-begun",
        ),
        pytest.param(HA, {"a": here("image", "journal")}, "a", "", "", id="limited-and-nothing-is-formatted"),
        pytest.param(HA, {"c": NOTHING}, "", "", "", id="limited-to-no-namenode"),
    ],
)
def test_what_the_hosts_hold_together(
    topology: Topology, found: dict[str, dict[str, Any]], images: str, lacking: str, says: str
) -> None:
    plan = hdfs_data(found, *topology, "unit")
    assert plan["refusals"] == [says] * bool(says)
    assert (plan["images"], plan["lacking"]) == (images.split(), lacking.split())


MINORITY = (
    "{empty} no edits (hdfs_journal_dir), and {left} no majority of the {count} JournalNodes: what only "
    "the lost ones had confirmed may be missing there, and no NameNode can write. Restore the directory of a "
    "lost one. If all are lost for good: on all machines stop what writes and holds edits (systemctl stop "
    "hdfs-zkfc hdfs-namenode hdfs-journalnode), copy /journal/unit of {first} (of several, of the one with "
    "the newest edits) with its owner to /journal of {targets}, and run again."
)
SILENT = (
    "{} no edits (hdfs_journal_dir), and whether {} them is not known: not all JournalNodes answered, or "
    "--limit leaves them out. One that is empty joins only while all others hold the journal: none may have "
    "forgotten what it promised to a NameNode. Run again with all of them."
)
FOUR = (["a", "b"], list("abcd"), ["a"])
FIVE = (["a", "b"], list("abcde"), ["a"])


@pytest.mark.parametrize(
    ("topology", "full", "empty", "says"),
    [
        (HA, "abc", "", ""),
        (HA, "ab", "c", ""),
        (HA, "bc", "a", ""),
        (
            HA,
            "b",
            "ac",
            MINORITY.format(empty="a, c have", left="b is", count=3, first="b", targets="a, c"),
        ),
        (HA, "a", "c", SILENT.format("c has", "b has")),
        (HA, "", "ac", SILENT.format("a, c have", "b has")),
        (HA, "ac", "", ""),
        (
            FOUR,
            "ab",
            "cd",
            MINORITY.format(empty="c, d have", left="a, b are", count=4, first="a", targets="c, d"),
        ),
        (FOUR, "abc", "d", ""),
        (FIVE, "bcd", "ae", ""),
        (FIVE, "bcd", "a", SILENT.format("a has", "e has")),
    ],
)
def test_a_journalnode_begins_empty_only_beside_a_majority(
    topology: Topology, full: str, empty: str, says: str
) -> None:
    """Both NameNodes have their image; who is neither full nor empty did not answer."""
    found = {host: here("image", "journal") for host in full} | {host: here("image") for host in empty}
    plan = hdfs_data(found, *topology, "unit")
    assert plan["refusals"] == [says] * bool(says)
    assert plan["version"] == (version("CID-1") if full else "")


STATES = [
    None,
    *(tuple(kinds) for n in range(4) for kinds in combinations(["image", "journal", "blocks"], n)),
]
"""What a machine may hold, and None of one that did not answer."""


def test_no_plan_formats_outvotes_or_orphans_what_three_machines_hold() -> None:
    """All combinations of three machines with every daemon."""
    plans = 0
    for states in product(STATES, repeat=3):
        held = {host: kinds for host, kinds in zip("abc", states, strict=True) if kinds is not None}
        plan = hdfs_data({host: here(*kinds) for host, kinds in held.items()}, *HA, "unit")
        if plan["refusals"]:
            continue
        plans += 1
        journals = [host for host, kinds in held.items() if "journal" in kinds]
        if plan["lacking"] and not plan["images"]:  # it would be formatted
            assert not journals, states
            assert not any("blocks" in kinds for kinds in held.values()), states
            assert len(held) == 3, states
        if plan["lacking"]:
            assert {"a", "b"} <= set(held), states
        if plan["version"] and any("journal" not in kinds for kinds in held.values()):  # one would join
            assert len(held) == 3, states
            assert len(journals) == 2, states
            assert plan["images"], states
        if plan["images"] and len(held) == 3:
            assert len(journals) >= 2, states
    assert plans > 20


VARIABLES = {
    "image": "hdfs_name_dir, or dfs.namenode.name.dir in hdfs_site_overrides",
    "checkpoint": "hdfs_checkpoint_dir",
    "journal": "hdfs_journal_dir",
    "blocks": "hdfs_data_dir, or dfs.datanode.data.dir in hdfs_site_overrides",
}
NAMES = {"image": "an image", "checkpoint": "a checkpoint", "journal": "a journal", "blocks": "blocks"}
UNITS = {
    "image": "hdfs-namenode",
    "checkpoint": "hdfs-secondarynamenode",
    "journal": "hdfs-journalnode",
    "blocks": "hdfs-datanode",
}


def moved(store: str, older: str = "/old", wanted: str = "", target: str = "", clear: str = "") -> str:
    """How the host a says that a store of its is elsewhere."""
    target = target or WANTED[store]
    return (
        f"a has {NAMES[store]} of HDFS in {older}, which its {UNITS[store]} was given until now and would "
        f"not read any more: the inventory names {wanted or target} ({VARIABLES[store]}). Give {older} "
        "back. Or stop the daemon, copy its data with its owner, and run again; on every host that says "
        f"so: systemctl stop {UNITS[store]} && {clear}cp -a {older}/. {target}/"
    )


def disk(older: str, wanted: str) -> str:
    """How the host a says that a disk of its DataNode left."""
    return (
        f"a has blocks of HDFS in {older}, which its hdfs-datanode was given until now and would not read "
        f"any more: the inventory names {wanted} ({VARIABLES['blocks']}). Give {older} back. To take a disk "
        "away for good, on one host after the other: see that no block lacks a replica (hdfs fsck /), stop "
        f"the daemon (systemctl stop hdfs-datanode), move {older}/current away and run again; HDFS makes "
        "these replicas anew."
    )


def test_every_store_is_called_something() -> None:
    assert {store: (NAMES[store], VARIABLES[store], UNITS[store]) for store in NAMES} == STORES


ONE = (["a"], list[str](), ["a"])
ALL_OLDER = {
    "image": {"/o1": image()},
    "checkpoint": {"/o2": image()},
    "journal": {"/o3": edits()},
    "blocks": {"/o4": blocks()},
}
"""Each store where an older configuration had it."""


@pytest.mark.parametrize(
    ("topology", "first", "says"),
    [
        pytest.param(ONE, here(older={"image": {"/old": image()}}), [moved("image")], id="image-moved"),
        pytest.param(
            ONE, here(older={"checkpoint": {"/old": image()}}), [moved("checkpoint")], id="checkpoint-moved"
        ),
        pytest.param(HA, here(older={"journal": {"/old": edits()}}), [moved("journal")], id="journal-moved"),
        pytest.param(ONE, here(older={"blocks": {"/old": blocks()}}), [moved("blocks")], id="blocks-moved"),
        pytest.param(
            ONE,
            here(older=ALL_OLDER),
            [moved("image", "/o1"), moved("checkpoint", "/o2"), moved("blocks", "/o4")],
            id="plain-with-all-directories-changed",
        ),
        pytest.param(
            HA,
            here(older=ALL_OLDER),
            [moved("image", "/o1"), moved("journal", "/o3"), moved("blocks", "/o4")],
            id="ha-with-all-directories-changed",
        ),
        pytest.param(
            ONE,
            here(
                "image",
                "checkpoint",
                "blocks",
                older={
                    "image": {"/o1": image()},
                    "checkpoint": {"/o2": image()},
                    "blocks": {"/o4": blocks()},
                },
            ),
            [],
            id="plain-copied-and-the-older-are-still-there",
        ),
        pytest.param(
            HA,
            here("image", "journal", "blocks", older={"journal": {"/old": edits()}}),
            [],
            id="journal-copied-and-the-older-is-still-there",
        ),
        pytest.param(
            HA,
            here("image", "blocks", journal=edits("other"), older={"journal": {"/old": edits()}}),
            [moved("journal")],
            id="journal-moved-to-where-another-nameservices-is",
        ),
        pytest.param(
            ONE,
            here("blocks", image={"/name": image(), "/n2": {}}, older={"image": {"/old": image()}}),
            [],
            id="one-of-the-disks-of-an-image-changed",
        ),
        pytest.param(
            ONE,
            here(
                image={"/name": {}, "/n2": {}}, older={"image": {"/o1": image(seen=8), "/o2": image(seen=9)}}
            ),
            [moved("image", "/o2", "/name, /n2", "/name")],
            id="the-last-image-of-two-is-copied",
        ),
        pytest.param(
            ONE,
            here(image=image(seen=8), older={"image": {"/old": image(seen=9)}}),
            [moved("image", clear="mv /name/current /name/current.before && ")],
            id="back-to-a-directory-that-was-left-once",
        ),
        pytest.param(
            ONE,
            here("blocks", image=image(seen=10), older={"image": {"/old": image(seen=9)}}),
            [],
            id="image-copied-and-written-since",
        ),
        pytest.param(
            ONE,
            here("image", "blocks", older={"image": {"/old": {SEEN: "5"}}}),
            [],
            id="no-image-in-what-is-older",
        ),
        pytest.param(
            ONE,
            here("image", blocks={"/d1": blocks("DS-1")}, older={"blocks": {"/d2": blocks("DS-2")}}),
            [disk("/d2", "/d1")],
            id="a-disk-left",
        ),
        pytest.param(
            ONE,
            here("image", blocks={"/d1": blocks("DS-2")}, older={"blocks": {"/d2": blocks("DS-2")}}),
            [],
            id="a-disk-left-whose-storage-is-elsewhere",
        ),
        pytest.param(
            ONE,
            here(
                "image",
                blocks={"/d1": blocks("DS-1"), "/d3": {}},
                older={"blocks": {"/d2": blocks("DS-2"), "/d4": blocks("DS-4")}},
            ),
            [moved("blocks", "/d2", "/d1, /d3", "/d3"), disk("/d4", "/d1, /d3")],
            id="a-disk-for-two-others",
        ),
        pytest.param(
            ONE,
            here(
                "image",
                blocks={"/d1": blocks("DS-1"), "/d3": blocks("DS-2")},
                older={"blocks": {"/d2": blocks("DS-2")}},
            ),
            [],
            id="a-disk-copied-to-another",
        ),
        pytest.param(ONE, here("image", blocks={"/d1": blocks("DS-1"), "/d2": {}}), [], id="a-disk-came"),
    ],
)
def test_directories_that_are_not_read_any_more(
    topology: Topology, first: dict[str, Any], says: list[str]
) -> None:
    whole = here("image", "journal", "blocks") if topology is HA else NOTHING
    assert hdfs_data({"a": first, "b": whole, "c": whole}, *topology, "unit")["refusals"] == says


def test_where_data_is_elsewhere_nobody_says_that_there_is_none() -> None:
    """b has no image to copy, and c has blocks without one."""
    first = here(older={"image": {"/old": image()}})
    found = {"a": first, "b": NOTHING, "c": here("blocks", "journal")}
    assert hdfs_data(found, *HA, "unit")["refusals"] == [moved("image")]


def foreign(host: str, store: str, path: str) -> str:
    """How a host says that it has data of another file system."""
    return (
        f"{host} has {NAMES[store]} of another file system in {path}/VERSION: its clusterID is CID-2, that "
        "of the NameNode a is CID-1. It would not join. Put the machine into the cluster that it belongs "
        f"to, or stop its {UNITS[store]} and move {path} away if its data is to be forgotten."
    )


FULL = here("image", "journal", "blocks")


@pytest.mark.parametrize(
    ("topology", "found", "says"),
    [
        pytest.param(HA, dict.fromkeys("abc", FULL), [], id="one-file-system"),
        pytest.param(
            PLAIN,
            {"a": here("image"), "b": here(blocks=blocks(cluster="CID-2")), "c": here("blocks")},
            [foreign("b", "blocks", "/data/current")],
            id="a-datanode-of-another",
        ),
        pytest.param(
            PLAIN,
            {
                "a": here("image"),
                "b": here(blocks={"/d1": blocks(), "/d2": blocks("DS-2", "CID-2")}),
                "c": here("blocks"),
            },
            [foreign("b", "blocks", "/d2/current")],
            id="a-disk-of-another",
        ),
        pytest.param(
            PLAIN,
            hosts(a=here("image", checkpoint=image("CID-2"))),
            [foreign("a", "checkpoint", "/check/current")],
            id="a-checkpoint-of-another",
        ),
        pytest.param(
            HA,
            {"a": FULL, "b": FULL, "c": here(journal=edits(cluster="CID-2"), blocks=blocks(cluster="CID-2"))},
            [foreign("c", "journal", "/journal/unit/current"), foreign("c", "blocks", "/data/current")],
            id="a-machine-of-another",
        ),
        pytest.param(
            HA,
            {"a": FULL, "b": FULL, "c": here("blocks", journal=edits() | edits("old", "CID-2"))},
            [],
            id="a-journal-beside-ours",
        ),
        pytest.param(
            HA,
            {"a": FULL, "b": FULL, "c": here("journal", "blocks", checkpoint=image("CID-2"))},
            [],
            id="a-checkpoint-that-nobody-reads",
        ),
        pytest.param(
            PLAIN,
            {"a": here("image"), "b": NOTHING, "c": here(blocks={VERSION: ""})},
            [],
            id="what-bears-no-id-is-not-anothers",
        ),
        pytest.param(
            HA,
            {"a": FULL, "b": here(image=image("CID-2"), journal=edits(), blocks=blocks()), "c": FULL},
            [
                (
                    "the NameNodes have images of different file systems (clusterID in "
                    "hdfs_name_dir/current/VERSION): a CID-1; b CID-2. Move the image of the one that is not "
                    "to be served away (with its JournalNodes' and DataNodes' data, if they are its own), "
                    "and run again: it is copied from the other."
                )
            ],
            id="names-of-two-images",
        ),
        # Whose it is cannot be said without an image.
        pytest.param(
            PLAIN,
            hosts(b=here(blocks=blocks(cluster="CID-2"))),
            [LOSES.format("b", COPY)],
            id="no-image",
        ),
        pytest.param(HA, {"c": here(blocks=blocks(cluster="CID-2"))}, [], id="limited-to-no-namenode"),
    ],
)
def test_data_of_another_file_system(
    topology: Topology, found: dict[str, dict[str, Any]], says: list[str]
) -> None:
    assert hdfs_data(found, *topology, "unit")["refusals"] == says
