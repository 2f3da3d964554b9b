"""What a daemon refused: its own last error, and the settings of the change that are the likely cause."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from smoke.evidence import Journal

#: Changed settings that are named where nothing the daemon said points at one.
MOST = 5
#: What is too short to tell that an error is about it.
TELLING = 3
#: A line of a configuration file: XML of Hadoop, then key=value, also of a unit and with quotes.
FORMS = (
    re.compile(r"<name>(?P<key>[^<]+)</name>\s*<value>(?P<value>[^<]*)</value>"),
    re.compile(r"^\s*(?:export\s+)?(?P<key>[\w.\-]+)\s*=\s*(?P<value>.*)$"),
    re.compile(r"^\s*(?P<key>spark\.[\w.\-]+)\s+(?P<value>.*)$"),
)


@dataclass(frozen=True)
class Setting:
    """A setting that the change has touched."""

    key: str
    value: str
    """As it is now; empty when it is gone."""
    file: str


def changed(diffs: Mapping[str, str]) -> list[Setting]:
    """The settings that came, went or have another value.

    diffs: by path the lines of diff -u, secrets hidden
    """
    found = {}
    for path, diff in diffs.items():
        for sign in "-+":
            lines = [
                line[1:] for line in diff.splitlines() if line.startswith(sign) and line[1:3] != sign * 2
            ]
            for key, value in _settings(lines):
                found[path, key] = Setting(key, value if sign == "+" else "", path)
    return list(found.values())


def _settings(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        for form in FORMS:
            if match := form.search(line):
                key, value = match["key"], match["value"].strip('"')
                # Environment="HEAP=-Xmx1g": the variable is what somebody has set.
                inner = FORMS[1].search(value) if key == "Environment" else None
                yield (inner["key"], inner["value"]) if inner else (key, value)
                break


def likely(settings: Iterable[Setting], said: str) -> list[Setting]:
    """Those of the settings that the daemon speaks of, by key or value; all of them when it names none.

    said: what its journal has since the restart
    """
    settings = list(settings)
    named = [each for each in settings if each.key in said or any(word in said for word in _words(each))]
    return named or settings


def _words(setting: Setting) -> list[str]:
    """What of a value would be in an error about it: paths, numbers, options; not true or false."""
    words = re.split(r"[\s,;:=+]+", setting.value)
    return [word for word in words if len(word) > TELLING and word not in ("true", "false", "(hidden)")]


def sentences(
    journals: Iterable[Journal],
    diffs: Mapping[str, str],
    reads: Mapping[str, Sequence[str]],
    keys: Mapping[str, Collection[str]],
) -> list[str]:
    """Which daemon said what, and what is the likely cause, a line each.

    reads: by unit the files for which it was restarted
    keys: by unit the settings that differ in its file, where diffs do not show them
    """
    lines = []
    for journal in journals:
        error = journal.last_error()
        if journal.active and not error:
            continue
        lines.append(
            f"{journal.unit} on {journal.host} ({journal.state}): {error or 'its journal has no error'}"
        )
        settings = changed({path: diffs[path] for path in reads.get(journal.unit, ()) if path in diffs})
        settings += [Setting(key, "", reads[journal.unit][0]) for key in keys.get(journal.unit, ())]
        causes = likely(settings, "\n".join(journal.lines))
        named = ", ".join(f"{cause.key} in {cause.file}" for cause in causes[:MOST])
        more = f" and {len(causes) - MOST} more" if len(causes) > MOST else ""
        if named:
            lines.append(f"likely cause: {named}{more}")
    return lines
