"""Options of ssh as lines of ssh_config, read back by ssh; sudo's words; what the command line gives."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.utils.context_objects import CLIArgs
from ssh_options import become_args, of_command_line, ssh_options

VARIABLE = "ansible_ssh_common_args"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (None, []),
        ("", []),
        ("-o Key=Value -oOther=1", ["Key Value", "Other 1"]),
        ("-o 'Key Value' -o 'Key = Value'", ["Key Value", "Key Value"]),
        ("-o 'ProxyCommand=ssh -W %h:%p bastion'", ["ProxyCommand ssh -W %h:%p bastion"]),
        (
            '-o ProxyCommand="ssh -W %h:%p -o User=me bastion"',
            ["ProxyCommand ssh -W %h:%p -o User=me bastion"],
        ),
        ("-o 'UserKnownHostsFile=\"/a b/known\"'", ['UserKnownHostsFile "/a b/known"']),
        ("-J jump -i file -p 2222 -l me", ["ProxyJump jump", "IdentityFile file", "Port 2222", "User me"]),
        ("-Jjump -C4p2222", ["ProxyJump jump", "Compression yes", "AddressFamily inet", "Port 2222"]),
        ("-i 'my key'", ['IdentityFile "my key"']),
        ("-F /etc/my -F none", ["Include /etc/my", "Include /dev/null"]),
    ],
)
def test_lines(text: str | None, lines: list[str]) -> None:
    assert ssh_options({VARIABLE: text}) == lines


def test_a_file_of_ssh_is_where_ansible_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ssh_options({VARIABLE: "-F my/config"}) == [f"Include {tmp_path}/my/config"]


def test_variables_in_their_order() -> None:
    assert ssh_options({VARIABLE: "-p 1", "ansible_ssh_extra_args": "-4"}) == ["Port 1", "AddressFamily inet"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("-o Key=Value -Z", f"{VARIABLE} has -Z, which has no form in ssh_config: '-o Key=Value -Z'"),
        ("-L 80:a:80", f"{VARIABLE} has -L, which has no form in ssh_config: '-L 80:a:80'"),
        ("--jump x", f"{VARIABLE} has --jump, which has no form in ssh_config: '--jump x'"),
        ("-p", f"{VARIABLE} has -p, which lacks its value: '-p'"),
        ("-o Key", f"{VARIABLE} has -o Key: give -o Key=Value"),
        ("-C host", f"{VARIABLE} has host, which is no option of ssh: '-C host'"),
        ("-o 'a=b", f"{VARIABLE} is not what a shell reads (No closing quotation): '-o 'a=b'"),
        (
            "-o 'A=1\nUser x'",
            rf"{VARIABLE} has -o with a value that no line of ssh_config can have: 'A=1\nUser x'",
        ),
        ("-i 'a\"b'", f"""{VARIABLE} has -i with a value that no line of ssh_config can have: 'a"b'"""),
        (["-C"], f"{VARIABLE} is a list: give the options of ssh as text"),
    ],
)
def test_what_has_no_form_is_refused_by_name(text: Any, error: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"^{re.escape(error)}$"):
        ssh_options({VARIABLE: text})


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ("-J me@bastion:2022", ["proxyjump me@bastion:2022"]),
        ("-o 'ProxyCommand=ssh -W %h:%p b'", ["proxycommand ssh -W %h:%p b"]),
        ("-i '{key}' -o IdentitiesOnly=yes", ["identityfile {key}", "identitiesonly yes"]),
        ("-6CA -b ::1 -B eth0 -c aes256-ctr -m hmac-sha2-256 -v", [
            "addressfamily inet6", "compression yes", "forwardagent yes", "bindaddress ::1",
            "bindinterface eth0", "ciphers aes256-ctr", "macs hmac-sha2-256", "loglevel DEBUG",
        ]),
        ("-4aq -l me", ["addressfamily inet", "forwardagent no", "loglevel SILENT", "user me"]),
        ("-p 2222", ["port 2222"]),
    ],
)  # fmt: skip
def test_ssh_takes_a_line_for_what_it_takes_the_option(
    tmp_path: Path, options: str, shown: list[str]
) -> None:
    config, key = tmp_path / "config", tmp_path / "a key"
    key.touch()  # one that is not there is left out
    options = options.format(key=key)
    config.write_text("\n".join(["Host it", *ssh_options({VARIABLE: options}), ""]))
    by_file = subprocess.check_output(["ssh", "-G", "-F", str(config), "it"], text=True).splitlines()
    by_options = subprocess.check_output(f"ssh {options} -F none -G it", shell=True, text=True).splitlines()
    # OpenSSH 10 has no word for it when it is an option.
    by_options = [line.replace("compression UNKNOWN", "compression yes") for line in by_options]
    assert not [line for line in shown if line.format(key=key) not in by_file]
    assert by_file == by_options


@pytest.mark.parametrize(
    ("become", "user", "method", "words"),
    [
        (True, "debian", "sudo", ["sudo", "-n"]),
        ("yes", None, None, ["sudo", "-n"]),
        (True, "root", "sudo", []),
        (True, "root", "su", []),
        (False, "debian", "su", []),
        (None, "debian", "sudo", []),
    ],
)
def test_become(become: Any, user: str | None, method: str | None, words: list[str]) -> None:
    assert become_args(become, user, method) == words


def test_a_method_that_the_proof_does_not_know() -> None:
    with pytest.raises(
        AnsibleFilterError, match=r"^ansible_become_method is 'su': the smoke test knows sudo only"
    ):
        become_args(True, "debian", "su")


def test_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert of_command_line("remote_user") is None
    monkeypatch.setattr(context, "CLIARGS", CLIArgs({"remote_user": "debian"}))
    assert of_command_line("remote_user") == "debian"
