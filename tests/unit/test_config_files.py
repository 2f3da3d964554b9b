"""What files shall hold is nobody's to read in logs and output: the modules as Ansible calls them."""

from __future__ import annotations

import syslog
from pathlib import Path
from typing import Any

import config_files
import pytest
import service_state
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

from tests.unit.playbooks import run_local

SECRET = "s3cr3t"
SELF = {"owner": "{{ lookup('pipe', 'id -un') }}", "group": "{{ lookup('pipe', 'id -gn') }}"}

# Stands for python3-systemd, by which Ansible writes to the journal.
JOURNAL = """
def sendv(*fields): pass
def send(MESSAGE, **fields):
    with open({!r}, "a") as log:
        log.write(f"{{MESSAGE}} {{fields}}\\n")
"""


@pytest.mark.parametrize("form", ["content", "secret_content"])
@pytest.mark.parametrize("no_log", [True, False])
def test_the_arguments_are_not_logged_whatever_the_controller_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_log: bool, form: str
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(syslog, "syslog", lambda *words: logged.append(str(words)))
    files = [{"path": str(tmp_path / "a"), form: f"key={SECRET}\n"}]
    internal = {"_ansible_no_log": no_log, "_ansible_check_mode": True}
    for main, arguments in (
        (config_files.main, {"files": files}),
        (service_state.main, {"services": [{"name": "it", "files": files}], "state": "started"}),
    ):
        with patch_module_args(arguments | internal), pytest.raises(SystemExit) as done:
            main()
        assert done.value.code == 0
    assert logged == []


@pytest.mark.parametrize("forms", [{}, {"content": "x", "secret_content": "x"}], ids=["neither", "both"])
@pytest.mark.parametrize("main", [config_files.main, service_state.main])
def test_a_file_has_one_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], main: Any, forms: dict[str, str]
) -> None:
    files = [{"path": str(tmp_path / "a")} | forms]
    arguments: dict[str, Any] = {"files": files}
    if main is service_state.main:
        arguments = {"services": [{"name": "it", "files": files}], "state": "started"}
    with patch_module_args(arguments), pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 1
    assert "content, secret_content" in capsys.readouterr().out.replace("|", ", ")
    assert not (tmp_path / "a").exists()


def test_a_run_shows_and_logs_no_secret(tmp_path: Path) -> None:
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "journal.py").write_text(JOURNAL.format(str(tmp_path / "log")))
    (tmp_path / "systemd" / "daemon.py").write_text("def booted(): return True\n")
    (tmp_path / "systemd" / "__init__.py").touch()
    for name in ("properties", "conf"):
        (tmp_path / name).write_text(f"a.password=older-{SECRET}\n")
    files = [
        {"path": str(tmp_path / "properties"), "secret_content": f"a.password={SECRET}\n"} | SELF,
        {"path": str(tmp_path / "conf"), "content": "b=2\n", "sensitive": True} | SELF,
    ]
    # A template of a service, taken as it lies there.
    (tmp_path / "source").write_text(f"a.password={SECRET}\n")
    template = {
        "file": str(tmp_path / "source"),
        "dest": str(tmp_path / "rendered"),
        "sensitive": True,
    } | SELF
    service = {"name": "it", "templates": [template]}
    tasks: list[dict[str, Any]] = [
        {"service_state": {"services": [service], "state": "started", "record": str(tmp_path / "made.json")}},
        {"config_files": {"files": files}},
        {"ansible.builtin.stat": {"path": str(tmp_path / "conf")}},
    ]
    environment = {
        "ANSIBLE_NO_TARGET_SYSLOG": "false",
        # What a module was called with; Ansible from 2.20 on shows it only when asked.
        "ANSIBLE_INJECT_INVOCATION": "true",
        "PYTHONPATH": str(tmp_path),
    }
    output = run_local(
        tmp_path,
        {"vars": {"common_managed": "Ours."}, "tasks": tasks},
        "-vvv",
        "--diff",
        environment=environment,
    )
    assert (tmp_path / "rendered").read_text() == f"#\n# Ours.\n#\na.password={SECRET}\n"
    assert (tmp_path / "properties").read_text() == f"a.password={SECRET}\n"
    assert "differs (content hidden: it may hold a secret)" in output
    assert output.count("secret_content: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER") == 2
    assert SECRET not in output
    # The log that is looked at is one.
    log = (tmp_path / "log").read_text()
    assert "stat Invoked with" in log
    assert "files" not in log
    assert SECRET not in log
