"""What holds for all plays of site.yml: no machine is deployed without the others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT, finish, start
from tests.unit.test_gates import PLAYBOOKS

# Their tasks run once, on the controller.
REPORTS = {"check.yml", "smoke.yml", "receipt.yml"}


def plays() -> dict[str, dict[str, Any]]:
    """The plays that reach machines, by playbook and name."""
    site = yaml.safe_load((CHECKOUT / "site.yml").read_text())
    paths = [CHECKOUT / each["ansible.builtin.import_playbook"] for each in site]
    return {
        f"{path.name}: {play['name']}": play
        for path in paths
        if path.name not in REPORTS
        for play in yaml.safe_load(path.read_text())
        if "localhost" not in play["hosts"]
    }


@pytest.mark.parametrize("play", plays().values(), ids=plays())
def test_a_play_ends_when_one_machine_fails(play: dict[str, Any]) -> None:
    # A batch of one machine that fails is a batch without a machine, at which Ansible ends the run.
    # With a percentage one that does not answer is left out, and does not end it.
    fails = play.get("any_errors_fatal") or play.get("max_fail_percentage") == 0
    assert fails or play.get("serial") == 1


@pytest.mark.parametrize("service", ["hdfs", "yarn"])
def test_workers_are_rolled_in_the_batches_of_the_plan(service: str) -> None:
    _, play, _ = yaml.safe_load((CHECKOUT / f"playbooks/steps/{service}.yml").read_text())
    for key, verb in {"hosts": "roll", "serial": "serial"}.items():
        assert play[key] == f"{{{{ hostvars | default({{}}) | planned('{verb}', '{service}') }}}}"


def test_a_machine_that_does_not_answer_is_left_out_of_a_plan_and_one_that_fails_ends_it(
    tmp_path: Path,
) -> None:
    """What max_fail_percentage does, on which the plan relies."""
    (plan,) = (play for name, play in plays().items() if name.startswith("plan.yml"))
    keys = {key: plan[key] for key in ("max_fail_percentage", "gather_facts")}
    command = {"ansible.builtin.command": {"argv": ["{{ does }}"]}}
    (tmp_path / "plan.json").write_text(
        json.dumps([{"hosts": "all", "tasks": [command], **keys}, {"hosts": "a", "tasks": [command], **keys}])
    )

    def run(**does: str) -> tuple[int, str]:
        hosts: dict[str, dict[str, Any]] = {
            host: {"does": program, "ansible_connection": "local"} for host, program in does.items()
        }
        hosts["gone"] = {"does": "true", "ansible_host": "127.0.0.1", "ansible_port": 1}
        (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
        process = start(tmp_path, "-i", str(tmp_path / "hosts.json"), str(tmp_path / "plan.json"))
        output = finish(process)
        return process.returncode, output

    rc, output = run(a="true", b="true")
    assert (rc, output.count("changed: [a]")) == (4, 2), output
    rc, output = run(a="true", b="false")
    assert (rc & 2, output.count("changed: [a]")) == (2, 1), output


def test_a_fault_of_one_machine_stops_all(tmp_path: Path) -> None:
    (tmp_path / "fault.json").write_text(
        json.dumps({"all": {"hosts": {"millrace-2": {"zookeeper_heap": "1 GB"}}}})
    )
    probe = {
        "hosts": "cluster",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.debug": {"msg": "PROBE"}}],
    }
    (tmp_path / "play.json").write_text(
        json.dumps([{"ansible.builtin.import_playbook": str(CHECKOUT / "playbooks/preflight.yml")}, probe])
    )
    inventories = ("-i", "inventories/lab", "-i", str(tmp_path / "fault.json"))
    run = start(tmp_path, *inventories, str(tmp_path / "play.json"))
    output = finish(run)
    assert run.returncode == 2, output
    assert "zookeeper_heap is '1 GB'" in output
    assert "PROBE" not in output
    assert not (tmp_path / "cluster.json").exists()


def test_what_a_playbook_says_itself_needs_no_directory_of_a_role() -> None:
    # They are made from role_path, which only a role's own tasks have.
    for path in (CHECKOUT / "playbooks").rglob("*.yml"):
        assert not re.search(r"common_(checkout|reports|check)\b|role_path", path.read_text()), path


def test_no_tag_leaves_out_the_refusal_of_bad_input() -> None:
    for play in yaml.safe_load((CHECKOUT / "playbooks/preflight.yml").read_text()):
        for task in play["tasks"]:
            # The imports bring variables, not tasks.
            assert "always" in task.get("tags", ()) or "ansible.builtin.import_tasks" in task
    (lab,) = (task for task in play["tasks"] if task["name"] == "Lab")
    assert "always" in lab["ansible.builtin.include_role"]["apply"]["tags"]


def test_a_tag_alone_needs_nothing_of_the_plays_before(tmp_path: Path) -> None:
    # Of all plays only the argument specs are looked at, which no tag leaves out, and with their conditions.
    words = ("--tags", "none-of-them")
    run = start(tmp_path, "--inventory", "inventories/course", "site.yml", *words)
    output = finish(run)
    assert run.returncode == 0, output


def test_no_tag_of_a_play_runs_the_roles_that_only_lend_it_their_variables() -> None:
    # They have the tag never, and tags of a play are added to those of its tasks: --tags check would deploy.
    for path in (CHECKOUT / "playbooks").glob("**/*.yml"):
        for play in yaml.safe_load(path.read_text()):
            imports = [str(task.get("ansible.builtin.import_tasks")) for task in play.get("tasks", ())]
            if any(each.endswith("services.yml") for each in imports):
                assert "tags" not in play, path


# Plays that change no machine of a cluster: they look, work on the controller, or make and remove containers.
# What Check keeps on machines it keeps after a plan.
HARMLESS = (
    "Preflight",
    "preflight.yml",
    "Artifacts",
    "Lab",
    "Check",
    "Smoke",
    "Receipt",
    "Show",
    "Restart | ",
    "Teardown | ",
)
UNLOCKED = {"artifacts", "check", "lab_clean", "lab_down", "lab_up", "preflight", "receipt", "show", "smoke"}


def locks(play: dict[str, Any]) -> bool:
    """Whether the first task of a play locks the cluster, or makes the plan, which does."""
    tasks = [task for task in play.get("tasks", ()) if "ansible.builtin.import_tasks" not in task]
    role = tasks[0].get("ansible.builtin.import_role", {}) if tasks else {}
    return (role.get("name"), role.get("tasks_from")) in (("common", "lock"), ("common", "plan"))


def test_the_plan_locks_the_cluster_when_the_machines_were_looked_at() -> None:
    plan = yaml.safe_load((CHECKOUT / "roles/common/tasks/plan.yml").read_text())
    before = [task.get("ansible.builtin.import_tasks") for task in plan].index("lock.yml")
    assert ("machine_facts" in plan[0], "preflight" in plan[1], before) == (True, True, 2)
    (lock,) = yaml.safe_load((CHECKOUT / "roles/common/tasks/lock.yml").read_text())
    assert lock["run_once"]
    assert "cluster_lock" in lock


@pytest.mark.parametrize("name", sorted(PLAYBOOKS))
def test_no_machine_is_changed_before_the_cluster_is_locked(name: str) -> None:
    found = PLAYBOOKS[name]
    first = next((number for number, play in enumerate(found) if locks(play)), len(found))
    assert [play["name"] for play in found[:first] if not play["name"].startswith(HARMLESS)] == []
    assert (first == len(found)) == (name.removesuffix(".yml") in UNLOCKED)


def test_no_role_hides_tasks_by_the_tag_never() -> None:
    """Tasks have the tags of their play, too: whoever asks for one of those would run them."""
    files = [*CHECKOUT.glob("roles/*/tasks/*.yml"), *CHECKOUT.glob("roles/*/meta/main.yml")]
    assert [str(path) for path in files if re.search(r"tags:.*\bnever\b", path.read_text())] == []
