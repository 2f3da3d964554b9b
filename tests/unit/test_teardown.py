"""What a teardown refuses before a machine is reached, and what it gives the module on each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT, finish, run_local, start

#: How a machine is reached that does not answer.
GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


def torn_down(directory: Path, *words: str) -> str:
    """Run the playbook on machines that do not answer; it fails, with this output."""
    hosts = dict.fromkeys(("millrace-1", "millrace-2", "millrace-3"), GONE)
    (directory / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    inventories = ("-i", "inventories/lab", "-i", str(directory / "hosts.json"))
    run = start(directory, *inventories, "playbooks/teardown.yml", *words)
    output = finish(run)
    assert run.returncode == 2, output
    return " ".join(output.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-e", "remove_data=prod"), "remove_data is 'prod', and this cluster is lab"),
        (("--limit", "millrace-2"), "The limit leaves out millrace-1, millrace-3"),
        (("--limit", "millrace-2", "--check"), "The limit leaves out millrace-1, millrace-3"),
    ],
    ids=["name", "limit", "check"],
)
def test_what_is_refused_before_a_machine_is_reached(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    output = torn_down(tmp_path, *words)
    assert told in output
    assert "UNREACHABLE" not in output


@pytest.mark.parametrize("words", [(), ("-e", "remove_data=lab")], ids=["keep", "remove"])
def test_a_machine_that_does_not_answer_ends_it_before_anything_is_stopped(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    output = torn_down(tmp_path, *words)
    assert "millrace-1, millrace-2, millrace-3 does not answer, and a teardown takes all" in output
    assert "PLAY [Stop]" not in output


def test_the_module_takes_away_what_it_has_made(tmp_path: Path) -> None:
    """On this machine, below a directory: without units, of a user that is there."""
    template = {"file": str(tmp_path / "source"), "dest": str(tmp_path / "etc/it/it.conf")}
    (tmp_path / "source").write_text("key=value\n")
    service = {
        "name": "it",
        "directories": [{"path": str(tmp_path / "var/it"), "owner": "nobody", "group": "nogroup"}],
        "templates": [template],
    }
    state = {"services": [service], "record": str(tmp_path / "state/made.json"), "managed": "Ours."}
    removed = {"service_state": state | {"state": "removed", "remove_data": True}}
    there = [{"ansible.builtin.command": {"argv": ["test", "-f", template["dest"]]}}]
    tasks = [
        {"service_state": state | {"state": "started"}},
        removed | {"check_mode": True},
        *there,
        removed,
        removed | {"register": "again", "failed_when": "again is changed or again.left != []"},
    ]
    run_local(tmp_path, {"vars": {"common_managed": "Ours."}, "tasks": tasks})
    assert {path.name for path in tmp_path.iterdir()} == {"play.yml", "source"}


def tasks() -> list[dict[str, Any]]:
    return list(yaml.safe_load((CHECKOUT / "roles/common/tasks/teardown.yml").read_text()))


def test_nothing_is_removed_where_a_machine_did_not_stop() -> None:
    refuse, remove, *_ = tasks()
    assert refuse["run_once"]
    assert refuse["vars"]["absent"] == "{{ groups['cluster'] | reject('in', ansible_play_hosts) | list }}"
    assert remove["service_state"]["state"] == "removed"


def test_data_goes_for_the_name_of_the_cluster_alone() -> None:
    (remove,) = (task["service_state"] for task in tasks() if "service_state" in task)
    assert remove["remove_data"] == "{{ remove_data == cluster_name }}"
    (forget,) = (task for task in tasks() if "ansible.builtin.include_tasks" in task)
    assert forget["when"] == "remove_data == cluster_name"
