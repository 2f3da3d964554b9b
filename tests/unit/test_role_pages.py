"""The pages of the roles say what these declare, and their examples run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate import EXAMPLES, PAGES, default, installs, markdown, pages, row
from tests.unit.playbooks import CHECKOUT
from tests.unit.test_plan import systemctl


def test_the_pages_are_those_that_make_docs_makes() -> None:
    found = {path.name: path.read_text() for path in PAGES.iterdir()}
    stale = [name for name, text in pages().items() if found.get(name) != text]
    assert stale == [], "type: make docs"
    assert sorted(found) == sorted(pages())


def test_a_description_is_a_cell_of_a_table() -> None:
    assert markdown("C(a|b), see L(page,https://x.org)") == r"`a\|b`, see [page](https://x.org)"
    assert (
        markdown("as C({one: {22: 2201}}) or O(other),\n  and C(<a>)")
        == "as `{one: {22: 2201}}` or `other`, and `<a>`"
    )
    assert markdown("as C(f(x))") == "as `f(x)`"


def test_a_line_says_type_choices_default_and_upstream() -> None:
    option = {
        "type": "list",
        "elements": "str",
        "choices": ["", "a"],
        "description": ["Some.", "Upstream's L(page,https://x.org)."],
    }
    assert row("b_c", option, "`a`") == (
        '| `b_c` | list of str | `a` | Some. One of `""`, `a`. | [page](https://x.org) |'
    )


@pytest.mark.parametrize(
    ("option", "defaults", "shown"),
    [
        ({"required": True}, {}, "required"),
        ({}, {"a": ""}, '`""`'),
        ({}, {"a": "1g"}, "`1g`"),
        ({}, {"a": False}, "`false`"),
        ({}, {"a": "{{ b | c }}"}, r"`{{ b \| c }}`"),
        ({}, {"a": ["x"] * 30}, "[in its file](../../roles/role/defaults/main.yml)"),
    ],
)
def test_a_default_is_shown_as_it_is_written(
    option: dict[str, bool], defaults: dict[str, object], shown: str
) -> None:
    assert default("role", "a", option, defaults) == shown


def test_what_a_service_has_on_a_machine_is_read_from_its_value() -> None:
    there = "\n".join(installs("zookeeper"))
    assert "- Users: `zookeeper`\n" in there
    assert "- Units: `zookeeper`\n" in there
    assert "`/etc/zookeeper/zoo.cfg`" in there
    assert "{{" not in there
    assert "`hdfs-namenode`" in "\n".join(installs("hdfs"))


def test_every_service_has_an_example() -> None:
    services = {
        path.parents[1].name
        for path in CHECKOUT.glob("roles/*/vars/main.yml")
        if "_service:" in path.read_text()
    }
    assert {path.stem for path in EXAMPLES.glob("*.yml")} - {"hosts"} == services - {"hadoop", "common"}


ROLES = sorted({path.stem for path in EXAMPLES.glob("*.yml")} - {"hosts"})


def run(role: str, directory: Path, **given: object) -> subprocess.CompletedProcess[str]:
    """Check an example on this machine; its ansible.cfg knows nothing but where the roles are."""
    (directory / "ansible.cfg").write_text(f"[defaults]\nroles_path = {CHECKOUT}/roles\n")
    (directory / "hosts.yml").write_text(
        (EXAMPLES / "hosts.yml").read_text().replace("machine-1", "localhost")
    )
    (directory / "play.yml").write_text((EXAMPLES / f"{role}.yml").read_text())
    given = {
        "ansible_python_interpreter": sys.executable,
        "common_reports": str(directory / "reports"),
    } | given
    return subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("-i", "hosts.yml", "--connection", "local", "--check", "-e", json.dumps(given), "play.yml"),
        ],
        cwd=directory,
        env=os.environ
        | {
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": systemctl(directory),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("role", ROLES)
def test_an_example_runs_elsewhere(role: str, tmp_path: Path) -> None:
    """The roles bring their plugins along."""
    done = run(role, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "plan of own: 1 machine\n" in done.stdout
    plan = json.loads((tmp_path / "reports" / "check.json").read_text())
    steps = [(step["do"], step.get("service")) for step in plan["steps"]]
    # Java has no daemon.
    assert steps == [("install", None), ("deploy", role)][: 1 if role == "java" else 2]


@pytest.mark.parametrize("role", ["java", "kafka"])
def test_an_example_puts_nothing_on_a_machine_that_is_refused(role: str, tmp_path: Path) -> None:
    """What comes first looks at it, and changes nothing."""
    done = run(role, tmp_path, java_package="openjdk-99-jre-headless", java_home="/no/java")
    assert done.returncode == 2, done.stdout
    assert "java_major is 99, which Debian" in done.stdout
    tasks = re.findall(r"^TASK \[(.*)\]", done.stdout, re.MULTILINE)
    assert tasks[-1] == "common : plan | Refuse machines that cannot be used"
