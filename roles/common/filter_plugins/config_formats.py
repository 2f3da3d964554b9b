"""One renderer per configuration format, and the one policy for values that all of them share.

true and false are written in lower case; None leaves the key out; a list is joined with commas (in a
systemd unit, which has lists of its own, the key is repeated); text and numbers are written as they are,
escaped as the format asks; anything else is refused with the key and the type, before it becomes a wrong
value on a host. Keys are sorted, so that the same settings give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from xml.sax.saxutils import escape

from ansible.errors import AnsibleFilterError

UNIT_SECTIONS = ("Unit", "Service", "Install")


def _scalar(form: str, key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return str(value)
    raise AnsibleFilterError(
        f"{form}: {key} must be text, a number, true or false, or a list of these, got {type(value).__name__}"
    )


def _text(form: str, key: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(_scalar(form, key, item) for item in value)
    return _scalar(form, key, value)


def _settings(form: str, settings: Any) -> list[tuple[str, str]]:
    if not isinstance(settings, dict):
        raise AnsibleFilterError(f"{form} requires a dict, got {type(settings).__name__}")
    return [
        (str(key), _text(form, str(key), settings[key]))
        for key in sorted(settings, key=str)
        if settings[key] is not None
    ]


def _properties_escape(text: str, *, key: bool = False) -> str:
    # The grammar is that of java.util.Properties.load.
    out = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    if key:
        for special in " :=#!":
            out = out.replace(special, "\\" + special)
    elif out.startswith((" ", ":", "=")):
        # Leading blanks are skipped, and one separator after them.
        out = "\\" + out
    return "".join(char if 31 < ord(char) < 127 else _unicode_escape(char) for char in out)


def _unicode_escape(char: str) -> str:
    # Java's characters are UTF-16: one beyond the first 65536 is a pair.
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def to_properties(settings: dict[str, Any], *, separator: str = "=") -> str:
    """Text of a .properties file (server.properties, zoo.cfg), as java.util.Properties reads it.

    >>> to_properties({"b": True, "a": ["x", "y"], "c": None})
    'a=x,y\\nb=true\\n'
    """
    lines = _settings("to_properties", settings)
    return "".join(
        f"{_properties_escape(key, key=True)}{separator}{_properties_escape(text)}\n" for key, text in lines
    )


def to_spark_conf(settings: dict[str, Any]) -> str:
    """Text of spark-defaults.conf: a .properties file, with a blank between key and value as upstream has it.

    >>> to_spark_conf({"spark.master": "yarn"})
    'spark.master yarn\\n'
    """
    return to_properties(settings, separator=" ")


def to_hadoop_xml(settings: dict[str, Any]) -> str:
    """The <configuration> element of a Hadoop *-site.xml file.

    >>> to_hadoop_xml({"a": "x < y"})
    '<configuration>\\n  <property><name>a</name><value>x &lt; y</value></property>\\n</configuration>\\n'
    """
    rows = "".join(
        f"  <property><name>{escape(key)}</name><value>{escape(text)}</value></property>\n"
        for key, text in _settings("to_hadoop_xml", settings)
    )
    return f"<configuration>\n{rows}</configuration>\n"


def to_shell_env(settings: dict[str, Any], *, override: Collection[str] = ()) -> str:
    """Exported variables for a file that a POSIX shell sources (hadoop-env.sh, spark-env.sh).

    What the caller has set wins, as in upstream's own files; but not over the names in override: a unit
    is a caller as well, and its settings are the kit's.

    >>> to_shell_env({"HEAP": "-Xmx1g -Xms1g"})
    'export HEAP="${HEAP:--Xmx1g -Xms1g}"\\n'
    >>> to_shell_env({"HEAP": "-Xmx1g -Xms1g"}, override=["HEAP"])
    'export HEAP="-Xmx1g -Xms1g"\\n'
    """
    lines = _settings("to_shell_env", settings)
    for key, _ in lines:
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", key):
            raise AnsibleFilterError(f"to_shell_env: {key!r} is not a name of a variable")
    return "".join(f'export {key}="{_shell_value(key, text, key in override)}"\n' for key, text in lines)


def _shell_value(key: str, text: str, override: bool) -> str:
    """What stands between double quotes."""
    literal = re.sub(r'([\\"$`])', r"\\\1", text)
    if override:
        return literal
    # There a closing brace is special as well: the first one ends the expansion.
    return f"${{{key}:-" + literal.replace("}", "\\}") + "}"


def _unit_line(key: str, text: str) -> str:
    if "\n" in text:
        raise AnsibleFilterError(f"a unit: {key} must be one line, got {text!r}")
    return f"{key}={text}"


def to_systemd_settings(settings: dict[str, Any]) -> str:
    """Lines of a section of a systemd unit; Environment may be a dict of variables, a list is a line each.

    None takes back all that was said of the key before (an empty value, systemd.unit). ExecStart, of which a
    service has but one, takes back the one of before by itself.

    >>> to_systemd_settings({"Environment": {"A": "1 2"}, "After": ["a.service", "b.service"]})
    'After=a.service\\nAfter=b.service\\nEnvironment="A=1 2"'
    """
    if not isinstance(settings, dict):
        raise AnsibleFilterError(f"to_systemd_settings requires a dict, got {type(settings).__name__}")
    lines = []
    for key in sorted(settings):
        value = settings[key]
        if key == "Environment" and isinstance(value, dict):
            lines += [_unit_line(key, variable) for variable in _unit_environment(value)]
            continue
        values = value if isinstance(value, (list, tuple)) else [value]
        if key == "ExecStart" and values != [None]:
            lines.append("ExecStart=")
        lines += [_unit_line(key, "" if item is None else _scalar("a unit", key, item)) for item in values]
    return "\n".join(lines)


def _unit_environment(variables: dict[str, Any]) -> list[str]:
    """Assignments in double quotes: in a unit a percent sign begins a specifier, a backslash an escape."""
    return [
        f'"{name}={escaped}"'
        for name, text in _settings("Environment", variables)
        for escaped in [text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")]
    ]


def to_systemd_dropin(parts: list[dict[str, dict[str, Any]]]) -> str:
    """Text of a drop-in from {section: {key: value}}; of several parts the later adds to the earlier.

    >>> to_systemd_dropin([{}, {"Service": {"Environment": "JMX_PORT=9999"}}])
    '[Service]\\nEnvironment=JMX_PORT=9999'
    """
    blocks = []
    for sections in parts:
        if unknown := set(sections) - set(UNIT_SECTIONS):
            raise AnsibleFilterError(
                f"to_systemd_dropin: there is no section {', '.join(sorted(unknown))}: "
                f"a service has {', '.join(UNIT_SECTIONS)}"
            )
        blocks += [
            f"[{section}]\n{to_systemd_settings(sections[section])}"
            for section in UNIT_SECTIONS
            if sections.get(section)
        ]
    return "\n\n".join(blocks)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Name every filter of this file."""
        return {
            "to_hadoop_xml": to_hadoop_xml,
            "to_properties": to_properties,
            "to_shell_env": to_shell_env,
            "to_spark_conf": to_spark_conf,
            "to_systemd_dropin": to_systemd_dropin,
            "to_systemd_settings": to_systemd_settings,
        }
