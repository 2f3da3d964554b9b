"""`smoke status`: every daemon of every machine, from what was read to one document and one screen.

The keys of the document stay. All of it:

    cluster, inventory, described and asked (when, in ISO 8601), seconds (what the reading took), right
    wrong       names of the services, machines and daemons that are not right
    notes       what differs and is no fault
    services    name, right, says (the sentence of its gate), leaders (machines), faults (sentences)
    machines    name, answers, says (why it does not)
    daemons     machine, unit, service, right, state (by protocol; of one that is down by systemd), leads,
                address, systemd, since (ISO 8601), restarts (by systemd, after it had ended), version (that
                runs), heap_used and heap_max, memory (of its cgroup), disk (path, used, size: of its data
                directories the fullest), faults and notes (sentences); sizes in bytes, what is unknown null
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from smoke.cluster import age, shown
from smoke.reading import product
from smoke.receipt import wrap
from smoke.services import Daemon, plural
from smoke.verdict import first

if TYPE_CHECKING:
    from smoke.cluster import Cluster
    from smoke.reading import Facts, Reading, Service

WIDTH = 100
FEW = 40
"""Daemons that are all listed; of more those that are not right, and how many are."""
SHOWN = 20
"""Daemons that are listed then."""
LEADING = ("leader", "active")
RED, YELLOW, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"
SERVER_PROPERTIES = re.compile(r"/server-[^/]*\.properties$")
COLUMNS = ("    daemon", "state", "version", "since", "heap", "disk", "address")

SUMMARY = ("  daemon", "right", "state", "version", "since", "heap", "disk")
"""Of all daemons of a kind: when the last of them started, and of heaps and disks the fullest."""

Document = dict[str, Any]


def document(cluster: Cluster, reading: Reading) -> Document:
    """What the module's text says."""
    asked = datetime.fromtimestamp(reading.time, UTC)
    daemons = list(_daemons(cluster, reading, asked))
    services = [_service(each, daemons) for each in reading.services]
    machines = [
        {"name": name, "answers": not isinstance(found, str), "says": found if isinstance(found, str) else ""}
        for name, found in reading.machines.items()
    ]
    wrong = [each["name"] for each in services if not each["right"]]
    silent = [each["name"] for each in machines if not each["answers"]]
    wrong += silent + [
        f"{each['unit']} on {each['machine']}"
        for each in daemons
        if not each["right"] and each["machine"] not in silent
    ]
    note = f"{shown(cluster.inventory)} was changed after the last plan: make plan says what differs"
    return {
        "cluster": cluster.name,
        "inventory": cluster.inventory,
        "described": _iso(datetime.fromtimestamp(reading.described, UTC)),
        "asked": _iso(asked),
        "seconds": round(reading.seconds, 1),
        "right": not wrong,
        "wrong": wrong,
        "notes": [note] if reading.changed else [],
        "services": services,
        "machines": machines,
        "daemons": daemons,
    }


def _service(service: Service, daemons: Iterable[Document]) -> Document:
    faults = list(dict.fromkeys(fault.sentence for fault in service.faults))
    return {
        "name": service.name,
        "right": service.right,
        "says": service.sentence,
        "leaders": [each["machine"] for each in daemons if each["leads"] and each["service"] == service.name],
        "faults": faults,
    }


def _daemons(cluster: Cluster, reading: Reading, asked: datetime) -> Iterator[Document]:
    versions, addressed = _versions(cluster), addresses(cluster)
    services = {daemon: service for service in reading.services for daemon in service.subjects}
    faults = {
        (service.name, fault.subject): fault.sentence
        for service in reading.services
        for fault in service.faults
    }
    units = {name: machine.units for name, machine in cluster.machines.items()}
    for machine, unit in ((machine, unit) for machine, names in units.items() for unit in names):
        service = services.get((machine, unit))
        found = reading.machines.get(machine, {})
        facts: Facts = {} if isinstance(found, str) else found.get(unit, {})
        state = service.states.get((machine, unit), "") if service else ""
        subject = service.subjects.get((machine, unit)) if service else None
        own = faults.get((service.name, subject or ""), "") if service else ""
        wrong, notes = _differs(facts, state, own, versions.get((machine, unit), ""))
        seconds = facts.get("seconds")
        yield {
            "machine": machine,
            "unit": unit,
            "service": service.name if service else "",
            "right": not wrong,
            "state": _state(facts, state, own),
            "leads": state.split(",")[0] in LEADING,
            "address": addressed.get((machine, unit), ""),
            "systemd": facts.get("systemd"),
            "since": None if seconds is None else _iso(asked - timedelta(seconds=seconds)),
            **{key: facts.get(key) for key in ("restarts", "version", "heap_used", "heap_max", "memory")},
            "disk": facts.get("disk"),
            "faults": wrong,
            "notes": notes,
        }


