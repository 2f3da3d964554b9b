"""Small readers of the formats that the kit writes, each after upstream's description of it."""

from __future__ import annotations

import re
import subprocess
from xml.etree import ElementTree


def read_properties(text: str) -> dict[str, str]:
    """Read as java.util.Properties.load does: comments, continued lines, separators, escapes in UTF-16."""
    found: dict[str, str] = {}
    natural = re.split(r"\r\n|\r|\n", text)
    while natural:
        line = natural.pop(0).lstrip(" \t\f")
        if not line or line[0] in "#!":
            continue
        while len(line) - len(line.rstrip("\\")) & 1:
            line = line[:-1] + (natural.pop(0).lstrip(" \t\f") if natural else "")
        match = re.fullmatch(r"((?:\\.|[^\\:= \t\f])*)(?:[ \t\f]*[:=])?[ \t\f]*(.*)", line)
        assert match, f"not a property: {line!r}"
        found[_unescape(match[1])] = _unescape(match[2])
    return found


def _unescape(text: str) -> str:
    def char(match: re.Match[str]) -> str:
        escaped = match[1]
        return (
            chr(int(escaped[1:], 16))
            if len(escaped) == 5
            else {"n": "\n", "r": "\r", "t": "\t"}.get(escaped, escaped)
        )

    plain = re.sub(r"\\(u[0-9a-fA-F]{4}|.)", char, text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16")


def read_hadoop_xml(text: str) -> dict[str, str]:
    """Read the properties of a *-site.xml; a name that stands there twice is an error."""
    root = ElementTree.fromstring(text)
    assert root.tag == "configuration"
    found: dict[str, str] = {}
    for row in root:
        assert row.tag == "property"
        name, value = row.findtext("name"), row.findtext("value")
        assert name is not None
        assert value is not None
        assert name not in found
        found[name] = value
    return found


def read_unit(text: str) -> dict[str, dict[str, list[str]]]:
    """Read {section: {key: values}} of a systemd unit; every key may stand there more than once."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            assert line[1:-1] not in found
            section = found[line[1:-1]] = {}
            continue
        key, value = line.split("=", 1)
        section.setdefault(key, []).append(value)
    return found


def read_environment(values: list[str]) -> dict[str, str]:
    """Read the variables of a unit's Environment= lines, each in double quotes, with % and \\ escaped."""
    found = {}
    for value in values:
        assert value[0] == value[-1] == '"'
        name, text = value[1:-1].split("=", 1)
        found[name] = re.sub(r"\\(.)", r"\1", text).replace("%%", "%")
    return found


def read_shell(text: str, *names: str) -> dict[str, str]:
    """Let sh source the text and say what the variables are."""
    wanted = " ".join(f'"${{{name}}}"' for name in names)
    done = subprocess.run(
        ["sh", "-euc", f". /dev/stdin; printf '%s\\0' {wanted}"],
        input=text.encode(),
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    return dict(zip(names, done.stdout.decode().split("\0")[:-1], strict=True))
