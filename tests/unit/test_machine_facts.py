"""The action beside the module machine_facts: what it adds, and what it says where sudo wants a password."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.playbooks import run_local

SUDO = """#!/bin/sh
echo 'sudo: a password is required' >&2
exit 1
"""


def play(**keywords: Any) -> dict[str, Any]:
    """A play that reads this machine, and shows what it read."""
    shown = {"ansible.builtin.debug": {"msg": "FOUND {{ read.facts | to_json }}"}}
    return {"tasks": [{"machine_facts": {"names": ["localhost"]}, "register": "read"} | keywords, shown]}


def test_it_reads_this_machine(tmp_path: Path) -> None:
    output = run_local(tmp_path, play(), environment={"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"})
    found = re.search(r'"msg": "FOUND (.*)"$', output, re.MULTILINE)
    assert found, output
    facts = json.loads(json.loads(f'"{found[1]}"'))
    began, ended = facts["asked"]
    assert began <= facts["time"] <= ended
    assert facts["names"] == {"localhost": "127.0.0.1"}
    assert "changed=0" in output


def test_a_sudo_that_wants_a_password(tmp_path: Path) -> None:
    program = tmp_path / "sudo"
    program.write_text(SUDO)
    program.chmod(0o755)
    become = {"become": True, "become_user": "nobody", "vars": {"ansible_become_exe": str(program)}}
    with pytest.raises(AssertionError) as refused:
        run_local(tmp_path, play(**become))
    said = " ".join(str(refused.value).split())
    assert (
        "sudo wants a password on this machine, and the kit's gates and tests could not give one: let" in said
    )
    assert subprocess.run([program], check=False, capture_output=True).returncode == 1
