"""The scenarios of molecule: they hold variables only, and are chosen by what changed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from tests import release, scenarios
from tests.scenarios import CHECKOUT, known, main, roles, touched

ROLES = ("java", "zookeeper", "hdfs", "yarn", "kafka", "spark")
WHOLE = {"default", "single", "plain", "machines", "upgrade"}


def test_each_role_has_one() -> None:
    alone = {scenario: roles(scenario) for scenario in known() if scenario not in WHOLE}
    assert {role for role in ROLES if role in alone} == set(ROLES)
    for scenario, deployed in alone.items():
        assert scenario.partition("-")[0] in deployed


@pytest.mark.parametrize("scenario", known())
def test_a_scenario_holds_variables_only(scenario: str) -> None:
    directory = CHECKOUT / "molecule" / scenario
    files = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("inventory/")} == {"molecule.yml"}
    said = yaml.safe_load((directory / "molecule.yml").read_text())
    if scenario in WHOLE:
        converge = "../shared/release.yml" if scenario == "upgrade" else "../../site.yml"
        assert said["ansible"]["playbooks"] == {"converge": converge}
    else:
        assert said == {}


@pytest.mark.parametrize(
    ("path", "runs"),
    [
        ("roles/kafka/vars/main.yml", WHOLE | {"kafka", "kafka-alternative", "kafka-controllers"}),
        (
            "roles/hadoop/vars/main.yml",
            WHOLE | {"hdfs", "hdfs-alternative", "yarn", "yarn-alternative", "spark", "spark-alternative"},
        ),
        ("roles/spark/defaults/main.yml", WHOLE | {"spark", "spark-alternative"}),
        ("molecule/java/inventory/hosts.yml", {"java"}),
        ("tests/cluster/test_1_state.py", {"default"}),
        ("tests/role/test_1_state.py", set(known()) - {"default", "upgrade"}),
        ("tests/upgrade/test_1_upgraded.py", {"upgrade"}),
        ("roles/java/tasks/install.yml", set(known())),
        ("smoke/gates.py", set(known())),
        ("README.md", set()),
        ("course/guide.py", set()),
    ],
)
def test_what_a_change_is_a_part_of(path: str, runs: set[str]) -> None:
    assert {scenario for scenario in known() if touched(scenario, [path])} == runs


@pytest.mark.parametrize("scenario", known())
def test_a_whole_cluster_and_a_role_have_tests_of_their_own(scenario: str) -> None:
    inventory = CHECKOUT / "molecule" / scenario / "inventory"
    # As Ansible reads them: files of a directory in the order of their names.
    files = [*sorted((inventory / "group_vars/all").glob("*.yml")), inventory / "group_vars/cluster.yml"]
    said: dict[str, object] = {}
    for path in files:
        said |= yaml.safe_load(path.read_text())
    own = {"default": "tests/cluster", "upgrade": "tests/upgrade"}
    assert said["scenario_tests"] == own.get(scenario, "tests/role")


def test_an_upgrade_is_skipped_aloud_where_its_release_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _molecule(tmp_path, monkeypatch)
    monkeypatch.setattr(release, "is_there", lambda _: False)
    assert main(["upgrade", "java"]) == 0
    said = capsys.readouterr().out
    name, commit = release.last()
    assert f"scenario upgrade: SKIPPED, release {name} is {commit}, which this clone has not" in said
    assert "scenarios: java" in said


def _molecule(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = directory / "molecule"
    program.write_text('#!/bin/sh\necho "INFO $* Executed: Failed"\ncase "$*" in *kafka*) exit 1 ;; esac\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(directory), prepend=":")
    monkeypatch.setattr(scenarios, "REPORTS", directory / "out/molecule")


def test_one_that_fails_is_named_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _molecule(tmp_path, monkeypatch)
    assert main(["kafka", "java", "--keep"]) == 1
    said = capsys.readouterr().out
    assert "scenario kafka: FAILED, see out/molecule/kafka.log" in said
    assert "scenario java: passed" in said
    assert said.endswith("failed: kafka\n")
    assert "test -s kafka --destroy=never" in (tmp_path / "out/molecule/kafka.log").read_text()


def test_all_that_pass_are_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _molecule(tmp_path, monkeypatch)
    assert main(["java"]) == 0
    assert "failed" not in capsys.readouterr().out.replace("Failed", "")
