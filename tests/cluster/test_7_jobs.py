"""Jobs go on while YARN is rolled: containers outlive their NodeManager."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smoke.wait import wait_until
from smoke.web import WebError, get_json
from tests.live import CLUSTER, Site

OVER = "/run/millrace-test-is-over"
"""A file that tasks look for: the last of them wait for it, so no roll is too slow for a job."""
TASKS = 240
SPARK = f"""
cat > job.py <<'EOF'
import os, time
from pyspark.sql import SparkSession
context = SparkSession.builder.appName("oracle").getOrCreate().sparkContext
def slow(number):
    for second in range(1 if number < {TASKS - 6} else 600):
        if os.path.exists("{OVER}"):
            break
        time.sleep(1)
    return number
print("the sum is", context.parallelize(range({TASKS}), {TASKS}).map(slow).sum())
EOF
spark-submit --conf spark.task.maxFailures=1 job.py
"""
MAPS = 30
MAPREDUCE = f"""
seq 0 {MAPS - 1} > numbers.txt
cat > map.sh <<'EOF'
read -r offset number
((number < {MAPS - 4})) && seconds=3 || seconds=600
for ((second = 0; second < seconds; second++)); do [[ -e {OVER} ]] && break; sleep 1; done
echo "all $number"
EOF
cat > sum.sh <<'EOF'
while read -r all number; do ((sum += number)); done
echo "the sum is $sum"
EOF
hdfs dfs -rm -r -f -skipTrash numbers.txt sum && hdfs dfs -put numbers.txt &&
  mapred streaming -D mapreduce.am.max-attempts=1 -files map.sh,sum.sh \
  -inputformat org.apache.hadoop.mapred.lib.NLineInputFormat -input numbers.txt -output sum \
  -mapper 'bash map.sh' -reducer 'bash sum.sh' &&
  hdfs dfs -cat 'sum/*'
"""
"""Many short maps, each in a container of its own, some of which end while their NodeManager is away.

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


@pytest.fixture
def over(site: Site) -> Iterator[Callable[[], None]]:
    """To tell every task that the test is over."""
    assert CLUSTER.yarn
    hosts = [site.host(machine) for machine in CLUSTER.yarn.nodemanagers]

    def everywhere(command: str) -> None:
        for host in hosts:
            host.check_output(f"{command} {OVER}")

    everywhere("rm -f")
    yield lambda: everywhere("touch")
    everywhere("rm -f")


@pytest.mark.parametrize(
    ("job", "total", "words", "lives"),
    [
        (SPARK, sum(range(TASKS)), lambda change: change, True),
        (MAPREDUCE, sum(range(MAPS)), lambda _: [], False),
    ],
    ids=["spark", "mapreduce"],
)
def test_a_job_goes_on_while_yarn_is_rolled(
    site: Site,
    change: list[str],
    over: Callable[[], None],
    job: str,
    total: int,
    words: Callable[[list[str]], list[str]],
    lives: bool,
) -> None:
    assert CLUSTER.spark
    assert CLUSTER.yarn
    machine = CLUSTER.machines[CLUSTER.spark.submit_host]
    script = f"cd $(mktemp -d) && timeout 900 bash -c {shlex.quote(job)}; code=$?; rm -r $PWD; exit $code"
    command = [*machine.ssh, *machine.become, "bash", "-l"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdin
        process.stdin.write(script + "\n")
        process.stdin.close()
        process.stdin = None
        (application,) = wait_until(busy, 90, "no job has three containers")
        before = containers(site)
        assert before, "no container was seen"
        restarted = roll(site, *words(change))
        nodes = {(host, "yarn-nodemanager") for host in CLUSTER.yarn.nodemanagers}
        managers = {(manager.host, "yarn-resourcemanager") for manager in CLUSTER.yarn.resourcemanagers}
        assert nodes | managers <= restarted
        assert application in running()
        if lives:
            assert before <= containers(site)
        over()
        said = process.communicate(timeout=300)[0]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, said[-6000:]
    assert f"the sum is {total}" in said, said[-6000:]
