"""A fresh cluster in the place of one that somebody worked on."""

from __future__ import annotations

import subprocess
import sys

from tests.live import CHECKOUT, CLUSTER, Site

MASTER = CLUSTER.machines["hadoop-master"]
LEFT = """bash -lc '
touch ~/left-behind
hdfs dfs -mkdir -p left-behind
kafka-topics.sh --zookeeper localhost:2181 --create --topic left-behind --partitions 1 --replication-factor 1
' >/dev/null 2>&1"""
SEEN = """bash -lc '
ls ~
hdfs dfs -ls /user/root
kafka-topics.sh --zookeeper localhost:2181 --list
' 2>/dev/null"""


def test_reset_leaves_nothing_of_the_work_and_gives_a_whole_cluster(site: Site) -> None:
    MASTER.run(LEFT, timeout=60)
    assert MASTER.run(SEEN, timeout=60).count("left-behind") == 3
    command = [sys.executable, "-m", "course", "reset"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    print(done.stdout.splitlines()[-1])  # the seconds that it took
    seen = MASTER.run(SEEN, timeout=60)
    assert "left-behind" not in seen
    assert "samples" in seen
    site.check()
