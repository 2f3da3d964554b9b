"""A misspelt key in ansible.cfg is silently without effect: Ansible itself is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

from tests.unit.playbooks import CHECKOUT


def validate(config: Path) -> subprocess.CompletedProcess[str]:
    """Let Ansible look at a configuration."""
    program = Path(sys.executable).parent / "ansible-config"
    return subprocess.run(
        [str(program), "validate", "--type", "all"],
        cwd=config.parent,
        env=os.environ | {"ANSIBLE_CONFIG": str(config)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_ansible_knows_every_key() -> None:
    done = validate(CHECKOUT / "ansible.cfg")
    assert done.returncode == 0, done.stderr


def test_modules_arguments_are_not_logged_on_the_machines() -> None:
    config = ConfigParser()
    config.read(CHECKOUT / "ansible.cfg")
    assert config.getboolean("defaults", "no_target_syslog")


def test_a_planted_key_is_found(tmp_path: Path) -> None:
    config = tmp_path / "ansible.cfg"
    config.write_text(
        (CHECKOUT / "ansible.cfg").read_text().replace("[defaults]", "[defaults]\nforrks = 1", 1)
    )
    done = validate(config)
    assert done.returncode != 0
    assert "forrks" in done.stderr


def test_settings_that_stand_twice_are_refused(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all:\n  hosts: {one: }\n  vars:\n    a_x: {x: 1}\n    a_x: {y: 2}\n")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(inventory), "--list"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "a_x" not in done.stdout
    assert "duplicate" in done.stderr.lower()
