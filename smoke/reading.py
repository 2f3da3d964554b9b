"""One look at a whole cluster, in a few seconds whoever is silent: services by protocol, machines by SSH."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import re
import shlex
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from smoke.cluster import CHECKOUT
from smoke.gates import Part, parts_of
from smoke.services import Daemon, Fault, format_error
from smoke.wait import spawn

if TYPE_CHECKING:
    from smoke.cluster import Cluster
    from smoke.machine import Machine

T = TypeVar("T")
LIMIT = 8.0
"""Seconds for all questions together: who is silent is shown as that."""
SESSION = 7.0
"""Seconds after which a session is ended: none is to outlive the reading."""
CONNECT = ("-o", "ConnectTimeout=3")
"""A machine that is gone is known by that sooner than one that is slow."""
JOB = Path(__file__).parent / "jobs" / "units.py"
MODULES = ("host_paths", "host_units")
"""What the machine's side takes from roles/common: the state of a unit is what it is for the plan."""
LOADER = """
import sys, types
for name, source in {sources!r}:
    module = sys.modules[name] = types.ModuleType(name)
    exec(source, vars(module))
"""

PRODUCTS = {"hdfs": "hadoop", "yarn": "hadoop", "mapred": "hadoop"}
"""What a daemon runs from, where the first word of its unit is not its name."""

Facts = dict[str, Any]
"""Of a unit, as jobs/units.py prints them."""


@dataclass(frozen=True)
class Service:
    """What a service says of itself: the same faults as its gate has."""

    name: str
    right: bool
    sentence: str
    faults: tuple[Fault, ...] = ()
    states: Mapping[Daemon, str] = field(default_factory=dict)
    """What each daemon is that answers as it should."""
    subjects: Mapping[Daemon, str] = field(default_factory=dict)
    """What a daemon is called in faults."""


@dataclass(frozen=True)
class Reading:
    """What was found, and when."""

    services: tuple[Service, ...]
    machines: Mapping[str, dict[str, Facts] | str]
    """Machine -> what is known of its units, or why nothing is."""
    time: float = 0.0
    """Of its end, in seconds since the epoch."""
    seconds: float = 0.0
    """What it took."""
    described: float = 0.0
    """When the cluster was, in seconds since the epoch."""
    changed: bool = False
    """Whether the inventory was, since the last plan."""


def product(unit: str) -> str:
    """The product that the daemon of a unit is of.

    >>> product("hdfs-namenode"), product("kafka@1")
    ('hadoop', 'kafka')
    """
    word = re.split("[-@]", unit)[0]
    return PRODUCTS.get(word, word)


def changed_since(cluster: Cluster) -> bool:
    """Whether a file of the inventory is younger than the last plan of the cluster."""
    plan, newest = Path(cluster.source).parent / "plan.json", 0.0
    if not cluster.inventory or not plan.exists():
        return False
    # It may lie in a directory with much else.
    for pattern in ("hosts*", "*_vars/**/*"):
        for path in Path(cluster.inventory).glob(pattern):
            with contextlib.suppress(OSError):
                newest = max(newest, path.stat().st_mtime)
    return newest > plan.stat().st_mtime


def read(cluster: Cluster, limit: float = LIMIT) -> Reading:
    """Ask all services and all machines at the same time, and wait no longer than the limit."""
    began = time.monotonic()
    services = [(part, spawn(partial(_service, part))) for part in parts_of(cluster)]
    machines = {name: spawn(partial(_machine, each)) for name, each in cluster.machines.items()}

    def result(asked: Future[T], otherwise: Callable[[str], T]) -> T:
        try:
            return asked.result(max(0.0, began + limit - time.monotonic()))
        except TimeoutError:
            return otherwise(f"no answer within {limit:g} s")
        except Exception as error:  # noqa: BLE001 (whatever it is, the others are shown)
            return otherwise(format_error(error))

    found = tuple(result(asked, partial(_silent, part)) for part, asked in services)
    units = {name: result(asked, str) for name, asked in machines.items()}
    return Reading(
        found,
        units,
        time=time.time(),
        seconds=time.monotonic() - began,
        described=Path(cluster.source).stat().st_mtime,
        changed=changed_since(cluster),
    )


def _service(part: Part) -> Service:
    state = part.fetch()
    right, sentence = part.judge(state)
    faults, states = tuple(part.faults(state)), part.states(state)
    return Service(part.name, right, sentence, faults, states, part.subjects)


def _silent(part: Part, why: str) -> Service:
    return Service(part.name, False, why, (Fault(part.name, why),), {}, part.subjects)


def _machine(machine: Machine) -> dict[str, Facts] | str:
    """What the machine knows of its units, in one session."""
    if not machine.units:
        return {}
    ssh, *others = machine.ssh
    session = dataclasses.replace(machine, ssh=(ssh, *CONNECT, *others))
    try:
        return dict(json.loads(session.run(script(machine.units), timeout=SESSION)))
    except OSError as error:
        # Of a traceback the last line is the error.
        return str(error).strip().splitlines()[-1].removeprefix(f"{machine.name}: ")
    except ValueError:
        return "its answer is no JSON"


def script(units: tuple[str, ...]) -> str:
    """What a machine's sh runs: the job and the modules that it needs, as one program."""
    words = [f"{unit}={product(unit)}" for unit in units]
    places = [CHECKOUT / "roles/common/module_utils" / f"{name}.py" for name in MODULES]
    names = [f"ansible.module_utils.{name}" for name in MODULES]
    sources = [
        (name, place.read_text(encoding="utf-8"))
        for name, place in zip([*names, "__main__"], [*places, JOB], strict=True)
    ]
    # Packed it is short enough for a command line, whatever has to be quoted on the way.
    packed = base64.b64encode(zlib.compress(LOADER.format(sources=sources).encode())).decode()
    program = f"import base64, zlib; exec(zlib.decompress(base64.b64decode('{packed}')))"
    return shlex.join(["exec", "/usr/bin/python3", "-I", "-c", program, *words])
