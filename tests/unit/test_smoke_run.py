"""The run: checks side by side, failures with evidence, cleanup whatever happens, the Spark job's talk."""

from __future__ import annotations

import io
import shlex
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from smoke import checks
from smoke.checks import Check, CheckError, Result, Run
from smoke.checks import kafka as kafka_check
from smoke.checks import spark as spark_check
from smoke.checks.spark import event_logs
from smoke.cluster import Broker, Cluster, Hdfs, Kafka, Spark
from smoke.console import Console
from smoke.machine import Machine
from smoke.services import format_error, spark
from smoke.services.kafka import Produced
from smoke.services.spark import Job, JobError
from smoke.verdict import Finding

QUIET = Machine(("sh", "-c", "echo '== millrace-1 kafka@1'; echo its journal"), name="millrace-1")


def new_run(timeout: float = 5, stream: io.StringIO | None = None) -> Run:
    cluster = Cluster("lab", "current", {}, {"millrace-1": QUIET})
    return Run("id", cluster, Console(stream or io.StringIO()), records=1, timeout=timeout)


def test_findings_become_results_in_the_order_they_come() -> None:
    stream, gate = io.StringIO(), threading.Event()
    run = new_run(stream=stream)

    def late(_: Run) -> dict[str, Finding]:
        gate.wait(5)
        return {"one": Finding("1"), "two": Finding("2", ("wrong",))}

    def early(_: Run) -> dict[str, Finding]:
        gate.set()
        return {"early": Finding("0")}

    checks.run_all([Check("late", late, {"millrace-1": ["kafka@1"]}), Check("early", early, {})], run)
    assert sorted((r.name, r.ok, r.facts, r.evidence) for r in run.results) == [
        ("early", True, "0", ()),
        ("one", True, "1", ()),
        ("two", False, "2", ("wrong", "== millrace-1 kafka@1", "its journal")),
    ]
    assert "FAILED  two               2" in stream.getvalue()


def failing(error: Exception) -> Result:
    def body(_: Run) -> dict[str, Finding]:
        raise error

    run = new_run()
    checks.run_all([Check("kafka", body, {"millrace-1": ["kafka@1"]})], run)
    (result,) = run.results
    return result


def test_a_check_that_fails_tells_its_reason_evidence_and_journal() -> None:
    result = failing(CheckError("2 of 3 acknowledged", ["offsets"]))
    assert (result.name, result.ok, result.facts) == ("kafka", False, "2 of 3 acknowledged")
    assert result.evidence == ("2 of 3 acknowledged", "offsets", "== millrace-1 kafka@1", "its journal")


def test_a_check_that_a_client_broke_tells_where() -> None:
    result = failing(OSError("connection reset"))
    assert (result.ok, result.facts) == (False, "OSError: connection reset")
    assert "OSError: connection reset" in result.evidence
    assert result.evidence[-1] == "its journal"


def test_an_error_is_told_once() -> None:
    assert format_error(OSError("gone")) == "OSError: gone"
    assert format_error(OSError("OSError: gone")) == "OSError: gone"
    assert format_error(TimeoutError()) == "TimeoutError"


def test_a_check_that_does_not_end_fails_and_may_make_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "GRACE", 0.05)
    run, release, refused = new_run(timeout=0.1), threading.Event(), []

    def stuck(run: Run) -> dict[str, Finding]:
        release.wait(5)
        try:
            run.cleanup("topic t", lambda: None)
        except CheckError as error:
            refused.append(str(error))
        return {}

    checks.run_all([Check("hdfs", stuck, {})], run)
    assert [(r.name, r.ok, r.facts) for r in run.results] == [
        ("hdfs", False, "did not end within 0.1 s: running")
    ]
    assert run.stopping.is_set()
    release.set()
    with pytest.raises(CheckError, match="the run is stopping"):
        run.cleanup("topic t", lambda: None)


class Refusing:
    """Brokers that acknowledge the first record only, and let nobody read."""

    groups = True

    def create_topic(self, *_: object, **__: object) -> None:
        """Make nothing."""

    def produce(self, _: str, records: Any) -> Produced:
        first, *others = (number for number, _ in records)
        return Produced({first: (0, 0)}, dict.fromkeys(others, "KafkaTimeoutError: late"))

    def consume(self, *_: object) -> None:
        raise KafkaTimeoutError("no coordinator")


