"""A role as it was deployed: users, files, units, sockets, what daemons say they are set to, a round trip."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import CLUSTER, Site
from tests.role.effective import assert_said

JOB = """
import numpy, pandas, pyarrow
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf
session = SparkSession.builder.getOrCreate()
@pandas_udf("long")
def twice(column: pandas.Series) -> pandas.Series:
    return column * 2
found = session.range(1000).select(twice("id").alias("twice")).toPandas()
assert found.twice.sum() == 999_000, found
versions = session.sparkContext.range(2, numSlices=2).map(lambda _: numpy.__version__).collect()
assert versions == [numpy.__version__] * 2, versions
"""
"""Of Python: in the driver, and by Arrow in executors."""
AMONG_THEMSELVES = ("quorum", "election")
"""What a single server of ZooKeeper does not listen for, and of several only the leader."""


def each(services: Any, key: str) -> Iterator[tuple[str, Any]]:
    """(machine, entry) of a list that all services have."""
    for machine, here in services.items():
        for service in here:
            for entry in service.get(key, []):
                yield machine, entry


def test_users_cannot_log_in_and_own_their_home(site: Site, services: Any) -> None:
    for machine, wanted in each(services, "users"):
        user = site.host(machine).user(wanted["name"])
        assert user.exists
        assert user.group == wanted["group"]
        assert user.shell.endswith(("nologin", "false"))
        assert user.home == wanted["home"]


def test_files_and_directories_are_whose_they_are(site: Site, services: Any) -> None:
    for key, path, kind, mode in (
        ("templates", "dest", "file", "0644"),
        ("directories", "path", "directory", "0755"),
    ):
        for machine, wanted in each(services, key):
            found = site.host(machine).file(wanted[path])
            assert getattr(found, f"is_{kind}"), wanted[path]
            has = (found.user, found.group, f"{found.mode:04o}")
            assert has == (
                wanted.get("owner", "root"),
                wanted.get("group", "root"),
                wanted.get("mode", mode),
            ), wanted[path]


def test_java_is_the_one_of_the_release(site: Site) -> None:
    for machine in CLUSTER.machines:
        host = site.host(machine)
        major = {"12": 17, "13": 21}[host.system_info.release.partition(".")[0]]
        assert f'version "{major}.' in host.check_output("/opt/java/bin/java -version 2>&1")


def test_units_run_on_boot_as_their_user(site: Site, services: Any) -> None:
    units = site.units()
    for machine, wanted in each(services, "units"):
        service = site.host(machine).service(wanted["name"])
        assert service.is_running
        assert service.is_enabled
        unit = units[machine, wanted["name"]]
        assert site.host(machine).process.get(pid=unit.pid).user == unit.user != "root"
        # systemd itself finds nothing wrong in it.
        assert not site.host(machine).check_output(f"systemctl show -p LoadError --value {wanted['name']}")


def test_each_endpoint_is_a_socket_of_its_daemon(site: Site, services: Any) -> None:
    units, seen = site.units(), 0
    for service in next(iter(services.values())):
        for endpoint in service.get("endpoints", []):
            if endpoint["protocol"] in AMONG_THEMSELVES:
                continue
            machine, port = endpoint["machine"], int(endpoint["port"])
            pid = units[machine, endpoint["unit"]].pid
            listening = site.host(machine).check_output("ss -Hltnp").splitlines()
            assert any(
                f"pid={pid}," in line and line.split()[3].endswith(f":{port}") for line in listening
            ), (endpoint, listening)
            seen += 1
    assert seen or not units


def test_daemons_say_what_was_asked(site: Site, expects: Any) -> None:
    assert_said(site, expects)


def test_status_knows_each_daemon_by_its_protocol(site: Site) -> None:
    if not site.units():
        pytest.skip("Java alone has no daemon")
    daemons = site.status()["daemons"]
    assert {(each["machine"], each["unit"]) for each in daemons} == set(site.units())
    assert [each for each in daemons if each["state"] == "unknown"] == []


def test_data_goes_in_and_comes_out(site: Site) -> None:
    # Nothing would send or read: what Java is has been looked at above.
    if not site.units():
        pytest.skip("Java alone has no daemon")
    report = site.smoke("--records", "500")
    assert report["ok"]


@pytest.mark.parametrize("mode", ["client", "cluster"])
def test_jobs_find_what_their_python_is_given(site: Site, value: Any, mode: str) -> None:
    if not CLUSTER.spark or not value(CLUSTER.spark.submit_host, "spark_python"):
        pytest.skip("no Spark, or jobs have what the machines have")
    host = site.host(CLUSTER.spark.submit_host)
    host.check_output(f"printf %s {shlex.quote(JOB)} > /tmp/job.py")
    job = f"spark-submit --master yarn --deploy-mode {mode} --num-executors 1 /tmp/job.py"
    done = host.run(f"HADOOP_USER_NAME=spark timeout 300 bash -lc {shlex.quote(job)}")
    assert done.rc == 0, done.stderr[-6000:]
