"""make show: the final value of a variable on a machine, without secrets; wrong names are refused."""

from __future__ import annotations

import json
from pathlib import Path

import host_files
import pytest
from without_secrets import HIDDEN, WORD, without_secrets

from tests.unit.playbooks import finish, start


def show(directory: Path, **given: object) -> tuple[int, str]:
    """Exit code and output of the playbook on the plain inventory."""
    words = ("--inventory", "tests/inventories/plain", "--extra-vars", json.dumps(given))
    run = start(directory, *words, "playbooks/show.yml")
    output = finish(run)
    assert run.returncode is not None
    return run.returncode, output


def test_the_value_of_a_service_is_shown_without_secrets(tmp_path: Path) -> None:
    secrets = {"sasl.jaas.config": "Module required x=hunter2;", "log.retention.hours": 24}
    code, output = show(
        tmp_path, host="one", variable="kafka_service", kafka_server_properties_overrides=secrets
    )
    assert code == 0, output
    assert "kafka_service:" in output
    assert "dest: /etc/kafka/server-1.properties" in output
    assert f"vars: {HIDDEN}" in output.replace("'", "").replace('"', "")
    assert "hunter2" not in output


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"host": "two", "variable": "kafka_service"},
            "HOST is 'two': give HOST= and one of one",
        ),
        ({"host": "", "variable": ""}, "VAR is '': give VAR= and the name of a variable"),
        ({"host": "one", "variable": "kafka_srevice"}, "VAR is 'kafka_srevice', which one has not"),
    ],
)
def test_a_wrong_name_is_refused(tmp_path: Path, given: dict[str, str], says: str) -> None:
    code, output = show(tmp_path, **given)
    assert code == 2
    assert says in " ".join(output.split())


def test_keys_and_text_with_secrets_are_hidden() -> None:
    assert without_secrets(
        {
            "a": [{"ssl.keystore.password": "x"}, "jdbc://u:p@h/d", "-Dkey.password=x", "/etc/passwd"],
            "b": {"sensitive": True, "vars": {"any": "x"}, "dest": "/d"},
        }
    ) == {
        "a": [{"ssl.keystore.password": HIDDEN}, HIDDEN, HIDDEN, "/etc/passwd"],
        "b": {"sensitive": True, "vars": HIDDEN, "dest": "/d"},
    }


def test_the_words_are_those_of_diffs() -> None:
    assert WORD == host_files._WORD
