"""How programs of the controller reach a machine as Ansible does: ssh_config and sudo from its settings."""

from __future__ import annotations

import getopt
import os
import re
import shlex
from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.module_utils.parsing.convert_bool import boolean

#: Options of ssh(1) that are a line of ssh_config(5), and those whose value follows a keyword of it.
LINES = {
    "4": "AddressFamily inet",
    "6": "AddressFamily inet6",
    "A": "ForwardAgent yes",
    "a": "ForwardAgent no",
    "C": "Compression yes",
    "q": "LogLevel QUIET",
    "v": "LogLevel DEBUG",
}
KEYWORDS = {
    "B": "BindInterface",
    "b": "BindAddress",
    "c": "Ciphers",
    "F": "Include",
    "I": "PKCS11Provider",
    "i": "IdentityFile",
    "J": "ProxyJump",
    "l": "User",
    "m": "MACs",
    "p": "Port",
}


def ssh_options(settings: Mapping[str, str | None]) -> list[str]:
    """Lines of ssh_config that do what options of an ssh command do, read as a shell does, and Ansible.

    settings: options by the variable that gives them, which the error names

    >>> ssh_options({"ansible_ssh_common_args": "-J bastion -o 'ProxyCommand=ssh -W %h:%p b' -p2222"})
    ['ProxyJump bastion', 'ProxyCommand ssh -W %h:%p b', 'Port 2222']

    -F is an Include: in its place among other lines it counts less than those before it.
    """
    return [line for variable, text in settings.items() if text for line in _lines(text, variable)]


def _lines(text: str, variable: str) -> list[str]:
    if not isinstance(text, str):
        raise AnsibleFilterError(f"{variable} is a {type(text).__name__}: give the options of ssh as text")
    try:
        options, others = getopt.getopt(shlex.split(text), "".join(LINES) + "o:" + ":".join([*KEYWORDS, ""]))
    except getopt.GetoptError as error:
        option = f"-{error.opt}" if len(error.opt) == 1 else f"--{error.opt}"
        what = "lacks its value" if "requires" in error.msg else "has no form in ssh_config"
        raise AnsibleFilterError(f"{variable} has {option}, which {what}: '{text}'") from None
    except ValueError as error:
        raise AnsibleFilterError(f"{variable} is not what a shell reads ({error}): '{text}'") from None
    if others:
        raise AnsibleFilterError(f"{variable} has {others[0]}, which is no option of ssh: '{text}'")
    return [_line(flag.removeprefix("-"), value, variable) for flag, value in options]


def _line(flag: str, value: str, variable: str) -> str:
    if "\n" in value or ('"' in value and flag != "o"):
        raise AnsibleFilterError(
            f"{variable} has -{flag} with a value that no line of ssh_config can have: {value!r}"
        )
    if flag in LINES:
        return LINES[flag]
    if flag == "o":
        found = re.fullmatch(r"\s*(\w+)(?:\s*=\s*|\s+)(\S.*)", value)
        if not found:
            raise AnsibleFilterError(f"{variable} has -o {value}: give -o Key=Value")
        return f"{found[1]} {found[2]}"
    if flag == "F":
        # Relative to a directory of ssh's own it would be another file; none is ssh's word for no file.
        value = "/dev/null" if value == "none" else os.path.abspath(os.path.expanduser(value))
    return f'{KEYWORDS[flag]} "{value}"' if re.search(r"\s", value) else f"{KEYWORDS[flag]} {value}"


def become_args(become: Any, user: str | None, method: str | None) -> list[str]:
    """The words before a command that make it root's, none where it is already. No password can be asked for.

    >>> become_args(True, "debian", "sudo")
    ['sudo', '-n']
    """
    if not boolean(become or False) or user == "root":
        return []
    if method not in (None, "sudo"):
        raise AnsibleFilterError(
            f"ansible_become_method is '{method}': the smoke test knows sudo only; "
            "give sudo, or let ansible_user be root"
        )
    return ["sudo", "-n"]


def of_command_line(name: str) -> Any:
    """What an option of ansible-playbook gives where no variable does, or ansible.cfg in its place.

    >>> of_command_line("remote_user")
    'debian'
    """
    return context.CLIARGS.get(name)


def to_machine(
    variables: Mapping[str, Any], ssh_config: str, command_line: Mapping[str, Any]
) -> dict[str, Any]:
    """How the controller's programs reach a machine: words before a command, and words that make it root's.

    variables: of the host
    ssh_config: the file that names the host
    command_line: ansible_become, ansible_user and ansible_become_method as the command line gives them
    """
    name = variables["inventory_hostname"]
    become, user, method = (
        variables.get(key, command_line[key])
        for key in ("ansible_become", "ansible_user", "ansible_become_method")
    )
    return {"ssh": ["ssh", "-F", ssh_config, name], "become": become_args(become, user, method)}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name every filter of this file."""
        return {
            "become_args": become_args,
            "of_command_line": of_command_line,
            "ssh_options": ssh_options,
            "to_machine": to_machine,
        }