def _versions(cluster: Cluster) -> dict[Daemon, str]:
    """The version that each daemon is to have."""
    found = {
        (host, unit): cluster.versions.get(product(unit), "")
        for host, units in cluster.units.items()
        for unit in units
    }
    standalone = cluster.kafka.standalone if cluster.kafka else ()
    return found | {broker.place: section.version for section in standalone for broker in section.brokers}


def addresses(cluster: Cluster) -> dict[Daemon, str]:
    """Where each daemon is asked, as host:port: its page, or what its clients connect to."""
    found: dict[Daemon, str] = {}
    if z := cluster.zookeeper:
        found |= {(server.host, server.unit): f"{server.host}:{server.port}" for server in z.servers}
    if k := cluster.kafka:
        kafka = [node for section in (k, *k.standalone) for node in section.nodes]
        found |= {node.place: f"{node.host}:{node.port}" for node in kafka}
    pages = []
    if h := cluster.hdfs:
        pages += [*h.namenodes, *h.journalnodes, *([h.secondarynamenode] if h.secondarynamenode else [])]
        found |= {(host, h.datanode_unit or ""): f"{host}:{h.datanode_http_port}" for host in h.datanodes}
        found |= {(node.host, h.zkfc_unit or ""): f"{node.host}:{h.zkfc_port}" for node in h.namenodes}
    if y := cluster.yarn:
        pages += [*y.resourcemanagers, *([y.historyserver] if y.historyserver else [])]
        nodes = {(host, y.nodemanager_unit or ""): host for host in y.nodemanagers}
        found |= {daemon: f"{host}:{y.nodemanager_http_port}" for daemon, host in nodes.items()}
    if cluster.spark and cluster.spark.historyserver:
        pages.append(cluster.spark.historyserver)
    return found | {(page.host, page.unit): f"{page.host}:{page.http_port}" for page in pages}


def _state(facts: Facts, said: str, own: str) -> str:
    """In a word: what it says of itself, but systemd's word of one that is down."""
    if facts and not facts["up"]:
        return str(facts["systemd"])
    return said or ("no answer" if own else "unknown")


def _differs(facts: Facts, state: str, own: str, version: str) -> tuple[list[str], list[str]]:
    """What is not right with a daemon, and what is to be known of it.

    state: what it says of itself
    own: what its service has against it
    version: that it is to have
    """
    if not facts:
        said = own or ("" if state else "neither its service nor its machine says anything of it")
        return [said] if said else [], []
    wrong, notes, times = [], [], facts["restarts"]
    if not facts["up"]:
        again = f"ends and is started again, {plural(times, 'time')} so far"
        ended = f"has ended ({facts['result']})"
        down = {"failed": ended, "auto-restart": again}.get(facts["systemd"], f"is {facts['systemd']}")
        wrong.append(again if times > 1 else down)
    elif own:
        wrong.append(own)
    if facts["up"] and times:
        notes.append(f"ended and was started again by systemd, {plural(times, 'time')}")
    if facts["version"] not in ("", version) and version:
        wrong.append(f"runs version {facts['version']}, the inventory has {version}")
    if not facts["on_boot"]:
        wrong.append("does not start on boot")
    older = facts["older"]
    if older == ["no record"]:
        wrong.append("runs without a record of the files that it has read")
    elif older and all(map(SERVER_PROPERTIES.search, older)):
        # What a broker was told while it ran is no reason to restart it.
        notes.append(f"is older than {first(older)}: make plan says whether it needs a restart")
    elif older:
        wrong.append(f"runs with older files than there are: {first(older)}")
    return wrong, notes


def screen(status: Document, *, colour: bool = False) -> str:
    """The document for a terminal of 100 columns; colours say nothing that words do not."""
    daemons, many = status["daemons"], len(status["daemons"]) > FEW
    listed = [each for each in daemons if not (each["right"] and many)]
    parts = [wrap(_head(status), WIDTH), list(_services_shown(status["services"]))]
    if many:
        parts.append(_table([SUMMARY, *(_summary(kind, status["asked"]) for kind in _kinds(daemons))]))
    parts.append(_machines_shown(status["machines"], listed, status["asked"], many))
    parts += [wrap(said, WIDTH) for said in (*status["notes"], _verdict(status))]
    lines = [_colour(_printable(line), colour) for part in parts if part for line in ("", *part)]
    return "\n".join(lines[1:]) + "\n"


def _head(status: Document) -> str:
    counted = f"{plural(len(status['daemons']), 'daemon')} on {plural(len(status['machines']), 'machine')}"
    described = _passed(status["described"], status["asked"])
    return f"cluster {status['cluster']} ({shown(status['inventory'])}), described {described} ago: {counted}"


def _verdict(status: Document) -> str:
    took = f"asked in {status['seconds']} s"
    return f"all right, {took}" if status["right"] else f"! not right: {first(status['wrong'])}; {took}"


