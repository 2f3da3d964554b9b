"""make plan: the preflight and the plan, and nothing else that could make something."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.unit.playbooks import CHECKOUT, finish, start


def test_the_tag_plan_has_no_task_that_makes_something(tmp_path: Path) -> None:
    words = ("--inventory", "tests/inventories/plain", "site.yml", "--tags", "plan", "--list-tasks")
    run = start(tmp_path, *words)
    output = finish(run)
    assert run.returncode == 0, output
    plays = output.split("\n\n")
    tasks = [
        line.strip()
        for play in plays
        if "Preflight" not in play
        for line in play.splitlines()
        if "TAGS: [" in line and not line.lstrip().startswith("play #")
    ]
    made = [task for task in tasks if "Validating arguments" not in task]
    assert [task.partition("\t")[0] for task in made] == [
        "common : plan | Read what each machine is",
        "common : plan | Refuse machines that cannot be used",
        "common : lock | Lock the cluster",
        "common : plan | Read what differs on each machine, and what data lies there",
        "common : plan | Decide, and refuse what could lose data",
    ]


def test_the_target_runs_that_tag_in_check_mode() -> None:
    recipe = (CHECKOUT / "Makefile").read_text().partition("\nplan: ")[2].partition("\n\n")[0]
    assert "site.yml --tags plan --check" in recipe


def test_what_is_included_in_an_order_is_included_for_all_machines() -> None:
    """Files for one machine each come in the order in which the machines answer."""
    found = []
    for path in CHECKOUT.glob("roles/*/tasks/*.yml"):
        for task in yaml.safe_load(path.read_text()) or ():
            item = task.get("loop_control", {}).get("loop_var", "item")
            says = str(task.get("when"))
            included = "ansible.builtin.include_tasks" in task or "ansible.builtin.include_role" in task
            if included and "loop" in task and "inventory_hostname" in says and item in says:
                found.append(f"{path}: {task['name']}")
    assert not found
