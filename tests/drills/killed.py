"""Runs that are killed, and machines that lose power, at any task: the next run leaves what one alone does.

What a killed run had begun on machines goes on, and so do Ansible's processes that wait for it, each in a
session of its own: the next run meets them.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

import yaml

from tests.drills.points import changing, kill, reach, runs, spread, tasks, told
from tests.drills.state import State, alike
from tests.drills.steps import ZOOKEEPER, Drill, Lab, Patient, cut_the_power, nothing
from tests.listing import differences
from tests.live import CLUSTER, INVENTORY, Run
from tests.oracle import Directories, Records, Session

DEPLOYMENTS, GROWTHS = 20, 15
"""How many of them are killed."""
ROLLS = {"zookeeper": 3, "hdfs": 5, "kafka": 4, "yarn": 3}
"""Of each service, how many rolls are killed."""
DARK_DEPLOYMENTS, DARK_ROLLS = 5, {"zookeeper": 1, "hdfs": 2, "kafka": 2}
"""Likewise, how often the machines lose their power."""
AT_ONCE = 5
"""So often a deployment is killed before it may come to its end: each time where it is further."""
MOMENTS = 3
"""Seconds after a task began, at most, when a run is killed."""

Process = subprocess.Popen[str]
Deed = Callable[[Lab, Process], None]


@dataclass(frozen=True)
class Whole:
    """A run that nobody ended: its tasks in their order, and what it left."""

    tasks: list[str]
    state: State


def die(_: Lab, process: Process) -> None:
    """The run is killed."""
    kill(process)


def cut(lab: Lab, process: Process) -> None:
    """All machines are off at once; the run finds out by itself, and must end."""
    cut_the_power(lab)
    try:
        process.communicate(timeout=900)
    except subprocess.TimeoutExpired:
        kill(process)
        raise AssertionError("the run did not end within 900 s without any machine") from None


def well(lab: Lab, *words: str, playbook: str = "site.yml") -> Run:
    """A run that ends well."""
    done = lab.deploy(*words, playbook=playbook)
    assert done.rc == 0, done.output[-3000:]
    return done


def whole(lab: Lab, *words: str, playbook: str = "site.yml") -> Whole:
    """Let a run come to its end."""
    done = well(lab, *words, playbook=playbook)
    return Whole(list(tasks(done.output.splitlines())), lab.state())


def interrupted(
    lab: Lab, run: Whole, point: str, *words: str, playbook: str = "site.yml", deed: Deed = die
) -> list[str]:
    """A run comes to a task, and it happens; where. Nothing where it had come to its end before."""
    after = round(lab.chance.uniform(0, MOMENTS), 1)
    said: list[str] = []
    with lab.begin(*words, playbook=playbook) as process:
        assert process.stdout
        task = reach(_kept(process.stdout, said), run.tasks, point)
        if task and runs(process, after):
            where = f"{told(task)} + {after} s"
            print(f"  {where}", flush=True)
            deed(lab, process)
            return [where]
        said += process.stdout
    assert process.returncode == 0, "".join(said)[-3000:]
    return []


def _kept(lines: Iterable[str], said: list[str]) -> Iterator[str]:
    for line in lines:
        said.append(line)
        yield line


def settled(
    lab: Lab,
    wanted: State,
    *words: str,
    playbook: str = "site.yml",
    as_seen: Callable[[State], State] = State,
) -> None:
    """A run has nothing to do, and all is as a run leaves it that nobody ended."""
    done = well(lab, *words, playbook=playbook)
    assert f"nothing to do on {len(CLUSTER.machines)} machines" in done.output, done.output[-3000:]
    differ = differences(as_seen(wanted), as_seen(lab.state()))
    assert not differ, f"{len(differ)} differ: {'; '.join(differ[:30])}"


def blank(lab: Lab) -> None:
    """The lab's machines are made anew."""
    for playbook in ("playbooks/lab_down.yml", "playbooks/lab_up.yml"):
        well(lab, playbook=playbook)


