"""Commands: status, check (protocol gates), run (smoke test), receipt. Exit 1 on failure, 2 on bad input."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kafka.errors import KafkaError

from smoke import (
    blame,
    checks,
    domains,
    evidence,
    gates,
    leaders,
    processes,
    reading,
    receipt,
    report,
    signals,
    status,
    versions,
)
from smoke.checks import hdfs as hdfs_check
from smoke.checks import kafka as kafka_check
from smoke.checks import spark as spark_check
from smoke.checks import streaming as streaming_check
from smoke.checks import zookeeper as zookeeper_check
from smoke.cluster import Cluster, ClusterError, Kafka, expect, find, load, source_line
from smoke.console import Console
from smoke.services import format_error, hdfs, kafka_dynamic, kafka_quorum, yarn
from smoke.services.kafka import api_version

#: Keys of plan.json that are read, and what they say.
PLANNED = {
    "faults": "what was wrong before the roll",
    "found": "what differs on the machines",
    "services": "what is to be done",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except ClusterError as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m smoke", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--cluster", type=Path, help="its description (the only out/*/cluster.json)")
        sub.add_argument("--name", help="the cluster that is meant: another's description is refused")
        sub.add_argument("--inventory", metavar="DIR", help="the inventory that is meant, likewise")
        sub.set_defaults(command=function)
        return sub

    sub = command(
        "status",
        say_status,
        "every daemon: its state, who leads, since when, heap and disk, what differs; changes nothing, and "
        "exits with 1 where something is not right",
    )
    sub.add_argument("--json", action="store_true", help="for programs; smoke/status.py has the keys")
    sub.add_argument(
        "--watch",
        nargs="?",
        type=_positive,
        const=3,
        metavar="SECONDS",
        help="again every few seconds, until Ctrl-C",
    )

    sub = command("check", check, "poll the protocol gates of all services until each is exactly right")
    sub.add_argument("--only", nargs="+", choices=gates.SERVICES, help="these services only")
    sub.add_argument(
        "--quorum",
        action="store_true",
        help="ZooKeeper: a majority with a leader is right; Kafka: a majority of controllers that listen",
    )
    sub.add_argument(
        "--serving",
        type=_positive,
        default=0,
        metavar="COUNT",
        help="ZooKeeper: so many servers that serve are right, while its list changes",
    )
    sub.add_argument(
        "--answering",
        default="",
        metavar="HOST",
        help="ZooKeeper: the server of this machine answers, be it that it waits for others",
    )
    sub.add_argument(
        "--joined",
        nargs=2,
        metavar=("ID", "DIRECTORY_ID"),
        help="Kafka: this controller as a voter with this directory, that has caught up, is right",
    )
    sub.add_argument("--leave", type=int, metavar="ID", help="Kafka: may this node leave it for good")
    sub.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="what was wrong before a roll, by its plan.json, is no fault",
    )
    sub.add_argument(
        "--restart",
        nargs="+",
        metavar="WORD",
        help="HOST UNIT: may this daemon go now; HOST HOST UNIT: on these machines together; without a plan "
        "that alone",
    )
    sub.add_argument("--remove", nargs=2, metavar=("HOST", "UNIT"), help="alone: may this daemon go for good")
    sub.add_argument(
        "--accept", default="", metavar="SUBJECT", help="a partition, file or host: go for all that"
    )
    sub.add_argument("--timeout", type=float, default=120, metavar="SECONDS")

    sub.add_argument(
        "--back",
        nargs="*",
        default=(),
        metavar="HOST/UNIT",
        help="these daemons were restarted and must be there, whatever was wrong before",
    )

    sub = command("blame", say_blame, "say what daemons refused: their own errors, and the likely cause")
    sub.add_argument("--plan", type=Path, metavar="FILE", required=True, help="plan.json, with what changed")
    sub.add_argument("host")
    sub.add_argument("units", nargs="+")

    sub = command("survey", survey, "say which machines lead and what is not right, as JSON")
    sub.add_argument(
        "--batches",
        nargs="+",
        choices=("hdfs", "yarn"),
        default=(),
        help="also: which workers of these services may be restarted together",
    )

    command(
        "dynamic", dynamic, "say what Kafka's brokers take without a restart, of the files on stdin, as JSON"
    )

    sub = command(
        "configure", configure, "set or delete properties of running brokers, as the cluster's default"
    )
    sub.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE")
    sub.add_argument("--delete", nargs="+", default=[], metavar="KEY")
    sub.add_argument("--timeout", type=float, default=60, metavar="SECONDS")

    command(
        "leaving",
        leaving,
        "say which units of those on stdin leave Kafka, with their machines, and what is against it, in JSON",
    ).add_argument("--timeout", type=float, default=15, metavar="SECONDS")

    sub = command("leave", leave, "have Kafka do without a broker for good")
    sub.add_argument("what", choices=("voter", "broker"), help="take it out of the quorum; unregister it")
    sub.add_argument("id", type=int)
    sub.add_argument("--timeout", type=float, default=120, metavar="SECONDS")

    sub = command("run", run, "put data in, get data out, count; remove it all again")
    sub.add_argument("--out", type=Path, help="smoke.json beside the description")
    sub.add_argument("--junit", type=Path, help="smoke.xml beside the description")
    sub.add_argument("--quick", action="store_true", help="leave the Spark check out")
    sub.add_argument(
        "--skip-verified",
        action="store_true",
        help="leave it out, and send a tenth of the records, when the very processes that run now passed it "
        "before (by the report of --out)",
    )
    sub.add_argument("--records", type=_positive, default=10_000, metavar="N")
    sub.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="for all checks together")

    sub = command("receipt", write_receipt, "write what stands where, and print it")
    for name in ("smoke", "phases", "artifacts"):
        sub.add_argument(f"--{name}", type=Path, help=f"{name}.json beside the description")
    sub.add_argument("--out-dir", type=Path, help="the directory of the description")
    return parser


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def described(options: argparse.Namespace) -> Cluster:
    """The cluster that is meant. Prints whose description it is where no option says so.

    Raises ClusterError.
    """
    cluster = load(options.cluster or find(options.name, inventory=options.inventory))
    expect(cluster, options.name, options.inventory)
    if options.name is None or options.inventory is None:
        Console().say(source_line(cluster))
    return cluster


def say_status(options: argparse.Namespace) -> int:
    """Look once, or until nobody looks any more; 1 where something is not right."""
    found: dict[str, Any] = {"right": True}
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        while True:
            # Anew each time: a deployment may go on meanwhile.
            cluster = load(options.cluster or find(options.name, inventory=options.inventory))
            expect(cluster, options.name, options.inventory)
            if not cluster.units:
                raise ClusterError(f"{cluster.source}: no daemon to look at")
            found = status.document(cluster, reading.read(cluster))
            terminal = sys.stdout.isatty() and not options.json
            shown = status.screen(found, colour=terminal and "NO_COLOR" not in os.environ)
            # A screen takes the place of the one before.
            begin = "\x1b[H\x1b[J" if terminal and options.watch else ""
            print(begin + (json.dumps(found, indent=2) + "\n" if options.json else shown), end="", flush=True)
            if not options.watch:
                break
            time.sleep(options.watch)
    return 0 if found["right"] else 1


def check(options: argparse.Namespace) -> int:
    """Poll the gates; on failure say which daemon, and keep the journals."""
    cluster = described(options)
    for service in options.only or ():
        if getattr(cluster, service) is None:
            raise ClusterError(f"{cluster.source}: {service} is missing, and --only asks for it")
    wanted = (
        gates.removal(cluster, *options.remove)
        if options.remove
        else gates.gates_of(
            cluster,
            options.only or gates.SERVICES,
            quorum=options.quorum,
            serving=options.serving,
            answering=_answering(options, cluster),
            joined=(int(options.joined[0]), options.joined[1]) if options.joined else None,
            leave=options.leave,
            roll=_roll(options, cluster),
        )
    )
    # Of what is asked for by its name there may be no daemon: Spark without a history server.
    if not wanted and (options.remove or not options.only):
        raise ClusterError(
            f"{cluster.source}: no unit {options.remove[1]} on {options.remove[0]}"
            if options.remove
            else f"{cluster.source}: no service to check"
        )
    console = Console()
    closed = gates.wait_for_all(wanted, options.timeout, console)
    if closed:
        found = [(each.gate.name, each.reason, cluster.journals(each.gate.units)) for each in closed]
        console.say(_failed(cluster, found))
        console.say("check FAILED: " + ", ".join(name for name, _, _ in found))
    return 1 if closed else 0


def _answering(options: argparse.Namespace, cluster: Cluster) -> str:
    """The machine of the server of ZooKeeper that is to answer, if one is. Raises ClusterError."""
    host: str = options.answering
    if host and (cluster.zookeeper is None or host not in cluster.zookeeper.units):
        raise ClusterError(f"{cluster.source} has no server of ZooKeeper on {host}")
    return host


def _roll(options: argparse.Namespace, cluster: Cluster) -> gates.Roll | None:
    """What a rolling restart asks of the gates, if it is one. Raises ClusterError."""
    if not options.plan and not options.restart:
        return None
    known = _planned(options.plan, "faults") if options.plan else None
    *hosts, unit = options.restart or [""]
    if unit and not hosts:
        raise ClusterError(f"--restart {unit} names no machine: give HOST UNIT")
    back = [(host, name) for host, _, name in (each.partition("/") for each in options.back)]
    for host, name in [*((host, unit) for host in hosts), *back]:
        if name not in cluster.units.get(host, ()):
            raise ClusterError(f"{cluster.source} has no unit {name} on {host}")
    return gates.Roll(known, hosts, unit, options.accept, back)


def _planned(path: Path, key: str) -> dict[str, Any]:
    """What the plan of a roll says of one thing. Raises ClusterError."""
    try:
        return dict(json.loads(path.read_text())[key])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ClusterError(f"{path} does not say {PLANNED[key]}: {error!r}") from None


def say_blame(options: argparse.Namespace) -> int:
    """Print what the daemons of a host said of what changed there."""
    cluster = described(options)
    found = _planned(options.plan, "found").get(options.host, {})
    diffs = {path: diff for each in found.values() for path, diff in each["diffs"].items()}
    machine = cluster.machines.get(options.host)
    if machine is None:
        raise ClusterError(f"{cluster.source} has no machine {options.host}")
    _, journals = evidence.read(machine.journal(options.units))
    planned = [each["machines"].get(options.host, {}) for each in _planned(options.plan, "services").values()]
    reads = {unit: paths for each in planned for unit, paths in each.get("restart", {}).items()}
    keys = {unit: names for each in found.values() for unit, names in each.get("keys", {}).items()}
    for line in blame.sentences(journals, diffs, reads, keys):
        print(line)
    return 0


def survey(options: argparse.Namespace) -> int:
    """Print what a roll must know before it.

    By service the machines that lead and the domains of its workers, by gate what is not right.
    """
    cluster = described(options)
    print(
        json.dumps(
            {
                "leaders": leaders.leaders(cluster),
                "faults": gates.faults_of(cluster),
                "domains": domains.domains(cluster, options.batches),
            }
        )
    )
    return 0


def dynamic(options: argparse.Namespace) -> int:
    """Print what of the brokers' files they take without a restart, and which need none.

    On stdin {"properties": {host: {unit: {"wanted": {key: value}, "differs": [keys] or null}}}, "records":
    [{key: list in JSON}]}, as the machines say it.
    """
    section = _kafka(described(options))
    given = json.load(sys.stdin)
    places = {broker.id: broker.place for broker in section.brokers}
    brokers = {
        number: kafka_dynamic.Broker(here["wanted"], here["differs"])
        for number, (host, unit) in places.items()
        if (here := given["properties"].get(host, {}).get(unit))
    }
    try:
        decision = kafka_dynamic.plan(section, brokers, kafka_dynamic.merged(given["records"]))
    except (KafkaError, OSError, ValueError) as error:
        raise ClusterError(f"the brokers cannot be asked: {format_error(error)}") from None
    settled = [list(places[number]) for number in decision.settled]
    print(json.dumps(dataclasses.asdict(decision) | {"settled": settled}))
    return 0


def configure(options: argparse.Namespace) -> int:
    """Set and delete; the brokers' refusal is bad input."""
    section = _kafka(described(options))
    wanted: dict[str, str | None] = dict(each.split("=", 1) for each in options.set)
    wanted |= dict.fromkeys(options.delete)
    try:
        kafka_dynamic.configure(section, wanted, options.timeout)
    except (KafkaError, OSError, ValueError) as error:
        raise ClusterError(format_error(error)) from None
    return 0


