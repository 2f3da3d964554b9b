"""What smoke writes and prints, to the letter; and how its commands refuse bad input."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from smoke import __main__ as cli
from smoke import receipt, report
from smoke.checks import Result
from smoke.cluster import Broker, Cluster, Kafka, load
from smoke.machine import Machine
from tests.unit.smoke_lab import LAB, write

RESULTS = [
    Result("zookeeper", True, 0.2, "written on millrace-1, read on 2 others, deleted"),
    Result(
        "kafka",
        False,
        4.25,
        "5 sent, 5 acknowledged, 4 read: 1 missing",
        ("acknowledged, not read: 2", "bell \x07"),
    ),
]
SMOKE = report.document("r1", "2026-11-24T03:40:25+00:00", 5.04, "full", RESULTS)


def test_smoke_json() -> None:
    assert {
        "run": "r1",
        "started": "2026-11-24T03:40:25+00:00",
        "seconds": 5.0,
        "mode": "full",
        "ok": False,
        "checks": [
            {"name": "zookeeper", "ok": True, "seconds": 0.2, "facts": RESULTS[0].facts, "evidence": []},
            {
                "name": "kafka",
                "ok": False,
                "seconds": 4.25,
                "facts": RESULTS[1].facts,
                "evidence": list(RESULTS[1].evidence),
            },
        ],
    } == SMOKE


def test_a_run_without_checks_is_not_ok() -> None:
    assert report.document("r1", "", 0, "full", [])["ok"] is False
    assert report.document("r1", "", 0, "full", RESULTS[:1])["ok"] is True


JUNIT = """\
<?xml version='1.0' encoding='utf-8'?>
<testsuite name="millrace smoke" timestamp="START" time="5.0" tests="2" failures="1" errors="0">
  <testcase classname="smoke" name="zookeeper" time="0.2">
    <system-out>written on millrace-1, read on 2 others, deleted</system-out>
  </testcase>
  <testcase classname="smoke" name="kafka" time="4.25">
    <failure message="5 sent, 5 acknowledged, 4 read: 1 missing">acknowledged, not read: 2
bell ?</failure>
  </testcase>
</testsuite>
"""


def test_junit() -> None:
    assert report.junit(SMOKE) == JUNIT.replace("START", SMOKE["started"])
    assert ET.fromstring(report.junit(SMOKE)).get("failures") == "1"


def test_the_last_line() -> None:
    assert report.verdict(SMOKE) == "smoke FAILED: run r1, full, 5.0 s"
    done = report.document("r1", "", 1, "quick", RESULTS[:1])
    assert report.verdict(done) == "smoke passed: run r1, quick, 1.0 s"


NOW = SMOKE | {"current": True}
PHASES = {
    "inventories": ["/kit/inventories/here"],
    "phases": [
        {"name": "preflight", "seconds": 0.4, "changed": 0},
        {"name": "services", "seconds": 21.25, "changed": 12},
    ],
    "total": 41.7,
    "changed": 12,
}
ARTIFACTS = {
    "kafka-4.3.0": {
        "name": "kafka",
        "version": "4.3.0",
        "tarball": "kafka.tar",
        "sha512": "ab" * 64,
        "bytes": 1,
        "source": "maven",
        "built": False,
    }
}
STATES = {"nn1": "active", "nn2": "standby"}

TEXT = """\
lab: stack current, 2 machines; tasks made 12 changes

Endpoints
  Kafka bootstrap      millrace-1:9092,millrace-1:9093
  ZooKeeper            millrace-1:2181
  HDFS                 hdfs://lab
  NameNode nn1         http://millrace-1:9870  active
  NameNode nn2         http://millrace-2:9870  standby
  ResourceManager rm1  http://millrace-1:8088
  MapReduce history    http://millrace-2:19888
  Spark history        http://millrace-2:18080

Smoke
  zookeeper  written on millrace-1, read on 2 others, deleted
  kafka      FAILED: 5 sent, 5 acknowledged, 4 read: 1 missing
  FAILED     run r1, full, 5.0 s, 2026-11-24T03:40:25+00:00

Versions: kafka 4.3.0, spark 4.2.0
Phases: preflight 0.4 s, services 21.2 s (12 changes), total 41.7 s (12 changes)

Next, here
  make smoke INVENTORY=inventories/here
  ssh -F out/lab/ssh_config millrace-1

