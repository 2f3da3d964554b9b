"""Jobs go on while YARN is rolled: containers outlive their NodeManager."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smoke.wait import wait_until
from smoke.web import WebError, get_json
from tests.live import CLUSTER, Site

TASKS = 240
JOB = f"""
import time
from pyspark.sql import SparkSession
context = SparkSession.builder.appName("oracle").getOrCreate().sparkContext
def slow(number):
    time.sleep(1)
    return number
print("the sum is", context.parallelize(range({TASKS}), {TASKS}).map(slow).sum())
"""
SPARK = f"cat > /root/job.py <<'EOF'\n{JOB}\nEOF\nspark-submit --conf spark.task.maxFailures=1 /root/job.py"
EXAMPLES = "/opt/hadoop/share/hadoop/mapreduce/hadoop-mapreduce-examples-*.jar"
MAPREDUCE = f"yarn jar {EXAMPLES} pi -Dmapreduce.am.max-attempts=1 48 1000"
"""Each of many short maps in a container of its own, some of which end while their NodeManager is away.

The master must live. Maps have Hadoop's four attempts: it gives up a container that is being launched in the
moment in which its NodeManager stops, and one that is not launched yet when its ResourceManager goes.
"""


def ask(path: str) -> Any:
    """What the active ResourceManager answers."""
    assert CLUSTER.yarn
    for manager in CLUSTER.yarn.resourcemanagers:
        try:
            info = get_json(manager.host, manager.http_port, "/ws/v1/cluster/info")["clusterInfo"]
            if info["haState"] == "ACTIVE":
                return get_json(manager.host, manager.http_port, f"/ws/v1/cluster/{path}")
        except WebError:
            continue
    return {}


def running() -> dict[str, int]:
    """Applications that run, with the number of their containers."""
    apps = (ask("apps?states=RUNNING").get("apps") or {}).get("app", [])
    return {app["id"]: app["runningContainers"] for app in apps}


def busy() -> list[str]:
    """Applications with three containers at least."""
    return [name for name, count in running().items() if count >= 3]


def containers(site: Site) -> set[tuple[str, str]]:
    """Machine and process of each container that runs, by the script that NodeManagers start them with."""
    assert CLUSTER.yarn
    return {
        (machine, pid)
        for machine in CLUSTER.yarn.nodemanagers
        for pid in site.host(machine)
        .run("pgrep -u yarn -f 'bash .*default_container_executor.sh'")
        .stdout.split()
    }


def last_seen(application: str, stop: threading.Event) -> float:
    """When it was last seen to run, by the clock that the machines share with this host."""
    seen = 0.0
    while not stop.wait(0.5):
        if application in running():
            seen = time.monotonic()
    return seen


def roll(site: Site, *words: str) -> set[tuple[str, str]]:
    """Bring YARN to another state; the units that were restarted."""
    before = site.units()
    run = site.run(*words, playbook="playbooks/yarn.yml")
    assert run.rc == 0, run.output
    return site.restarted_since(before)


@pytest.fixture(scope="module")
def change(site: Site) -> Any:
    """What to give for a roll of all NodeManagers and ResourceManagers; in the end it is taken back."""
    yield ["-e", "yarn_nodemanager_heap=132m", "-e", "yarn_resourcemanager_heap=164m"]
    roll(site)


@pytest.mark.parametrize(
    ("job", "shows", "words", "lives"),
    [
        (SPARK, f"the sum is {sum(range(TASKS))}", lambda change: change, True),
        (MAPREDUCE, "Estimated value of Pi is 3.14", lambda _: [], False),
    ],
    ids=["spark", "mapreduce"],
)
def test_a_job_goes_on_while_yarn_is_rolled(
    site: Site, change: list[str], job: str, shows: str, words: Callable[[list[str]], list[str]], lives: bool
) -> None:
    assert CLUSTER.spark
    assert CLUSTER.yarn
    machine = CLUSTER.machines[CLUSTER.spark.submit_host]
    command = [*machine.ssh, *machine.become, "bash", "-lc", "'cd && timeout 300 bash -s'"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdin
        process.stdin.write(job + "\n")
        process.stdin.close()
        process.stdin = None
        (application,) = wait_until(busy, 90, "no job has three containers")
        before = containers(site)
        stop = threading.Event()
        with ThreadPoolExecutor(max_workers=1) as pool:
            seen = pool.submit(last_seen, application, stop)
            try:
                restarted = roll(site, *words(change))
            finally:
                stop.set()
        nodes = {(host, "yarn-nodemanager") for host in CLUSTER.yarn.nodemanagers}
        managers = {(manager.host, "yarn-resourcemanager") for manager in CLUSTER.yarn.resourcemanagers}
        assert nodes | managers <= restarted
        now = site.units()
        # Else it was over too early, and nothing is shown.
        assert any(now[node].up_since / 1e6 < seen.result() for node in nodes)
        if lives and application in running():
            assert before, "no container was seen"
            assert before <= containers(site)
        said = process.communicate(timeout=300)[0]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, said[-6000:]
    assert shows in said, said[-6000:]