def _services_shown(services: Sequence[Document]) -> Iterator[str]:
    width = max((len(each["name"]) for each in services), default=0)
    for each in services:
        says, unnamed = each["says"], [name for name in each["leaders"] if name not in each["says"]]
        if unnamed:
            says += f"; {', '.join(unnamed)} {'leads' if len(unnamed) == 1 else 'lead'}"
        head, *rest = wrap(says, WIDTH - width - 4) or [""]
        yield f"{_mark(each['right'])}{each['name']:<{width}}  {head}"
        yield from (" " * (width + 4) + line for line in rest)


def _machines_shown(
    machines: Sequence[Document], daemons: Sequence[Document], asked: str, many: bool
) -> list[str]:
    """By machine its daemons, with what is not right with each below it; of many SHOWN at most."""
    most = daemons[:SHOWN] if many else daemons
    rows = [_row(each, asked) for each in most]
    heads = _table([COLUMNS, *rows])
    lines = heads[:1] if rows else []
    by_machine: dict[str, list[tuple[Document, str]]] = {}
    for each, line in zip(most, heads[1:], strict=True):
        by_machine.setdefault(each["machine"], []).append((each, line))
    for machine in machines:
        here = by_machine.get(machine["name"], [])
        if not machine["answers"]:
            lines += wrap(f"! {machine['name']}: {machine['says']}", WIDTH)
        elif here or not many:
            lines.append(f"  {machine['name']}")
        for each, line in here:
            lines.append(line)
            # Of a machine that does not answer enough is said.
            faults = each["faults"] if machine["answers"] else []
            said = [fault for fault in faults if fault != f"is {each['state']}"]
            said += [f"note: {note}" for note in each["notes"]]
            lines += [f"        {part}" for text in said for part in wrap(text, WIDTH - 8)]
    if len(daemons) > len(most):
        lines.append(f"  and {len(daemons) - len(most)} daemons more that are not right (--json has all)")
    return lines


def _row(daemon: Document, asked: str) -> tuple[str, ...]:
    host, _, port = daemon["address"].rpartition(":")
    return (
        f"{_mark(daemon['right'])}  {daemon['unit']}",
        daemon["state"],
        daemon["version"] or "",
        _passed(daemon["since"], asked) if daemon["since"] else "",
        _heap(daemon),
        f"{_full(daemon):.0%} of {_size(daemon['disk']['size'])}" if daemon["disk"] else "",
        f":{port}" if port and host == daemon["machine"] else daemon["address"],
    )


def _kinds(daemons: Iterable[Document]) -> list[list[Document]]:
    """Daemons of one kind together; brokers are one, whatever their numbers."""
    kinds: dict[str, list[Document]] = {}
    for each in daemons:
        kinds.setdefault(each["unit"].partition("@")[0], []).append(each)
    return list(kinds.values())


def _summary(kind: Sequence[Document], asked: str) -> tuple[str, ...]:
    right = sum(each["right"] for each in kind)
    states = Counter(each["state"] for each in kind)
    counted = [f"{count} {state}" if len(states) > 1 else state for state, count in states.items()]
    started = max((each["since"] for each in kind if each["since"]), default="")
    return (
        f"{_mark(right == len(kind))}{kind[0]['unit'].partition('@')[0]}",
        f"{right} of {len(kind)}",
        ", ".join(counted),
        ", ".join(sorted({each["version"] for each in kind if each["version"]})),
        _passed(started, asked) if started else "",
        _most(map(_used, kind)),
        _most(map(_full, kind)),
    )


def _most(shares: Iterable[float]) -> str:
    most = max(shares)
    return f"{most:.0%}" if most else ""


def _used(daemon: Document) -> float:
    return (daemon["heap_used"] or 0) / daemon["heap_max"] if daemon["heap_max"] else 0.0


def _full(daemon: Document) -> float:
    return float(daemon["disk"]["used"]) / (daemon["disk"]["size"] or 1) if daemon["disk"] else 0.0


def _heap(daemon: Document) -> str:
    used, most = daemon["heap_used"], daemon["heap_max"]
    return " of ".join(_size(each) for each in (used, most) if each is not None)


def _size(number: float) -> str:
    """Bytes in two or three digits and a unit.

    >>> _size(536870912), _size(1610612736)
    ('512M', '1.5G')
    """
    unit = "B"
    for larger in "KMGT":
        if number < 1000:
            break
        number, unit = number / 1024, larger
    return f"{number:.1f}{unit}" if number < 10 and unit in "GT" else f"{number:.0f}{unit}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines in columns of the same width, none longer than a screen; the first row is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip()[:WIDTH] for line in lines]


def _mark(right: bool) -> str:
    return "  " if right else "! "


def _printable(line: str) -> str:
    """Daemons say what they like: not to this terminal."""
    return "".join(char if char.isprintable() else "?" for char in line).rstrip()


def _colour(line: str, colour: bool) -> str:
    if not colour or not line.startswith(("! ", "        note: ")):
        return line
    return f"{RED if line.startswith('!') else YELLOW}{line}{PLAIN}"


def _passed(since: str, until: str) -> str:
    return age((datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds())


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
