"""`smoke receipt`: what stands where, in which version, what it took, what was proved, what to type next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smoke.services import plural
from smoke.services.kafka import api_version

if TYPE_CHECKING:
    from smoke.cluster import Cluster, Kafka

WIDTH = 100
NOT_RUN = "not run"


def document(
    cluster: Cluster,
    states: Mapping[str, str],
    smoke: dict[str, Any] | None,
    phases: dict[str, Any] | None,
    artifacts: dict[str, Any] | None,
    *,
    accepted: str = "",
) -> dict[str, Any]:
    """The content of receipt.json. `states`: of a NameNode or ResourceManager by id, where known.

    `accepted`: the partition, file or host for whose sake a gate was closed, and which was accepted.

    `smoke` says by `current` whether it is about what runs now. Inputs that are not there stay null: a
    receipt invents nothing.
    """
    return {
        "cluster": cluster.name,
        "stack": cluster.stack,
        "note": cluster.note,
        "accepted": accepted,
        "machines": sorted(cluster.machines),
        "endpoints": endpoints(cluster, states),
        "versions": cluster.versions,
        "artifacts": artifacts,
        "phases": phases,
        "smoke": smoke,
        "next": commands(cluster),
    }


def endpoints(cluster: Cluster, states: Mapping[str, str]) -> list[dict[str, str]]:
    """Name, address and, where known, state of what a user connects to."""
    found: list[dict[str, str]] = []

    def add(name: str, address: str, state: str = "") -> None:
        found.append({"name": name, "address": address, "state": state})

    if cluster.kafka:
        add("Kafka bootstrap", ",".join(cluster.kafka.bootstrap))
        found += [_standalone(broker) for broker in cluster.kafka.standalone]
    if cluster.zookeeper:
        add("ZooKeeper", ",".join(f"{server.host}:{server.port}" for server in cluster.zookeeper.servers))
    if cluster.hdfs:
        add("HDFS", cluster.hdfs.default_fs)
        for node in cluster.hdfs.namenodes:
            add(f"NameNode {node.id}", node.url, states.get(node.id, ""))
    if cluster.yarn:
        for manager in cluster.yarn.resourcemanagers:
            add(f"ResourceManager {manager.id}", manager.url, states.get(manager.id, ""))
        if cluster.yarn.historyserver:
            add("MapReduce history", cluster.yarn.historyserver.url)
    if cluster.spark and cluster.spark.historyserver:
        add("Spark history", cluster.spark.historyserver.url)
    return found


def _standalone(section: Kafka) -> dict[str, str]:
    return {"name": f"Kafka {section.version}", "address": ",".join(section.bootstrap), "state": ""}


def commands(cluster: Cluster) -> list[dict[str, Any]]:
    """What to type next: the words of each command, and where (on this host, or on a machine)."""
    found: list[dict[str, Any]] = [{"on": "here", "words": list(words)} for words in cluster.next]
    host = cluster.spark.submit_host if cluster.spark else next(iter(cluster.machines), "")
    if cluster.kafka:
        reached = ["--bootstrap-server", ",".join(cluster.kafka.bootstrap)]
        if api_version(cluster.kafka.version):  # before the admin protocol
            reached = ["--zookeeper", cluster.kafka.zookeeper_connect]
        found.append({"on": host, "words": ["kafka-topics.sh", *reached, "--list"]})
    if cluster.zookeeper:
        server = cluster.zookeeper.servers[0]
        found.append(
            {"on": host, "words": ["zkCli.sh", "-server", f"{server.host}:{server.port}", "ls", "/"]}
        )
    if cluster.hdfs:
        found.append({"on": host, "words": ["hdfs", "dfs", "-ls", "/"]})
    if cluster.yarn:
        found.append({"on": host, "words": ["yarn", "node", "-list"]})
    if cluster.spark:
        found.append({"on": host, "words": ["spark-shell"]})
    return found


def text(receipt: dict[str, Any]) -> str:
    """The receipt for a terminal of 100 columns."""
    lines = [f"{receipt['cluster']}: stack {receipt['stack']}, {_machines(receipt)}; {_changes(receipt)}"]
    for said in _notes(receipt):
        lines += ["", *wrap(said, WIDTH)]

    def section(title: str, rows: list[tuple[str, str]]) -> None:
        lines.extend(["", title])
        width = max((len(name) for name, _ in rows), default=0)
        for name, value in rows:
            first, *rest = wrap(value, WIDTH - width - 4) or [""]
            lines.append(f"  {name:<{width}}  {first}".rstrip())
            lines.extend(" " * (width + 4) + more for more in rest)

    section(
        "Endpoints", [(e["name"], f"{e['address']}  {e['state']}".rstrip()) for e in receipt["endpoints"]]
    )
    section("Smoke", _smoke(receipt, brief=True))
    versions = ", ".join(f"{name} {version}" for name, version in receipt["versions"].items())
    lines += [
        "",
        *wrap(f"Versions: {versions or NOT_RUN}", WIDTH),
        *wrap(f"Phases: {_times(receipt)}", WIDTH),
    ]
    where = ""
    for command in receipt["next"]:
        if command["on"] != where:
            where = command["on"]
            lines += ["", "Next, here" if where == "here" else f"Next, on {where}"]
        lines += ["  " + line for line in wrap_command(command["words"], WIDTH - 2)]
    return "\n".join(lines) + "\n"


def markdown(receipt: dict[str, Any]) -> str:
    """The receipt for a page; checksums whole."""
    lines = [
        f"# {receipt['cluster']}",
        "",
        f"Stack {receipt['stack']}, {_machines(receipt)}; {_changes(receipt)}.",
    ]
    for said in _notes(receipt):
        lines += ["", said]

    def section(title: str, head: tuple[str, str], rows: list[tuple[str, str]]) -> None:
        lines.extend(["", f"## {title}", "", f"| {head[0]} | {head[1]} |", "|---|---|"])
        lines.extend(f"| {_cell(name)} | {_cell(value)} |" for name, value in rows)

    rows = [(e["name"], f"{e['address']} {e['state']}".rstrip()) for e in receipt["endpoints"]]
    section("Endpoints", ("what", "where"), rows)
    section("Versions", ("product", "version"), list(receipt["versions"].items()) or [(NOT_RUN, "")])
    section("Artifacts", ("artifact", "what"), _artifacts(receipt))
    section("Phases", ("phase", "took"), _phases(receipt))
    section("Smoke", ("check", "found"), _smoke(receipt))
    lines += ["", "## Next"]
    where = ""
    for command in receipt["next"]:
        if command["on"] != where:
            lines += ["```"] if where else []
            where = command["on"]
            lines += ["", "Here:" if where == "here" else f"On {where}:", "", "```sh"]
        lines.append(shlex.join(command["words"]))
    return "\n".join([*lines, *(["```"] if where else []), ""])


def _notes(receipt: dict[str, Any]) -> list[str]:
    accepted = f"A risk was accepted in the last run: {receipt['accepted']}." if receipt["accepted"] else ""
    return [said for said in (receipt["note"], accepted) if said]


def _machines(receipt: dict[str, Any]) -> str:
    return plural(len(receipt["machines"]), "machine")


def _changes(receipt: dict[str, Any]) -> str:
    phases = receipt["phases"]
    if phases is None:
        return "deployment not run"
    changed = phases["changed"]
    return f"tasks made {plural(changed, 'change')}" if changed else "nothing changed"


def _artifacts(receipt: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for artifact in (receipt["artifacts"] or {}).values():
        checksum = str(artifact.get("sha512", ""))
        what = f"{artifact.get('version')} from {artifact.get('source')}, sha512 {checksum or 'unknown'}"
        rows.append((artifact.get("name", ""), what))
    return rows or [(NOT_RUN, "")]


def _phases(receipt: dict[str, Any]) -> list[tuple[str, str]]:
    phases = receipt["phases"]
    if not phases:
        return [(NOT_RUN, "")]
    rows = [(p["name"], _took(p["seconds"], p["changed"])) for p in phases["phases"]]
    return [*rows, ("total", _took(phases["total"], phases["changed"]))]


def _took(seconds: float, changed: int) -> str:
    return f"{seconds:7.1f} s" + (f"  {plural(changed, 'change')}" if changed else "")


def _times(receipt: dict[str, Any]) -> str:
    """The phases that took time, and the total, in a sentence."""
    phases = receipt["phases"]
    if not phases:
        return NOT_RUN
    total = {"name": "total", "seconds": phases["total"], "changed": phases["changed"]}
    return ", ".join(
        f"{each['name']} {each['seconds']:.1f} s"
        + (f" ({plural(each['changed'], 'change')})" if each["changed"] else "")
        for each in [*phases["phases"], total]
        if each["seconds"] >= 0.05 or each is total
    )


def _smoke(receipt: dict[str, Any], *, brief: bool = False) -> list[tuple[str, str]]:
    smoke = receipt["smoke"]
    if not smoke:
        return [(NOT_RUN, "")]
    told = f"run {smoke['run']}, {smoke['mode']}, {smoke['seconds']:.1f} s, {smoke['started']}"
    if smoke["ok"] and not smoke["current"]:
        return [(NOT_RUN, f"on the daemons that run now; of an earlier deployment: {told}")]
    rows = [(c["name"], ("" if c["ok"] else "FAILED: ") + c["facts"]) for c in smoke["checks"]]
    here = {name for name, _ in rows}
    proof = smoke.get("proof") or {"checks": []}
    proved = [
        (c["name"], f"{c['facts']}; by run {proof['run']}, {proof['started']}")
        for c in proof["checks"]
        if c["name"] not in here
    ]
    if brief and smoke["ok"]:
        # The checks of this run stand above; what an earlier one proved does not.
        rows = []
    return [*proved, *rows, ("passed" if smoke["ok"] else "FAILED", told)]


def _cell(value: str) -> str:
    return value.strip().replace("|", "\\|").replace("\n", " ")


def wrap(value: str, width: int) -> list[str]:
    """Lines of at most `width`, broken after a space or a comma, so that what is copied stays whole."""
    lines: list[str] = []
    for token in re.split(r"(?<=[ ,])", value):
        if lines and len((lines[-1] + token).rstrip()) <= width:
            lines[-1] += token
        else:
            lines.append(token)
    return [line.rstrip() for line in lines if line.strip()]


def wrap_command(words: list[str], width: int) -> list[str]:
    """The command in lines of at most `width` that a shell takes as one, where the words are short enough."""
    lines = [""]
    for word in map(shlex.quote, words):
        joined = f"{lines[-1]} {word}".lstrip() if len(lines) == 1 else f"{lines[-1]} {word}"
        if len(joined) + len(" \\") <= width or lines == [""]:
            lines[-1] = joined
        else:
            lines[-1] += " \\"
            lines.append(f"    {word}")
    return lines