Next, on millrace-1
  kafka-topics.sh --bootstrap-server millrace-1:9092,millrace-1:9093 --list
  zkCli.sh -server millrace-1:2181 ls /
  hdfs dfs -ls /
  yarn node -list
  spark-shell
"""


def test_receipt_for_the_terminal(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    assert receipt.text(receipt.document(lab, STATES, NOW, PHASES, ARTIFACTS)) == TEXT


def test_a_risk_that_was_accepted_stands_in_the_receipt(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    document = receipt.document(lab, STATES, NOW, PHASES, ARTIFACTS, accepted="orders-3")
    said = "\nA risk was accepted in the last run: orders-3.\n"
    assert said in receipt.text(document)
    assert said in receipt.markdown(document)
    assert document["accepted"] == "orders-3"


def test_receipt_of_a_run_that_changed_nothing(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    text = receipt.text(receipt.document(lab, STATES, NOW, PHASES | {"changed": 0}, ARTIFACTS))
    assert text.startswith("lab: stack current, 2 machines; nothing changed\n")


def test_receipt_invents_nothing(tmp_path: Path) -> None:
    bare = load(write(tmp_path, {"name": "x", "stack": "s", "versions": {}, "machines": {}}))
    document = receipt.document(bare, {}, None, None, None)
    assert (document["smoke"], document["phases"], document["artifacts"]) == (None, None, None)
    text = receipt.text(document)
    assert text.startswith("x: stack s, 0 machines; deployment not run\n")
    assert "Next" not in text
    assert text.endswith("\nSmoke\n  not run\n\nVersions: not run\nPhases: not run\n")
    assert "not run" in receipt.markdown(document)


SPARK = {"name": "spark word count", "ok": True, "seconds": 30.0, "facts": "9 words", "evidence": []}
PROOF = {"run": "r0", "started": "T0", "processes": {}, "checks": [SPARK, SMOKE["checks"][0]]}


def test_receipt_of_a_run_without_spark_holds_the_proof_of_the_run_before(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    quick = report.document("r1", "T1", 1, "quick", RESULTS[:1]) | {"current": True, "proof": PROOF}
    text = receipt.text(receipt.document(lab, STATES, quick, PHASES, ARTIFACTS))
    assert text[text.index("Smoke\n") : text.index("\nVersions: ")] == (
        "Smoke\n  spark word count  9 words; by run r0, T0\n  passed            run r1, quick, 1.0 s, T1\n"
    )


def test_receipt_shows_no_proof_of_daemons_that_run_no_more(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    earlier = report.document("r1", "T1", 1, "full", RESULTS[:1]) | {"current": False, "proof": PROOF}
    for shown in (receipt.text, receipt.markdown):
        text = shown(receipt.document(lab, STATES, earlier, PHASES, ARTIFACTS))
        assert "of an earlier deployment: run r1, full, 1.0 s, T1" in text
        assert "passed" not in text
        assert "read on 2 others" not in text
    # What failed is told, whatever runs by now: the daemon that failed it may have been started again.
    text = receipt.text(receipt.document(lab, STATES, SMOKE | {"current": False}, PHASES, ARTIFACTS))
    assert "kafka      FAILED: 5 sent" in text


def test_receipt_as_markdown_holds_whole_checksums(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    page = receipt.markdown(receipt.document(lab, STATES, NOW, PHASES, ARTIFACTS))
    assert f"| kafka | 4.3.0 from maven, sha512 {'ab' * 64} |" in page
    assert "| NameNode nn1 | http://millrace-1:9870 active |" in page
    assert (
        "Here:\n\n```sh\nmake smoke INVENTORY=inventories/here\nssh -F out/lab/ssh_config millrace-1\n```\n\n"
        "On millrace-1:\n\n```sh\nkafka-topics.sh" in page
    )
    assert page.count("```") == 4


def test_receipt_names_both_versions_of_a_product(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    older = ARTIFACTS["kafka-4.3.0"] | {"version": "0.10.2.2", "sha512": "cd" * 64}
    page = receipt.markdown(receipt.document(lab, STATES, NOW, PHASES, ARTIFACTS | {"kafka-0.10.2.2": older}))
    assert f"| kafka | 4.3.0 from maven, sha512 {'ab' * 64} |" in page
    assert f"| kafka | 0.10.2.2 from maven, sha512 {'cd' * 64} |" in page


def test_a_terminal_of_100_columns_is_enough(tmp_path: Path) -> None:
    document = json.loads(json.dumps(LAB))
    document["kafka"]["brokers"] = [
        {"id": n, "host": f"broker-{n}.example.org", "port": 9092, "unit": f"kafka@{n}"} for n in range(1, 10)
    ]
    options = [word for n in range(8) for word in ("-o", f"SomeRatherLongOption{n}=/a/rather/long/path")]
    document["next"] = [["ssh", *options, "root@millrace-1"]]
    big = load(write(tmp_path, document))
    text = receipt.text(receipt.document(big, STATES, NOW, PHASES, ARTIFACTS))
    kafka_topics = next(
        line for line in text.splitlines() if line.strip().startswith("broker-1") and "--" not in line
    )
    assert [line for line in text.splitlines() if len(line) > 100 and line != kafka_topics] == []
    # What is to be typed is one command to a shell, whatever the line breaks.
    command = text[text.index("  ssh ") : text.index("\nNext, on millrace-1")]
    said = subprocess.run(["sh", "-c", f"printf '%s|' {command}"], capture_output=True, text=True, check=True)
    assert said.stdout.split("|")[:-1] == ["ssh", *options, "root@millrace-1"]
    assert big.kafka
    assert ",".join(big.kafka.bootstrap) in "".join(line.strip() for line in text.splitlines())


def test_wrap_breaks_after_commas_and_blanks_only() -> None:
    assert receipt.wrap("aa,bb,cc dd", 6) == ["aa,bb,", "cc dd"]
    assert receipt.wrap("unbreakable", 4) == ["unbreakable"]
    assert receipt.wrap("", 4) == []
    assert receipt.wrap_command(["one", "two words", "three"], 18) == ["one 'two words' \\", "    three"]


def test_a_missing_cluster_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "run", "receipt"):
        assert cli.main([command, "--cluster", str(tmp_path / "none.json")]) == 2
        assert capsys.readouterr().err.startswith(f"smoke: {tmp_path}/none.json is not there")


def test_a_section_asked_for_and_missing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, {key: value for key, value in LAB.items() if key != "kafka"})
    assert cli.main(["check", "--cluster", str(path), "--only", "zookeeper", "kafka"]) == 2
    assert capsys.readouterr().err == f"smoke: {path}: kafka is missing, and --only asks for it\n"


def test_nothing_to_check_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, {"name": "x", "stack": "s", "versions": {}, "machines": {}})
    for command in ("check", "run"):
        assert cli.main([command, "--cluster", str(path)]) == 2
        assert "no service to check" in capsys.readouterr().err


def test_of_a_service_without_a_daemon_nothing_is_awaited(tmp_path: Path) -> None:
    """Spark whose inventory has no history server."""
    without = LAB | {"spark": LAB["spark"] | {"historyserver": None}}
    assert cli.main(["check", "--cluster", str(write(tmp_path, without)), "--only", "spark"]) == 0


def test_check_fails_with_the_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document: dict[str, Any] = {
        "name": "x",
        "stack": "s",
        "versions": {},
        "machines": {"127.0.0.1": {"ssh": ["sh", "-c", "echo its journal"]}},
        "zookeeper": {"servers": [{"host": "127.0.0.1", "port": 1, "unit": "zookeeper"}]},
    }
    assert cli.main(["check", "--cluster", str(write(tmp_path, document)), "--timeout", "0.1"]) == 1
    out = capsys.readouterr().out
    assert "\nzookeeper: 127.0.0.1:1: Connection refused (waited 0.1 s)\n" in out
    assert out.endswith("/evidence.log\ncheck FAILED: zookeeper\n")
    assert "its journal\n" in (tmp_path / "evidence.log").read_text()


@pytest.mark.parametrize("arguments", [[], ["walk"], ["run", "--records", "0"], ["check", "--only", "hbase"]])
def test_bad_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_quick_leaves_spark_out_and_a_cluster_is_put_to_what_it_has(tmp_path: Path) -> None:
    lab = load(write(tmp_path, LAB))
    assert [check.name for check in cli.checks_of(lab, quick=False)] == [
        "spark",
        "zookeeper",
        "hdfs",
        "kafka",
    ]
    assert [check.name for check in cli.checks_of(lab, quick=True)] == ["zookeeper", "hdfs", "kafka"]
    bare = load(write(tmp_path, {key: value for key, value in LAB.items() if key != "yarn"}))
    assert [check.name for check in cli.checks_of(bare, quick=False)] == ["zookeeper", "hdfs", "kafka"]


def test_receipt_command_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = {key: LAB[key] for key in ("name", "stack", "versions", "machines", "kafka")}
    path = write(tmp_path, document | {"inventory": "/kit/inventories/here"})
    (tmp_path / "phases.json").write_text(json.dumps(PHASES))
    files = [f"--{name}={tmp_path}/{name}.json" for name in ("smoke", "phases", "artifacts")]
    assert cli.main(["receipt", f"--cluster={path}", *files, f"--out-dir={tmp_path}/out"]) == 0
    assert "services 21.2 s (12 changes), total" in capsys.readouterr().out
    written = json.loads((tmp_path / "out/receipt.json").read_text())
    assert (written["phases"], written["smoke"]) == (PHASES, None)
    assert (tmp_path / "out/receipt.md").read_text().startswith("# lab\n")


def test_receipt_made_alone_shows_its_own_deployment(tmp_path: Path) -> None:
    document = {key: LAB[key] for key in ("name", "stack", "versions", "machines", "kafka", "inventory")}
    words = ["receipt", f"--cluster={write(tmp_path, document)}", f"--out-dir={tmp_path}"]
    words += [f"--{name}={tmp_path}/{name}.json" for name in ("smoke", "phases", "artifacts")]

    def phases(recorded: dict[str, Any]) -> Any:
        (tmp_path / "phases.json").write_text(json.dumps(recorded))
        assert cli.main(words) == 0
        return json.loads((tmp_path / "receipt.json").read_text())["phases"]

    other = PHASES | {"inventories": ["/kit/inventories/other"], "changed": 0}
    assert phases(other) is None
    assert phases(PHASES) == PHASES
    assert phases(other) == PHASES  # another cluster was deployed since


@pytest.mark.parametrize(
    ("ran", "said"), [("aa", "passed"), ("bb", "of an earlier deployment: run r1, full")]
)
def test_receipt_asks_whether_what_was_proved_still_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ran: str, said: str
) -> None:
    machine = {"ssh": ["sh", "-c", f"echo {ran}"], "units": ["zookeeper"]}
    document = {"name": "x", "stack": "s", "versions": {}, "machines": {"m1": machine}}
    words = ["receipt", f"--cluster={write(tmp_path, document)}", f"--out-dir={tmp_path}"]
    words += [f"--{name}={tmp_path}/{name}.json" for name in ("smoke", "phases", "artifacts")]
    proved = report.document("r1", "T1", 1, "full", RESULTS[:1])
    (tmp_path / "smoke.json").write_text(json.dumps(proved | {"processes": {"m1 zookeeper": "aa"}}))
    assert cli.main(words) == 0
    assert said in capsys.readouterr().out


def test_receipt_refuses_a_broken_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, {key: LAB[key] for key in ("name", "stack", "versions", "machines", "kafka")})
    (tmp_path / "phases.json").write_text("[]")
    assert (
        cli.main(
            ["receipt", f"--cluster={path}", f"--phases={tmp_path}/phases.json", f"--out-dir={tmp_path}"]
        )
        == 2
    )
    assert capsys.readouterr().err == f"smoke: {tmp_path}/phases.json: a list, expected an object\n"


def test_the_receipt_of_old_versions_says_what_they_are() -> None:
    old = Kafka("0.8.2.1", (Broker(0, "master", 9092, "kafka@0"),), (), "localhost:2181")
    beside = dataclasses.replace(
        old, standalone=(Kafka("0.10.2.2", (Broker(10, "master", 9095, "kafka@10"),)),)
    )
    cluster = Cluster(
        "course",
        "course",
        {},
        {"master": Machine(("ssh", "master"))},
        kafka=beside,
        note="For learning only.",
    )
    document = receipt.document(cluster, {}, None, None, None)
    for shown in (receipt.text(document), receipt.markdown(document)):
        assert "For learning only." in shown
        assert "kafka-topics.sh --zookeeper localhost:2181 --list" in shown
        assert "master:9095" in shown
