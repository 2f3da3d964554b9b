"""Spark: the history server by its REST API, and one job submitted to YARN and spoken with while it runs."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from smoke.web import WebError, get_json

if TYPE_CHECKING:
    from smoke.cluster import Spark, WebServer
    from smoke.machine import Machine
    from smoke.services import Verdict

JOB = Path(__file__).parent.parent / "jobs" / "pipeline.py"
MARK = "smoke: "
"""Begins each line that the job says to the controller; all other lines are Spark's."""
RESOURCES = {
    "--master": "yarn",
    "--deploy-mode": "client",
    "--driver-memory": "512m",
    "--num-executors": "2",
    "--executor-cores": "1",
    "--executor-memory": "512m",
}
CONF = {
    "spark.executor.memoryOverhead": "256m",
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.showConsoleProgress": "false",
}


def fetch_history(server: WebServer) -> dict[str, Any] | str:
    """The server's answer, or why there is none."""
    try:
        answer = get_json(server.host, server.http_port, "/api/v1/version")
    except WebError as error:
        return str(error)
    return answer if isinstance(answer, dict) else {}


def judge_history(state: dict[str, Any] | str) -> Verdict:
    """Ask the history server for its version."""
    if isinstance(state, str):
        return False, state
    version = state.get("spark")
    return (True, f"answers, Spark {version}") if version else (False, "answers without a version")


class JobError(Exception):
    """The job ended without a result; `evidence` holds the last lines it said."""

    def __init__(self, reason: str, evidence: list[str]) -> None:
        super().__init__(reason)
        self.evidence = evidence


def submit_script(user: str, directory: str, size: int, name: str) -> str:
    """What the machine's root runs: `size` bytes of stdin are the job, the rest are orders for it.

    spark-submit gives a Python job no standard input, so the orders reach it through a FIFO. When the
    connection breaks, cat ends, and with it the FIFO: the job takes that for an order to end. Until the job
    opens the FIFO cat's shell waits in its own open: it must not hold the connection meanwhile, and a TERM
    just after its fork would be lost. The login shell sets what any user's login shell sets.
    """
    options = [word for pair in RESOURCES.items() for word in pair]
    options += [word for key, value in CONF.items() for word in ("--conf", f"{key}={value}")]
    submit = shlex.join(
        ["spark-submit", *options, "--name", name, f"{directory}/pipeline.py", f"{directory}/orders"]
    )
    return f"""
set -eu
orders=
install -d -m 0700 -o {shlex.quote(user)} {directory}
trap 'kill -KILL $orders 2>/dev/null || :; rm -rf {directory}' EXIT
trap 'exit 129' HUP INT TERM PIPE
head -c {size} > {directory}/pipeline.py
mkfifo -m 0644 {directory}/orders
chmod 0644 {directory}/pipeline.py
exec 3<&0
{{ exec cat <&3 > {directory}/orders; }} > /dev/null 2>&1 &
orders=$!
runuser -l {shlex.quote(user)} -s /bin/bash -c {shlex.quote(submit)} < /dev/null 3<&-
"""


class Job:
    """One run of jobs/pipeline.py by spark-submit. start, order, result; and stop, whatever happened."""

    def __init__(self, machine: Machine, section: Spark, run: str, progress: Callable[[str], None]) -> None:
        self._machine = machine
        self._user = section.user
        self._name = f"millrace-smoke-{run}"
        self._directory = f"/var/tmp/{self._name}"  # noqa: S108 (made by root with mode 0700)
        self._progress = progress
        self._result: Future[dict[str, Any]] = Future()
        self._said: deque[str] = deque(maxlen=60)
        self._process: subprocess.Popen[bytes] | None = None
        self.application: str | None = None

    def start(self) -> None:
        source = JOB.read_bytes()
        script = submit_script(self._user, self._directory, len(source), self._name)
        self._process = subprocess.Popen(
            self._machine.command(script),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        readers = [
            threading.Thread(target=self._listen, args=(stream,), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
            if stream
        ]
        for reader in readers:
            reader.start()
        threading.Thread(target=self._reap, args=(self._process, readers), daemon=True).start()
        self._write(source)

    def order(self, **order: Any) -> None:
        """Send the one line that the job waits for."""
        self._write(json.dumps(order).encode() + b"\n")

    def result(self, timeout: float) -> dict[str, Any]:
        """What the job found. Raises JobError, also when it says nothing for `timeout` seconds."""
        try:
            return self._result.result(timeout)
        except TimeoutError:
            raise JobError(f"no result within {timeout:.1f} s", self.evidence(logs=False)) from None

    def stop(self) -> None:
        """End the job if it runs, and see that its directory on the machine is gone."""
        if self._process is None:
            return
        if self._result.done() and not self._result.exception():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)  # the end of the orders would cut its own end short
        if self._process.stdin:
            with contextlib.suppress(OSError):  # it was gone already
                self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            if self.application:
                self._as_user(f"yarn application -kill {self.application}")
        finally:
            self._machine.run(f"rm -rf {self._directory}; test ! -e {self._directory}")

    def evidence(self, *, logs: bool = True) -> list[str]:
        """The last lines of the job, and of its application's logs, which take seconds to get."""
        lines = ["== last lines of spark-submit", *self._said]
        if self.application and logs:
            lines.append(f"== last lines of yarn logs -applicationId {self.application}")
            try:
                lines += self._as_user(
                    f"yarn logs -applicationId {self.application} 2>&1 | tail -n 60"
                ).splitlines()
            except OSError as error:
                lines.append(str(error))
        return lines

    def _as_user(self, command: str) -> str:
        return self._machine.run(
            f"runuser -l {shlex.quote(self._user)} -s /bin/bash -c {shlex.quote(command)}", timeout=60
        )

    def _write(self, data: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            raise ValueError("the job was not started")
        with contextlib.suppress(OSError):  # it died: result() says how
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                self._take(raw.decode(errors="replace").rstrip("\n"))

    def _take(self, line: str) -> None:
        if line.startswith(MARK):
            self._hear(json.loads(line.removeprefix(MARK)))
            return
        if not re.match(r"\s+(at |\.\.\. \d+ more)", line):  # frames would crowd out what they are of
            self._said.append(line)
        if found := re.search(r"application_\d+_\d+", line):
            self.application = found.group()

    def _hear(self, message: dict[str, Any]) -> None:
        self.application = message.get("application", self.application)
        if "progress" in message:
            self._progress(message["progress"])
        if "result" in message and not self._result.done():
            self._result.set_result(message["result"])

    def _reap(self, process: subprocess.Popen[bytes], readers: list[threading.Thread]) -> None:
        status = process.wait()
        for reader in readers:
            reader.join(5)
        if not self._result.done():
            self._result.set_exception(JobError(f"spark-submit ended with status {status}", self.evidence()))
