"""YARN: the ResourceManagers by their REST API, and the MapReduce history server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from smoke.services import ASKED_AT_ONCE, Daemon, Fault, outside, plural, the_only, verdict
from smoke.web import WebError, get_json

if TYPE_CHECKING:
    from smoke.cluster import Peer, WebServer, Yarn
    from smoke.services import Verdict

Manager = dict[str, Any]
"""haState, and of the active one activeNodes and unhealthyNodes."""
State = dict[str, Manager | str]
"""Id -> its facts, or why there are none."""


def fetch(section: Yarn) -> State:
    """Ask each ResourceManager for its role, and the active one for its nodes."""
    names = [manager.id for manager in section.resourcemanagers]
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as pool:
        return dict(zip(names, pool.map(_manager, section.resourcemanagers), strict=True))


def _manager(manager: Peer) -> Manager | str:
    try:
        info = get_json(manager.host, manager.http_port, "/ws/v1/cluster/info")["clusterInfo"]
        facts = {"haState": info["haState"]}
        if facts["haState"] == "ACTIVE":
            # Not /jmx, whose numbers are up to 10 s old; a standby would redirect to the active.
            metrics = get_json(manager.host, manager.http_port, "/ws/v1/cluster/metrics")["clusterMetrics"]
            facts |= {key: metrics[key] for key in ("activeNodes", "unhealthyNodes")}
    except WebError as error:
        return str(error)
    except (KeyError, TypeError):
        return f"{manager.host}:{manager.http_port} answers without the facts"
    return facts


def fetch_nodes(section: Yarn) -> dict[str, str]:
    """host:port of each NodeManager -> nothing when it is healthy, else what it says or why it does not.

    A ResourceManager counts one that was restarted as active, for as long as it awaits its next heartbeat.
    """
    nodes = {f"{host}:{section.nodemanager_http_port}": host for host in section.nodemanagers}
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as pool:
        healths = pool.map(lambda host: _node(host, section.nodemanager_http_port), nodes.values())
        return dict(zip(nodes, healths, strict=True))


def _node(host: str, port: int) -> str:
    try:
        info = get_json(host, port, "/ws/v1/node/info")["nodeInfo"]
    except WebError as error:
        return str(error)
    except (KeyError, TypeError):
        return f"{host}:{port} answers without nodeInfo"
    return "" if info.get("nodeHealthy") else f"{host}:{port}: not healthy: {info.get('healthReport')}"


def faults(state: State, nodes: Mapping[str, str]) -> list[Fault]:
    """What is not right: one active ResourceManager, all others standby, these NodeManagers, healthy."""
    found = [Fault(name, facts) for name, facts in state.items() if isinstance(facts, str)]
    found += [Fault(place, why) for place, why in nodes.items() if why]
    managers = {name: facts for name, facts in state.items() if isinstance(facts, dict)}
    roles = sorted(str(facts.get("haState")) for facts in managers.values())
    if roles != ["ACTIVE"] + ["STANDBY"] * (len(managers) - 1):
        seen = ", ".join(f"{name} {facts.get('haState')}" for name, facts in managers.items())
        return [*found, Fault("active", "ResourceManagers: " + (seen or "none"))]
    active = _active(managers)
    facts, expected = managers[active], len(nodes)
    lacking = outside(facts.get("activeNodes") or 0, expected, sum(map(bool, nodes.values())))
    if lacking or "activeNodes" not in facts:
        unhealthy = f", {facts['unhealthyNodes']} unhealthy" if facts.get("unhealthyNodes") else ""
        sentence = f"{active}: {facts.get('activeNodes')} active NodeManagers{unhealthy}, expected {expected}"
        found.append(Fault("NodeManagers", sentence, lacking or 1))
    return found


def subjects(section: Yarn) -> dict[Daemon, str]:
    """What a daemon is called in faults."""
    nodes = {
        (host, section.nodemanager_unit or ""): f"{host}:{section.nodemanager_http_port}"
        for host in section.nodemanagers
    }
    return nodes | {(manager.host, manager.unit): manager.id for manager in section.resourcemanagers}


def daemon_states(state: State, nodes: Mapping[str, str], section: Yarn) -> dict[Daemon, str]:
    """What each daemon is that answers as it should: active, standby; healthy."""
    said = {name: facts["haState"].lower() for name, facts in state.items() if isinstance(facts, dict)}
    said |= {place: "healthy" for place, why in nodes.items() if not why}
    return {daemon: said[name] for daemon, name in subjects(section).items() if name in said}


def judge(state: State, nodes: Mapping[str, str]) -> Verdict:
    """One active ResourceManager, all others standby, exactly the NodeManagers expected, each healthy."""
    standby = [f"{len(state) - 1} standby"] if len(state) > 1 else []
    said = ", ".join([f"{_active(state)} active", *standby, plural(len(nodes), "NodeManager")])
    return verdict(faults(state, nodes), said)


def against_restart(state: State, nodes: Mapping[str, str], manager: str) -> list[Fault]:
    """Why a ResourceManager must not be restarted now: no other is there to take its place.

    manager: its id. A single one is restarted when YARN is right.
    """
    if len(state) == 1:
        return faults(state, nodes)
    others = [facts for name, facts in state.items() if name != manager and isinstance(facts, dict)]
    if any(facts.get("haState") in ("ACTIVE", "STANDBY") for facts in others):
        return []
    return [Fault(manager, f"no other ResourceManager is there to take the place of {manager}")]


def fetch_containers(section: Yarn, host: str) -> list[str]:
    """Ids of the containers that a NodeManager runs. Raises WebError."""
    answer = get_json(host, section.nodemanager_http_port, "/ws/v1/node/containers")
    found = (answer.get("containers") or {}).get("container") or []
    return [each["id"] for each in found if each.get("state") not in ("COMPLETE", "DONE", "EXITED")]


def against_removal(section: Yarn, host: str, unit: str, containers: Sequence[str]) -> list[Fault]:
    """Why a daemon of a host must not be removed, beside what stands against its restart.

    containers: those that its NodeManager runs
    """
    if unit == section.nodemanager_unit:
        return the_only(host, len(section.nodemanagers), "NodeManager") + [
            Fault(each, f"the NodeManager on {host} runs {each}") for each in containers
        ]
    if unit in {manager.unit for manager in section.resourcemanagers}:
        return the_only(host, len(section.resourcemanagers), "ResourceManager")
    return []


def _active(state: Mapping[str, Manager | str]) -> str:
    """The id of the active one; empty while none is."""
    managers = ((name, facts) for name, facts in state.items() if isinstance(facts, dict))
    return next((name for name, facts in managers if facts.get("haState") == "ACTIVE"), "")


def fetch_history(server: WebServer) -> dict[str, Any] | str:
    """The server's answer, or why there is none."""
    try:
        answer = get_json(server.host, server.http_port, "/ws/v1/history/info")
    except WebError as error:
        return str(error)
    return answer if isinstance(answer, dict) else {}


def judge_history(state: dict[str, Any] | str) -> Verdict:
    """Ask the history server for its version."""
    if isinstance(state, str):
        return False, state
    version = (state.get("historyInfo") or {}).get("hadoopVersion")
    return (True, f"answers, Hadoop {version}") if version else (False, "answers without historyInfo")


def states(section: Yarn) -> dict[str, str]:
    """Id of each ResourceManager -> active or standby; those that do not say are left out."""
    return {
        name: facts["haState"].lower() for name, facts in fetch(section).items() if isinstance(facts, dict)
    }
