"""What a running daemon says that it is set to, asked by its own protocol."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from smoke.services import zookeeper

if TYPE_CHECKING:
    from tests.live import Site


def _page(host: str, port: int, path: str) -> str:
    request = urllib.request.Request(f"http://{host}:{port}{path}", headers={"Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


def _of_zookeeper(site: Site) -> list[dict[str, str]]:
    assert site.cluster.zookeeper
    answers = [zookeeper.four_letter_word(server, "conf") for server in site.cluster.zookeeper.servers]
    return [dict(line.split("=", 1) for line in answer.splitlines() if "=" in line) for answer in answers]


def _of_kafka(site: Site) -> list[dict[str, str]]:
    return [config for _, config in sorted(site.broker_configs().items())]


def _conf(host: str, port: int, file: str) -> dict[str, str]:
    """What a daemon of Hadoop was given, and has read at its start.

    Upstream's defaults, and the files of other services, it loads when it needs them: YARN's daemons HDFS's
    with the first job. How it speaks a protocol (rpc.engine) it notes when somebody speaks it.
    """
    return {
        each["key"]: each["value"]
        for each in json.loads(_page(host, port, "/conf"))["properties"]
        if each["resource"] in ("core-site.xml", file) or "-" not in each["resource"]
        if not each["key"].startswith("rpc.engine.")
    }


def _of_hdfs(site: Site) -> list[dict[str, str]]:
    assert site.cluster.hdfs
    hdfs = site.cluster.hdfs
    pages = [(name.host, name.http_port) for name in hdfs.namenodes]
    pages += [(host, hdfs.datanode_http_port) for host in hdfs.datanodes]
    return [_conf(*page, "hdfs-site.xml") for page in pages]


def _of_yarn(site: Site) -> list[dict[str, str]]:
    assert site.cluster.yarn
    yarn = site.cluster.yarn
    pages = [(manager.host, manager.http_port) for manager in yarn.resourcemanagers]
    pages += [(host, yarn.nodemanager_http_port) for host in yarn.nodemanagers]
    return [_conf(*page, "yarn-site.xml") for page in pages]


def _of_spark(site: Site) -> list[dict[str, str]]:
    """Its history server has no page for that: what spark-submit says that it takes."""
    assert site.cluster.spark
    program = "bash -lc 'spark-submit --verbose --class none none.jar 2>&1'"
    said = str(site.host(site.cluster.spark.submit_host).run(program).stdout)
    lines = (line.strip() for line in said.splitlines() if line.startswith("  (spark."))
    pairs = (line.strip("()").partition(",") for line in lines)
    return [{key: value for key, _, value in pairs}]


EFFECTIVE: dict[str, Callable[[Site], list[dict[str, str]]]] = {
    "zookeeper": _of_zookeeper,
    "kafka": _of_kafka,
    "hdfs": _of_hdfs,
    "yarn": _of_yarn,
    "spark": _of_spark,
}


def assert_said(site: Site, expects: Mapping[str, Mapping[str, object]]) -> None:
    """All daemons of each service say that they are set to these values."""
    for service, wanted in expects.items():
        answers = EFFECTIVE[service](site)
        assert answers, service
        for said in answers:
            assert {key: str(said.get(key)) for key in wanted} == {
                key: str(value) for key, value in wanted.items()
            }, service
