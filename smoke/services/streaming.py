"""Spark Streaming: a word count as the course's, compiled and submitted on a machine, read while it runs."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from smoke.cluster import Spark
    from smoke.machine import Machine

CLASS = "tn.insat.tp3.SparkKafkaWordCount"
SOURCE = (
    Path(__file__).parents[2]
    / "docs/course/samples/stream-kafka-spark/src/main/java"
    / f"{CLASS.replace('.', '/')}.java"
)
COUNT = re.compile(r"\((?P<word>.*),(?P<count>\d+)\)")
"""A line of the job's output; each batch of two seconds prints its counts below a line `Time: ...`."""


@dataclass(frozen=True)
class Program:
    """A Java source of one file."""

    name: str
    """Its class."""
    source: bytes
    threads: int = 2
    """One for each receiver, which holds it for itself, and at least one to count with."""

    @property
    def file(self) -> str:
        return f"{self.name.rpartition('.')[2]}.java"


class StreamError(Exception):
    """The job ended; `evidence` holds the last lines it said."""

    def __init__(self, reason: str, evidence: list[str]) -> None:
        super().__init__(reason)
        self.evidence = evidence


class Counts:
    """What the batches of a stream printed, added up."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.batches = 0

    def take(self, line: str) -> None:
        """Read one line of the job's output."""
        if line.startswith("Time: "):
            self.batches += 1
        elif counted := COUNT.fullmatch(line):
            self.words[counted["word"]] += int(counted["count"])


def script(user: str, directory: str, program: Program, arguments: list[str]) -> str:
    """What the machine's root runs: stdin begins with the source; the end of stdin ends the job."""
    compiled = (
        f"cd {directory} && mkdir classes && "
        f'javac -cp "$SPARK_HOME/jars/*" -d classes {program.file} && jar cf job.jar -C classes .'
    )
    submit = shlex.join(
        ["spark-submit", "--class", program.name, "--master", f"local[{program.threads}]",
         "--driver-memory", "512m", "--conf", "spark.ui.enabled=false", f"{directory}/job.jar", *arguments]
    )  # fmt: skip
    # What Spark lays into /tmp stays when it is killed: here it goes with the directory.
    submit = f"SPARK_SUBMIT_OPTS=-Djava.io.tmpdir={directory} exec {submit}"
    as_user = f"runuser -l {shlex.quote(user)} -s /bin/bash -c"
    body = f"""
set -eu
job=
install -d -m 0700 -o {shlex.quote(user)} {directory}
trap 'kill $job 2>/dev/null && wait $job || :; rm -rf {directory}' EXIT
trap 'exit 129' HUP INT TERM PIPE
head -c {len(program.source)} > {directory}/{program.file}
chmod 0644 {directory}/{program.file}
{as_user} {shlex.quote(compiled)} </dev/null
exec 3<&0
{as_user} {shlex.quote(submit)} </dev/null 3<&- &
job=$!
cat <&3 >/dev/null &
wait -n
"""
    return shlex.join(["exec", "bash", "-c", body]).replace("'exec'", "exec", 1)


class Stream:
    """One run of a word count, the course's by default. start, counts while it runs, stop in any case."""

    def __init__(
        self,
        machine: Machine,
        section: Spark,
        run: str,
        progress: Callable[[str], None],
        program: Program | None = None,
    ) -> None:
        self._program = program
        self._machine = machine
        self._user = section.user
        self._directory = f"/var/tmp/millrace-smoke-{run}-stream"  # noqa: S108 (made by root with mode 0700)
        self._progress = progress
        self._said: deque[str] = deque(maxlen=60)
        self._process: subprocess.Popen[bytes] | None = None
        self.counts = Counts()

    def start(self, zookeeper: str, group: str, topic: str) -> None:
        """Compile and submit; `counts` moves from now on."""
        program = self._program or Program(CLASS, SOURCE.read_bytes())
        body = script(self._user, self._directory, program, [zookeeper, group, topic, "1"])
        self._process = subprocess.Popen(
            self._machine.command(body),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for stream, take in ((self._process.stdout, self._count), (self._process.stderr, self._said.append)):
            threading.Thread(target=_listen, args=(stream, take), daemon=True).start()
        with contextlib.suppress(OSError):  # it died: alive() says how
            assert self._process.stdin
            self._process.stdin.write(program.source)
            self._process.stdin.flush()

    def alive(self) -> None:
        """Raises StreamError when the job ended."""
        if self._process is not None and (status := self._process.poll()) is not None:
            raise StreamError(f"spark-submit ended with status {status}", self.evidence())

    def stop(self) -> None:
        """End the job if it runs, and see that its directory on the machine is gone."""
        if self._process is None:
            return
        if self._process.stdin:
            with contextlib.suppress(OSError):  # it was gone already
                self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            self._machine.run(f"rm -rf {self._directory}; test ! -e {self._directory}")

    def evidence(self) -> list[str]:
        """The last lines of the job."""
        return ["== last lines of spark-submit", *self._said]

    def _count(self, line: str) -> None:
        if not self.counts.batches:
            self._progress("the first batch")
        self.counts.take(line)
        self._said.append(line)


def _listen(stream: IO[bytes] | None, take: Callable[[str], object]) -> None:
    assert stream
    with stream:
        for raw in stream:
            take(raw.decode(errors="replace").rstrip("\n"))