def test_records_that_are_not_acknowledged_are_named_though_nothing_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_check, "connect", lambda *_: Refusing())
    run = new_run()
    run.records = 3
    section = Kafka("4.3.0", (Broker(1, "millrace-1", 9092, "kafka@1"),))
    checks.run_all([Check("kafka", lambda run: kafka_check.check(run, section), section.units)], run)
    (result,) = run.results
    assert (result.ok, result.facts) == (False, "3 sent, 1 acknowledged")
    assert result.evidence == (
        "3 sent, 1 acknowledged",
        "not acknowledged: 1, 2",
        "  2 times: KafkaTimeoutError: late",
        "== millrace-1 kafka@1",
        "its journal",
    )
    with pytest.raises(CheckError, match="3 sent, 1 acknowledged"):  # who waits for the records need not
        run.topic.result(0)


def test_cleanup_removes_the_last_first_and_all() -> None:
    run, done = new_run(), []
    run.cleanup("topic", lambda: done.append("topic"))
    run.cleanup("group", lambda: done.append("group"))
    checks.clean_up(run)
    assert done == ["group", "topic"]
    (result,) = run.results
    assert (result.ok, result.facts) == (True, "2 of 2 things of this run are gone")


def test_what_runs_ends_before_anything_that_it_reads_goes() -> None:
    run, done = new_run(), []
    run.cleanup("the Spark job", lambda: done.append("job"), runs=True)
    run.cleanup("topic", lambda: done.append("topic"))  # by another check, which runs beside it
    run.cleanup("another job", lambda: done.append("another job"), runs=True)
    checks.clean_up(run)
    assert done == ["another job", "job", "topic"]


def test_what_cannot_be_removed_is_named_and_keeps_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "GRACE", 0.2)
    run, done = new_run(), []

    def broken() -> None:
        raise OSError("/user/spark/x is still there")

    run.cleanup("topic", lambda: done.append("topic"))
    run.cleanup("hdfs /user/spark/x", broken)
    run.cleanup("slow", threading.Event().wait)
    checks.clean_up(run, timeout=0.1)
    assert done == ["topic"]
    (result,) = run.results
    assert (result.ok, result.facts) == (False, "1 of 3 things of this run are gone")
    assert result.evidence == (
        "slow: late",
        "hdfs /user/spark/x: OSError: /user/spark/x is still there",
    )


def test_what_is_refused_for_a_while_is_removed_in_the_end() -> None:
    stream = io.StringIO()
    run, answers = new_run(stream=stream), iter([OSError("no quorum"), None])

    def remove() -> None:
        if error := next(answers):
            raise error

    run.cleanup("topic", remove)
    checks.clean_up(run)
    (result,) = run.results
    assert (result.ok, result.facts) == (True, "1 of 1 things of this run are gone")


SECTION = Spark("millrace-1", "/opt/spark", "spark", "/user/spark")


def test_the_submit_script_is_a_shell_script_of_the_service_user() -> None:
    script = spark.submit_script("spark", "/var/tmp/x", 7, "millrace-smoke-x")
    subprocess.run(["sh", "-n", "-c", script], check=True)
    submit = shlex.split(next(line for line in script.splitlines() if line.startswith("runuser")))
    assert submit[:6] == ["runuser", "-l", "spark", "-s", "/bin/bash", "-c"]
    words = shlex.split(submit[6])
    assert words[:3] == ["spark-submit", "--master", "yarn"]
    assert words[-2:] == ["/var/tmp/x/pipeline.py", "/var/tmp/x/orders"]
    assert "spark.executor.memoryOverhead=256m" in words
    assert "spark.yarn.jars" not in script  # the role's spark-defaults.conf gives it


def test_event_logs_are_those_of_the_application_alone() -> None:
    names = [
        "eventlog_v2_application_5_0001",
        "eventlog_v2_application_5_0002",
        "application_5_0001.inprogress",
    ]
    names += ["application_5_0001.zstd", "application_5_00011", "application_15_0001", "x"]
    assert event_logs("application_5_0001", names) == [names[0], names[2], names[3]]


class FakeHdfs:
    """An HDFS client that knows these paths."""

    def __init__(self, *paths: str) -> None:
        self.paths = set(paths)

    def list_status(self, directory: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(path=path) for path in self.paths if path.startswith(f"{directory}/")]

    def get_file_info(self, path: str) -> str:
        if path not in self.paths:
            raise FileNotFoundError(path)
        return path

    def delete(self, path: str, *, recursive: bool) -> None:
        assert recursive
        self.paths.discard(path)


