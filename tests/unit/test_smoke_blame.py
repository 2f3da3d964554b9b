"""What a daemon refused: its own error, and the settings that are the likely cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smoke import __main__ as cli
from smoke import blame
from smoke.blame import Setting, changed, likely
from smoke.evidence import Journal
from smoke.machine import Machine
from tests.unit.smoke_lab import LAB, write

UNIT, CONFIG, SITE = (
    "/etc/systemd/system/kafka@.service",
    "/etc/kafka/server-1.properties",
    "/etc/h/hdfs-site.xml",
)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["-num.io.threads=8", "+num.io.threads=0"], [("num.io.threads", "0")]),
        (["-gone=1"], [("gone", "")]),
        ([" same=1", "+new = 2"], [("new", "2")]),
        (
            [
                "-  <property><name>dfs.a</name><value>1</value></property>",
                "+  <property><name>dfs.a</name><value>x y</value></property>",
            ],
            [("dfs.a", "x y")],
        ),
        (['+Environment="KAFKA_HEAP_OPTS=-Xms9x -Xmx9x"'], [("KAFKA_HEAP_OPTS", "-Xms9x -Xmx9x")]),
        (["+export HADOOP_OPTS=-Xmx1g"], [("HADOOP_OPTS", "-Xmx1g")]),
        (["+spark.history.ui.port  18081"], [("spark.history.ui.port", "18081")]),
        (["+# a comment", "+"], []),
    ],
)
def test_settings_that_came_went_or_changed(lines: list[str], expected: list[tuple[str, str]]) -> None:
    head = ["--- /f (0644 root:root -> 0640 root:kafka)", "+++ /f", "@@ -1 +1 @@"]
    found = changed({"/f": "\n".join([*head, *lines])})
    assert [(each.key, each.value) for each in found] == expected


ALL = [
    Setting("num.io.threads", "0", CONFIG),
    Setting("listeners", "PLAINTEXT://:9999", CONFIG),
    Setting("KAFKA_OPTS", "-XX:+Nonsense -Xmx1g", UNIT),
    Setting("auto.create", "true", CONFIG),
]


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ("Invalid value 0 for configuration num.io.threads: Value must be at least 1", ["num.io.threads"]),
        ("Socket server failed to bind to 0.0.0.0:9999: Address in use", ["listeners"]),
        ("Unrecognized VM option 'Nonsense'", ["KAFKA_OPTS"]),
        ("it is true that all is lost", ["num.io.threads", "listeners", "KAFKA_OPTS", "auto.create"]),
        ("", ["num.io.threads", "listeners", "KAFKA_OPTS", "auto.create"]),
    ],
)
def test_the_likely_cause_is_what_the_daemon_speaks_of(said: str, keys: list[str]) -> None:
    assert [each.key for each in likely(ALL, said)] == keys


def journal(unit: str, state: str, *lines: str) -> Journal:
    return Journal("a", unit, state, tuple(f"2026-01-01T00:00:00+00:00 a java[1]: {each}" for each in lines))


def test_a_line_says_the_error_and_one_the_cause() -> None:
    diffs = {CONFIG: "-num.io.threads=8\n+num.io.threads=0"}
    error = "ERROR Exiting: Invalid value 0 for configuration num.io.threads"
    # Another daemon's file with the same words.
    diffs[SITE] = "+  <property><name>num.io.threads</name><value>0</value></property>"
    journals = [journal("kafka@1", "failed", error), journal("kafka@2", "active", "ok")]
    assert blame.sentences(journals, diffs, {"kafka@1": [UNIT, CONFIG], "kafka@2": [SITE]}, {}) == [
        f"kafka@1 on a (failed): {error}",
        f"likely cause: num.io.threads in {CONFIG}",
    ]


def test_no_more_settings_are_named_than_a_person_reads() -> None:
    diffs = {CONFIG: "\n".join(f"+key.{number}=1" for number in range(8))}
    (_, cause) = blame.sentences(
        [journal("kafka@1", "activating", "INFO starting")], diffs, {"kafka@1": [CONFIG]}, {}
    )
    assert cause.endswith("key.4 in " + CONFIG + " and 3 more")


def test_of_a_file_that_diffs_hide_the_keys_are_known() -> None:
    diffs = {CONFIG: "-(content hidden: it may hold a secret)\n+differs (content hidden)"}
    error = "ConfigException: Invalid value many for configuration num.io.threads"
    keys = {"kafka@1": ["num.io.threads", "num.partitions"], "kafka@2": ["other"]}
    found = blame.sentences([journal("kafka@1", "failed", error)], diffs, {"kafka@1": [CONFIG]}, keys)
    assert found[1:] == [f"likely cause: num.io.threads in {CONFIG}"]


def test_the_command_reads_plan_and_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.json"
    found = {"millrace-1": {"kafka": {"diffs": {CONFIG: "+num.io.threads=0"}, "data": None}}}
    services = {"kafka": {"machines": {"millrace-1": {"restart": {"kafka@1": [CONFIG]}}}}}
    plan.write_text(json.dumps({"services": services, "found": found}))
    lines = ["== millrace-1 kafka@1 (failed)", "t h java[1]: java.lang.Exception: no threads"]
    monkeypatch.setattr(Machine, "journal", lambda self, units: lines if units == ["kafka@1"] else [])
    words = ["--cluster", str(write(tmp_path, LAB)), "--plan", str(plan)]
    assert cli.main(["blame", *words, "millrace-1", "kafka@1"]) == 0
    assert f"likely cause: num.io.threads in {CONFIG}" in capsys.readouterr().out
    assert cli.main(["blame", *words, "millrace-9", "kafka@1"]) == 2
    assert "has no machine millrace-9" in capsys.readouterr().err
