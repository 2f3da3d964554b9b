"""Spark on YARN counts the words of the topic, and a stream carries its records into HDFS exactly once."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from smoke.checks import CheckError, Run
from smoke.records import checksum, count_words, sentence
from smoke.services import hdfs
from smoke.services.spark import Job, JobError
from smoke.verdict import Finding, exactly_once, word_counts

if TYPE_CHECKING:
    from smoke.cluster import Hdfs, Kafka, Spark


def check(run: Run, section: Spark, kafka: Kafka, filesystem: Hdfs) -> dict[str, Finding]:
    """Submit the job, order it once the records are there, judge what it found."""
    directory = f"{section.hdfs_home.rstrip('/')}/smoke-{run.id}-spark"

    def progress(text: str) -> None:
        run.console.awaiting("spark", text)
        run.console.say(f"        spark  {text}")

    # The job's own limit ends a little before the run's, so that there are last lines to show.
    began = time.monotonic()
    # Submitted first, so that the session starts while the records are sent.
    run.cleanup(f"hdfs {directory}", lambda: hdfs.remove(hdfs.client(filesystem, section.user), directory))
    job = Job(run.cluster.machines[section.submit_host], section, run.id, progress)

    def stop() -> None:
        job.stop()
        if job.application:  # NodeManagers bring its logs to HDFS some time after its end
            run.kept.add(f"YARN's logs of {job.application}")

    run.cleanup("the job's event log", lambda: _forget(job, section, filesystem))
    run.cleanup(f"the Spark job and its directory on {section.submit_host}", stop, runs=True)
    run.console.awaiting("spark", f"spark-submit on {section.submit_host}")
    job.start()
    run.topic.result(timeout=run.timeout)
    job.order(
        bootstrap=",".join(kafka.bootstrap),
        topic=run.name,
        directory=filesystem.default_fs.rstrip("/") + directory,
        records=run.records,
    )
    texts = [sentence(run.id, number) for number in range(run.records)]
    try:
        found = job.result(timeout=max(1.0, began + 0.9 * run.timeout - time.monotonic()))
    except JobError as error:
        raise CheckError(str(error), error.evidence) from None
    batch = word_counts(count_words(texts), found["batch"]["words"])
    stream = exactly_once(run.records, checksum(texts), found["stream"])
    where = f"session after {found['session_seconds']:.1f} s"
    return {
        "spark word count": Finding(f"{batch.facts}, {where}", batch.evidence),
        "spark stream": Finding(f"{stream.facts}, Parquet on HDFS", stream.evidence),
    }


def _forget(job: Job, section: Spark, filesystem: Hdfs) -> None:
    if job.application and section.event_logs:
        client = hdfs.client(filesystem, section.user)
        names = [status.path.rpartition("/")[2] for status in client.list_status(section.event_logs)]
        for name in event_logs(job.application, names):
            hdfs.remove(client, f"{section.event_logs}/{name}")


def event_logs(application: str, names: Iterable[str]) -> list[str]:
    """Those of an application, whole or in progress: a directory is named after it, before Spark 4 a file."""
    return [name for name in names if re.search(rf"{application}(?!\d)", name)]