def deployments(count: int, deed: Deed = die) -> Callable[[Lab], str]:
    """Deployments of blank machines are interrupted again and again, each time further, and completed."""

    def inject(lab: Lab) -> str:
        blank(lab)
        run = whole(lab)
        points, seen = spread(lab.chance, changing(run.tasks), count), []
        lives = -(-count // AT_ONCE)
        for life in range(lives):
            blank(lab)
            for point in points[life::lives]:
                seen += interrupted(lab, run, point, deed=deed)
            well(lab)
            settled(lab, run.state, as_seen=alike)
        return _told(seen)

    return inject


def rolls(
    services: Mapping[str, int], deed: Deed = die, playbook: str = "playbooks/{service}.yml"
) -> Callable[[Lab], str]:
    """The heaps of a service's daemons grow and shrink again; each roll is interrupted, and completed."""

    def inject(lab: Lab) -> str:
        seen: list[str] = []
        for service, count in services.items():
            play, words = playbook.format(service=service), ("-e", heaps(service))
            before = lab.state()
            run = whole(lab, *words, playbook=play)
            ways = cycle([((), before), (words, run.state)])
            for point, (given, wanted) in zip(
                spread(lab.chance, changing(run.tasks), count), ways, strict=False
            ):
                seen += interrupted(lab, run, point, *given, playbook=play, deed=deed)
                well(lab, *given, playbook=play)
                settled(lab, wanted, *given, playbook=play)
            # The next service's begins with what the inventory says.
            lab.mended()
        return _told(seen)

    return inject


def heaps(service: str) -> str:
    """What ansible-playbook is given with -e: all heaps, a megabyte larger than the inventory's."""
    given = yaml.safe_load(Path(INVENTORY, "group_vars/cluster.yml").read_text(encoding="utf-8"))
    return json.dumps(
        {
            name: f"{int(value.removesuffix('m')) + 1}m"
            for name, value in given.items()
            if name.startswith(f"{service}_") and name.endswith("_heap")
        }
    )


def growths(lab: Lab) -> str:
    """Servers of ZooKeeper go and come, from three to one and back; each resize is killed, and completed."""
    first, *others = sorted(CLUSTER.machines)
    play = "playbooks/zookeeper.yml"
    sizes = [("-e", json.dumps({"zookeeper_hosts": hosts})) for hosts in ([first], [first, *others])]
    runs_of = []
    for words in sizes:
        forget_who_left(lab)
        runs_of.append(whole(lab, *words, playbook=play))
    points = [iter(spread(lab.chance, changing(run.tasks), -(-GROWTHS // 2))) for run in runs_of]
    seen, by_hand = [], 0
    for number in range(GROWTHS):
        words, run = sizes[number % 2], runs_of[number % 2]
        forget_who_left(lab)
        seen += interrupted(lab, run, next(points[number % 2]), *words, playbook=play)
        done = lab.deploy(*words, playbook=play)
        if done.rc and words == sizes[0]:
            # Nothing is served any more: what docs/architecture.md says of a run that was cut off then.
            by_hand += 1
            for machine in others:
                lab.on(machine, "systemctl start zookeeper")
            done = lab.deploy(*words, playbook=play)
        assert done.rc == 0, done.output[-3000:]
        settled(lab, run.state, *words, playbook=play)
    return f"{_told(seen)}; nothing was served then, and who had left was started by hand: {by_hand} times"


def forget_who_left(lab: Lab) -> None:
    """Servers that are down have data of before, with which they would be refused."""
    for machine in sorted(CLUSTER.machines):
        lab.on(machine, f"systemctl is-active -q zookeeper || rm -rf {ZOOKEEPER}")


def grown_again(lab: Lab) -> None:
    """All servers of the inventory serve."""
    forget_who_left(lab)
    lab.mended()


def works(lab: Lab) -> None:
    """Records, files and jobs go in and come out."""
    lab.check()
    assert lab.site.smoke("--records", "500")["ok"]


def _told(seen: list[str]) -> str:
    return f"{len(seen)} times, at {', '.join(seen)}"


ANEW = "the machines are made anew: what clients hold goes with them"
DRILLS = {
    drill.name: drill
    for drill in (
        Drill(
            "killed-deployments",
            "deployments are killed at any task, and completed by the next run",
            0,
            deployments(DEPLOYMENTS),
            works,
            unheard=ANEW,
        ),
        Drill(
            "killed-rolls",
            "rolls of all services are killed at any task, and completed by the next run",
            0,
            rolls(ROLLS),
            nothing,
        ),
        Drill(
            "killed-growths",
            "servers of ZooKeeper go and come; runs are killed at any task, and completed by the next run",
            0,
            growths,
            grown_again,
            (Records, partial(Session, patient=True), Directories),
        ),
        Drill(
            "power-deployments",
            "all machines are killed at any task of a deployment, and one run heals it",
            0,
            deployments(DARK_DEPLOYMENTS, cut),
            works,
            unheard=ANEW,
        ),
        Drill(
            "power-rolls",
            "all machines are killed at any task of a roll, and one run heals it",
            0,
            rolls(DARK_ROLLS, cut, "site.yml"),
            nothing,
            (Patient, partial(Session, patient=True), Directories),
        ),
    )
}
