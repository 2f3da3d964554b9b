"""Each exercise is planted, found wrong, half solved, solved and found right, by a student's commands."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from course.exercises.catalogue import EXERCISES
from course.exercises.workspace import Workspace
from smoke.wait import wait_until
from tests.live import CHECKOUT, CLUSTER, Site

DESK = Workspace(CLUSTER)
SOLUTIONS = Path(__file__).parent / "solutions"
SOLVED_ON = {5: DESK.hdfs.datanodes}
"""The master where nothing is said."""
WRONG = {
    1: ["Partition 0 has 1 replica (on broker ", "Partition 1 has 1 replica", "Partition 2 has 1 replica"],
    2: [
        "The unit kafka@0 is inactive",
        "Broker 0 is not registered",
        "no broker that runs leads partition 0, 1, 2",
    ],
    3: ["There is no file /root/audit.txt", "The offset of the group audit in ZooKeeper is 40"],
    4: ["Every word is counted twice: "],
    5: ["hadoop-slave1 has no space left", "hadoop-slave2 has no space left"],
    6: ["Safe mode is ON. The reported blocks "],
}
"""What the checker names of the fault."""
LIMIT = 60.0
"""Seconds until the checker must see what was done: a daemon that was restarted takes its time."""
KAFKA = "kafka-console-consumer.sh --zookeeper localhost:2181 --topic exercise-3 --max-messages 10"
HALF = {
    2: (
        "sed -i s/^broker.id=.*/broker.id=7/ /etc/kafka/server-0.properties; systemctl restart kafka@0",
        [
            "Broker 0 is not registered in ZooKeeper (registered: 7)",
            "no broker that runs leads partition 0, 1, 2",
        ],
    ),
    3: (
        f"{KAFKA} --consumer.config /root/exercise-3/audit.properties > /root/audit.txt",
        ["40 of 50 messages are not in /root/audit.txt: 0, 1, 2"],
    ),
    4: (
        "cd /root/exercise-4; sed -i.right s/counts.print/counts.prin/ WordCount.java",
        ["The program does not do its work", "WordCount.java:43: error: cannot find symbol"],
    ),
    5: (
        (SOLUTIONS / "5.sh").read_text(encoding="utf-8"),
        ["The DataNode on hadoop-slave2 has no space left"],
    ),
    6: (
        "HADOOP_USER_NAME=hdfs hdfs dfsadmin -safemode leave",
        ["4 blocks are missing (/exercise-6/lost): after a restart the NameNode would wait for them"],
    ),
}
"""What does not solve it, and what the checker still names."""
HALF_ON = {5: "hadoop-slave1"}
AFTER_HALF = {4: "mv /root/exercise-4/WordCount.java.right /root/exercise-4/WordCount.java"}


def course(*words: str) -> subprocess.CompletedProcess[str]:
    """A command of the course, as make gives it."""
    return subprocess.run(
        [sys.executable, "-m", "course", *words, "--cluster", CLUSTER.source],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def solve(number: int) -> None:
    script = (SOLUTIONS / f"{number}.sh").read_text(encoding="utf-8")
    for host in SOLVED_ON.get(number, [DESK.broker.host]):
        CLUSTER.machines[host].run(shlex.join(["bash", "-lc", script]), timeout=90)


@contextmanager
def planted(number: int) -> Iterator[None]:
    """The exercise on the cluster; afterwards the cluster as it was, whatever happened."""
    EXERCISES[number].clear(DESK)  # what a run that was cut off left
    done = course("exercise", str(number))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{number}. ")
    try:
        yield
    except BaseException:
        # Before it is mended: afterwards all services are right again.
        print(*CLUSTER.journals(CLUSTER.units), sep="\n")
        solve(number)
        raise
    finally:
        EXERCISES[number].clear(DESK)


def expect(number: int, sentences: list[str]) -> None:
    """The checker names these, and gives its hint."""
    await_check(number, 1, [*sentences, "Hint: "], "--hint")


def await_check(number: int, status: int, told: list[str], *words: str) -> None:
    """Ask the checker again until it ends so and tells all that."""
    said = ""

    def seen() -> bool:
        nonlocal said
        done = course("check", str(number), *words, "--patience", "1")
        said = f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.returncode == status and all(text in done.stdout for text in told)

    wait_until(seen, LIMIT, lambda: f"the checker does not tell {told}, but: {said}")


def expect_untouched(number: int) -> None:
    """Planted again, it stays as it is."""
    again = course("exercise", str(number))
    assert again.stdout.startswith(f"Exercise {number} is planted already"), again.stdout + again.stderr


def expect_solved(number: int) -> None:
    await_check(number, 0, [f"Exercise {number} is solved.\n"])


def go_through(number: int) -> None:
    with planted(number):
        expect_untouched(number)
        expect(number, WRONG[number])
        if number in HALF:
            script, sentences = HALF[number]
            CLUSTER.machines[HALF_ON.get(number, DESK.broker.host)].run(
                shlex.join(["bash", "-lc", script]), 60
            )
            expect(number, sentences)
            expect_untouched(number)
            DESK.shell(AFTER_HALF.get(number, ":"))
        solve(number)
        expect_solved(number)
        if number == 6:  # nothing brings safe mode back
            DESK.master.run("systemctl restart hdfs-namenode", timeout=60)
            wait_until(lambda: not DESK.hdfs_refusal(), 60, DESK.hdfs_refusal)
            expect_solved(number)
        anew = course("exercise", str(number))
        assert anew.stdout.startswith(f"{number}. "), anew.stdout + anew.stderr
        solve(number)
        expect_solved(number)


@pytest.fixture
def three_brokers() -> Iterator[None]:
    """Brokers 1 and 2 beside the first, started as in step 3 of the guide."""
    config, pids = "/usr/local/kafka/config", []
    for number, name in ((1, "one"), (2, "two")):
        file = f"{config}/server-{name}.properties"
        DESK.shell(
            f"sed -e 's/^broker.id=.*/broker.id={number}/' -e 's/^port=.*/port={9092 + number}/' "
            f"-e 's,^log.dirs=.*,log.dirs=/tmp/kafka-logs-{number},' {config}/server.properties > {file}"
        )
        start = f"KAFKA_HEAP_OPTS='-Xms64M -Xmx128M' kafka-server-start.sh {file}"
        pids.append(
            DESK.shell(f"cd /tmp; {start} < /dev/null > /tmp/broker-{name}.log 2>&1 & echo $!").strip()
        )
    try:
        wait_until(lambda: DESK.registered == (0, 1, 2), 30, "brokers 1 and 2 do not come up")
        yield
    finally:
        DESK.master.run(f"kill {' '.join(pids)}")
        wait_until(lambda: DESK.registered == (0,), 30, "brokers 1 and 2 do not go away")
        DESK.master.run(
            f"rm -rf {config}/server-one.properties {config}/server-two.properties /tmp/broker-*.log"
        )
        DESK.master.run("rm -rf /tmp/kafka-logs-1 /tmp/kafka-logs-2")


def test_every_exercise_is_here() -> None:
    assert sorted(WRONG) == sorted(EXERCISES)


def test_exercise_1_is_refused_without_the_other_brokers(site: Site) -> None:
    site.check("kafka", timeout=30)
    done = course("exercise", "1")
    assert done.returncode == 1
    assert "do step 3 of the guide first" in done.stderr
    assert DESK.records.partitions("exercise-1") == []
    unplanted = course("check", "1")
    assert unplanted.returncode == 2
    assert "exercise 1 is not planted: make course-exercise EXERCISE=1\n" in unplanted.stderr


@pytest.mark.usefixtures("three_brokers")
def test_exercise_1() -> None:
    go_through(1)


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6])
def test_exercise(site: Site, number: int) -> None:
    go_through(number)
    site.check("kafka", "hdfs", timeout=60)


def test_an_exercise_is_refused_on_a_sick_cluster(site: Site) -> None:
    DESK.master.run("systemctl stop kafka@0", timeout=60)
    try:
        done = course("exercise", "3")
        assert done.returncode == 1
        assert "exercise 3 is not planted: Kafka: broker 0: Connection refused" in done.stderr
    finally:
        DESK.master.run("systemctl start kafka@0", timeout=60)
    site.check("kafka", timeout=60)
