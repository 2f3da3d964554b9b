"""What a failure shows: the daemon that is down, its own last error, what to try, and where all of it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from smoke.evidence import DAEMONS, Journal, read, summary, write

DOWN = [
    "== b kafka@2 (failed)",
    "2026-11-29T16:31:32+0000 b kafka[17]: [2026-11-29 16:31:32] ERROR Exiting Kafka (kafka.Kafka$)",
    "2026-11-29T16:31:32+0000 b kafka[17]: org.apache.kafka.common.KafkaException: Bind failed: in use",
    "2026-11-29T16:31:32+0000 b kafka[17]: \tat kafka.network.Acceptor.openServerSocket(Unknown Source)",
    "2026-11-29T16:31:33+0000 b systemd[1]: Stopped kafka@2.service.",
]
FAILED = "2026-11-29T16:31:33+0000 b systemd[1]: kafka@2.service: Failed with result 'exit-code'."
UP = ["== a kafka@1 (active)", "2026-11-29T16:31:32+0000 a kafka[17]: INFO ERRORS are few (kafka.Kafka$)"]


def test_evidence_is_the_checks_own_lines_and_journals() -> None:
    own, journals = read(["1 missing", *UP, *DOWN])
    assert own == ["1 missing"]
    assert [(each.host, each.unit, each.active) for each in journals] == [
        ("a", "kafka@1", True),
        ("b", "kafka@2", False),
    ]
    assert read([]) == ([], [])


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (DOWN[1:], "org.apache.kafka.common.KafkaException: Bind failed: in use"),
        ([*DOWN[1:3], FAILED], "org.apache.kafka.common.KafkaException: Bind failed: in use"),
        ([FAILED], "kafka@2.service: Failed with result 'exit-code'."),
        (DOWN[1:2], "[2026-11-29 16:31:32] ERROR Exiting Kafka (kafka.Kafka$)"),
        (
            ["Caused by: java.net.BindException", "\tat x.Y(Z)", "\t... 12 more"],
            "Caused by: java.net.BindException",
        ),
        (
            [
                "Unrecognized VM option 'Nonsense'",
                "Error: Could not create the Java Virtual Machine.",
                "Error: A fatal exception has occurred. Program will exit.",
                FAILED,
            ],
            "Unrecognized VM option 'Nonsense'",
        ),
        (["Error occurred during initialization of VM", "Too small maximum heap"], "Too small maximum heap"),
        (
            ["Caused by: x.E: soon", "\tat x.Y(Z)", "ERROR [main] ServiceUtils - Exiting JVM with code 2"],
            "Caused by: x.E: soon",
        ),
        (UP[1:], None),
        ([], None),
    ],
)
def test_the_last_error_of_a_daemon(lines: list[str], error: str | None) -> None:
    assert Journal("b", "kafka@2", "failed", tuple(lines)).last_error() == error


def test_a_daemon_that_is_down_is_shown_with_what_to_try(tmp_path: Path) -> None:
    assert summary("kafka", "2 of 3 brokers", ["1 missing", *UP, *DOWN], tmp_path, {}) == [
        "kafka: 2 of 3 brokers",
        "  1 missing",
        "  b, kafka@2 (failed): org.apache.kafka.common.KafkaException: Bind failed: in use",
        f"    try: ssh -F {tmp_path}/ssh_config b journalctl -u kafka@2",
    ]


def test_where_all_run_those_with_errors_are_shown(tmp_path: Path) -> None:
    wrong = ["== c kafka@3 (active)", "FATAL no log directory", *UP]
    assert [line.split(":")[0] for line in summary("kafka", "late", wrong, tmp_path, {})[1:]] == [
        "  c, kafka@3 (active)",
        "    try",
    ]


def test_a_failure_fits_on_a_screen(tmp_path: Path) -> None:
    many = [line for number in range(50) for line in (f"== h{number} u (failed)", *["x"] * 40)]
    trace = 'Traceback (most recent call last):\n  File "x"\nOSError: RPC listener disconnected\n'
    lines = summary("hdfs", trace, ["one"] * 30 + many, tmp_path, {})
    assert lines[0] == "hdfs: OSError: RPC listener disconnected"
    assert lines[-1] == f"  ... and {50 - DAEMONS} daemons more"
    assert len(lines) < 20


def test_a_user_who_is_not_root_is_told_to_become_it(tmp_path: Path) -> None:
    lines = summary("kafka", "late", DOWN, tmp_path, {"b": ("sudo", "-n")})
    assert lines[-1].endswith("/ssh_config b sudo -n journalctl -u kafka@2")


def test_a_machine_that_does_not_answer_is_shown(tmp_path: Path) -> None:
    silent = [*DOWN, "== c kafka@3 hdfs-datanode: no journal: c: ssh: No route to host"]
    assert summary("kafka", "late", silent, tmp_path, {})[-1] == (
        "  c, kafka@3 hdfs-datanode (no answer): no journal: c: ssh: No route to host"
    )


def test_all_of_it_is_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "out" / "evidence.log"
    path.parent.mkdir()
    assert write(path, [("kafka", "late", DOWN), ("hdfs", "down", [])]) == "all of it: out/evidence.log"
    assert path.read_text() == "\n".join(["--- kafka: late", *DOWN, "--- hdfs: down", ""])