def test_a_spark_job_leaves_no_event_log_and_the_logs_that_yarn_keeps_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = FakeHdfs("/logs/eventlog_v2_application_5_0001", "/logs/eventlog_v2_application_5_0002")
    monkeypatch.setattr("smoke.services.hdfs.client", lambda *_: here)
    monkeypatch.setattr(Job, "start", lambda job: setattr(job, "application", "application_5_0001"))
    run = new_run()
    run.topic.set_exception(CheckError("no records"))
    brokers = Kafka("4.3.0", (Broker(1, "millrace-1", 9092, "kafka@1"),))
    section = replace(SECTION, event_logs="/logs")
    with pytest.raises(CheckError, match="no records"):
        spark_check.check(run, section, brokers, Hdfs("hdfs://lab", (), (), {}))
    checks.clean_up(run)
    assert here.paths == {"/logs/eventlog_v2_application_5_0002"}
    (result,) = run.results
    assert (result.ok, result.facts) == (
        True,
        "3 of 3 things of this run are gone; YARN's logs of application_5_0001 stay",
    )


@pytest.fixture
def submit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Job whose machine is this one, and whose spark-submit is a given shell script."""

    def make(body: str, first: str = "") -> tuple[Job, list[str]]:
        (tmp_path / "bin").mkdir()
        for name, text in {
            "spark-submit": f"while [ $# -gt 2 ]; do shift; done\n{body}",
            "runuser": 'while [ "$1" != -c ]; do shift; done\nexec sh -c "$2"',
            "install": 'for last; do :; done\nexec mkdir -p "$last"',
            "yarn": "echo its yarn log",
        }.items():
            tool = tmp_path / "bin" / name
            tool.write_text(f"#!/bin/sh\n{text}\n")
            tool.chmod(0o755)
        machine = Machine(
            ("sh", "-c", f'{first}PATH={tmp_path}/bin:$PATH; eval "$*"', "ssh"), name="millrace-1"
        )
        heard: list[str] = []
        job = Job(machine, SECTION, "id", heard.append)
        monkeypatch.setattr(job, "_directory", str(tmp_path / "job"))
        return job, heard

    return make


def test_the_job_gets_its_script_and_order_and_is_heard(submit: Any, tmp_path: Path) -> None:
    job, heard = submit(
        'echo INFO noise >&2; echo \'smoke: {"progress": "ready", "application": "application_1_0002"}\'\n'
        'read order < "$2"; wc -c < "$1" | sed "s/.*/smoke: {\\"result\\": {\\"size\\": &}}/"\n'
        'echo "got $order"'
    )
    job.start()
    job.order(topic="t", records=3)
    assert job.result(10) == {"size": spark.JOB.stat().st_size}
    job.stop()
    assert heard == ["ready"]
    assert job.application == "application_1_0002"
    assert 'got {"topic": "t", "records": 3}' in job.evidence()
    assert not (tmp_path / "job").exists()


# The second: what feeds the orders does not hear TERM, as just after its fork.
@pytest.mark.parametrize("first", ["", "trap '' TERM; "])
def test_a_job_that_dies_leaves_its_last_lines_and_yarn_logs(submit: Any, tmp_path: Path, first: str) -> None:
    job, _ = submit(
        "echo Submitted application application_5_0001 >&2\n"
        "printf 'java.io.IOException: No space left\\n\\tat X.y(X.java:1)\\n\\t... 9 more\\n' >&2; exit 4",
        first,
    )
    job.start()
    with pytest.raises(JobError, match="spark-submit ended with status 4") as caught:
        job.result(10)
    assert not (tmp_path / "job").exists()  # the machine cleans up by itself
    job.stop()
    assert caught.value.evidence == [
        "== last lines of spark-submit",
        "Submitted application application_5_0001",
        "java.io.IOException: No space left",
        "== last lines of yarn logs -applicationId application_5_0001",
        "its yarn log",
    ]


def test_a_job_without_a_result_in_time(submit: Any, tmp_path: Path) -> None:
    job, _ = submit('while read order; do :; done < "$2"')
    job.start()
    with pytest.raises(JobError, match=r"no result within 0.3 s"):
        job.result(0.3)
    job.stop()  # closes the orders: the job ends by itself
    assert not (tmp_path / "job").exists()


def test_a_job_that_was_never_started_has_nothing_to_stop() -> None:
    job = Job(QUIET, SECTION, "id", print)
    job.stop()
    with pytest.raises(ValueError, match="not started"):
        job.order(topic="t")