def leaving(options: argparse.Namespace) -> int:
    """Print which brokers leave, and what stands against it. Bad input where the cluster does not say."""
    cluster = described(options)
    section = _kafka(cluster)
    try:
        state = kafka_quorum.fetch(section, options.timeout)
    except TimeoutError as error:
        raise ClusterError(f"the brokers cannot be asked: {error}") from None
    units = json.load(sys.stdin)
    begun = kafka_quorum.begun(cluster, section, units)
    print(json.dumps(kafka_quorum.leaving(state, section, units, begun)))
    return 0


def leave(options: argparse.Namespace) -> int:
    """Take a broker out of the quorum, or unregister one that was stopped."""
    cluster = described(options)
    section = _kafka(cluster)
    act = kafka_quorum.leave_quorum if options.what == "voter" else kafka_quorum.forget
    try:
        act(cluster, section, options.id, options.timeout)
    except TimeoutError as error:
        raise ClusterError(str(error)) from None
    return 0


def _kafka(cluster: Cluster) -> Kafka:
    if cluster.kafka is None:
        raise ClusterError(f"{cluster.source}: kafka is missing")
    return cluster.kafka


def _failed(cluster: Cluster, failures: list[tuple[str, str, list[str]]]) -> str:
    """What is shown of failures; all that is known of them is in evidence.log beside the description."""
    reports = Path(cluster.source).parent
    become = {name: machine.become for name, machine in cluster.machines.items()}
    lines = [line for each in failures for line in evidence.summary(*each, reports, become)]
    return "\n".join([*lines, evidence.write(reports / "evidence.log", failures)])


def checks_of(cluster: Cluster, quick: bool) -> list[checks.Check]:
    """The checks that this cluster can be put to."""
    found = []
    if (spark := cluster.spark) and (k := cluster.kafka) and not quick:
        if not api_version(k.version):
            if (h := cluster.hdfs) and (y := cluster.yarn):
                found.append(checks.Check("spark", lambda run: spark_check.check(run, spark, k, h), y.units))
        elif z := cluster.zookeeper:  # Spark's Kafka source wants brokers of 0.10
            found.append(checks.Check("spark", lambda run: streaming_check.check(run, spark, k, z), k.units))
    if zookeeper := cluster.zookeeper:
        found.append(
            checks.Check("zookeeper", lambda run: zookeeper_check.check(run, zookeeper), zookeeper.units)
        )
    if filesystem := cluster.hdfs:
        found.append(checks.Check("hdfs", lambda run: hdfs_check.check(run, filesystem), filesystem.units))
    if kafka := cluster.kafka:
        found.append(checks.Check("kafka", lambda run: kafka_check.check(run, kafka), kafka.units))
    return found


def run(options: argparse.Namespace) -> int:
    """Run the checks, remove what they made, report."""
    cluster = described(options)
    reports = Path(cluster.source).parent
    out, junit = options.out or reports / "smoke.json", options.junit or reports / "smoke.xml"
    now = processes.running(cluster)
    proof = processes.proof(_earlier(out), now)
    repeated = options.skip_verified and proof is not None
    quick = options.quick or repeated
    records = max(1, options.records // 10) if repeated else options.records
    wanted = checks_of(cluster, quick)
    if not wanted:
        raise ClusterError(f"{cluster.source}: no service to check")
    started, began = datetime.now(UTC), time.monotonic()
    console = Console()
    this = checks.Run(
        id=f"{started:%Y%m%d%H%M%S}-{secrets.token_hex(3)}",
        cluster=cluster,
        console=console,
        records=records,
        timeout=options.timeout,
    )
    names = [check.name for check in wanted]
    console.say(f"smoke run {this.id}: {', '.join(names)}; {records} records")
    absent = [name for name in ("zookeeper", "kafka", "hdfs", "spark") if name not in names]
    if proof and quick and not options.quick:
        console.say(f"spark left out: run {proof['run']} proved it with the very processes that run now")
    elif absent and not quick:
        console.say(f"not checked, for the cluster has not all it needs: {', '.join(absent)}")
    stopped = None
    try:
        signals.install_handlers()
        checks.run_all(wanted, this)
        signals.ignore()
    except signals.Signalled as signalled:
        stopped = signalled
        facts = f"stopped by {stopped.name} before its end"
        this.results.append(checks.Result("run", False, round(time.monotonic() - began, 1), facts, (facts,)))
    finally:
        signals.ignore()
        checks.clean_up(this)
    mode = "quick" if quick else "full"
    document = report.document(
        this.id, started.isoformat(timespec="seconds"), time.monotonic() - began, mode, this.results
    )
    document["processes"] = now
    if document["ok"] and not quick:
        proof = {key: document[key] for key in ("run", "started", "processes", "checks")}
    document["proof"] = proof if document["ok"] else None
    _write(out, json.dumps(document, indent=2) + "\n")
    _write(junit, report.junit(document))
    if not document["ok"]:
        failed = [check for check in document["checks"] if not check["ok"]]
        console.say(_failed(cluster, [(each["name"], each["facts"], each["evidence"]) for each in failed]))
    console.say(report.verdict(document))
    if stopped:
        return stopped.status
    return 0 if document["ok"] else 1


def write_receipt(options: argparse.Namespace) -> int:
    """Gather what the phases before left, ask for the states, write and print."""
    cluster = described(options)
    reports = Path(cluster.source).parent
    out = options.out_dir or reports
    states = hdfs.states(cluster.hdfs.namenodes) if cluster.hdfs else {}
    states |= yarn.states(cluster.yarn) if cluster.yarn else {}
    smoke = _read(options.smoke or reports / "smoke.json")
    phases = _read(options.phases or reports / "phases.json")
    artifacts = _read(options.artifacts or reports / "artifacts.json")
    if smoke:
        smoke["current"] = processes.same(smoke.get("processes"), processes.running(cluster))
    if not phases or cluster.inventory not in phases.get("inventories", ()):
        # Of a deployment from another inventory, which came after: this one's are in the receipt of before.
        phases = (_earlier(out / "receipt.json") or {}).get("phases")
    stands = dataclasses.replace(cluster, versions=versions.installed(cluster))
    accepted = (_earlier(reports / "plan.json") or {}).get("accepted", "")
    document = receipt.document(stands, states, smoke, phases, artifacts, accepted=accepted)
    _write(out / "receipt.json", json.dumps(document, indent=2) + "\n")
    _write(out / "receipt.md", receipt.markdown(document))
    print(receipt.text(document), end="", flush=True)
    return 0


def _read(path: Path) -> dict[str, Any] | None:
    """The document at `path`; None when there is none. Raises ClusterError when it is no JSON object."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ClusterError(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise ClusterError(f"{path}: a {type(document).__name__}, expected an object")
    return document


def _earlier(path: Path) -> dict[str, Any] | None:
    """What an earlier run left there; one that cannot be read proves nothing."""
    with contextlib.suppress(ClusterError):
        return _read(path)
    return None


def _write(path: Path, text: str) -> None:
    """All of it or nothing: who is cut off here leaves the file of before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    new.replace(path)


if __name__ == "__main__":
    code = main()
    with contextlib.suppress(OSError):  # nobody reads it any more
        sys.stdout.flush()
    os._exit(code)  # a client left in a dead service has exit hooks that wait for it
