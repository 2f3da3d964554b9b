"""Files of a host, brought to their content: shared by the modules config_files and service_state."""

from __future__ import annotations

import grp
import os
import pwd
import re
import secrets
from typing import Any, NamedTuple

from ansible.module_utils.host_paths import Place, directory, open_file

#: The argument of the modules.
FILES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "path": {"type": "path", "required": True},
        "content": {"type": "str"},
        # Ansible takes its value out of all that the module says, the arguments (-vvv) too.
        "secret_content": {"type": "str", "no_log": True},
        "sensitive": {"type": "bool", "default": False},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str", "default": "0644"},
        # A drop-in that has nothing to say any more, for one.
        "state": {"type": "str", "choices": ["file", "absent"], "default": "file"},
    },
    "mutually_exclusive": [("content", "secret_content")],
    "required_if": [("state", "file", ("content", "secret_content"), True)],
}

#: What diffs show in place of a value, and of a value that is another than before.
HIDDEN, HIDDEN_CHANGED = "(hidden)", "(hidden, changed)"
#: What diffs show in place of a sensitive file, and of one that differs.
UNSEEN = "(content hidden: it may hold a secret)\n"
UNSEEN_DIFFERS = "differs (content hidden: it may hold a secret)\n"

# A key that has one of these words names a secret; spaces are those of one line.
_WORD = (
    r"(?:passw(?:or)?d|passphrase|(?:store|key)pass|(?<![a-z0-9])(?:pwd?|pass)(?![a-z0-9])|secret|token|credential|jaas|sasl"
    r"|(?:private|access|account|api|keystore)[._-]?key)"
)
_KEY = rf"[\w.\-]*{_WORD}[\w.\-]*"
_FIRST = r"""(?:\\.|[^\s=:"'<>\\])*"""
_QUOTED = r"""\\"(?:(?!\\").)*\\"|"(?:\\.|[^"\\\n])*"|'[^'\n]*'"""
_VALUE = rf"""(?!\0)({_QUOTED}|(?:\\.|<(?!/)|[^\s<])+?(?=[\\"'}}\],;]*(?:\s|</|$)))"""
# In each the second group is the key and the third the value, which ends the match. A NUL is a masked value.
_FORMS = [
    re.compile(form, re.IGNORECASE | re.MULTILINE)
    for form in (
        # <name>key</name><value>value</value>, on any number of lines.
        rf"(<name>\s*)([^<>]*{_WORD}[^<>]*)</name>(?:(?!<name>)[\s\S])*?<value>([\s\S]+?)(?=</value>)",
        # A line "key=value", "key: value" or "key value"; it goes on after a backslash, and may be a comment.
        (
            rf"""^([ \t]*(?:[#!;]+[ \t]*)?(?:(?:export|-)[ \t]+)?["']?)({_FIRST}{_WORD}{_FIRST})"""
            r"""["']?(?:[ \t]*[=:][ \t]*|[ \t]+)((?:\\\n|[^\n])+)"""
        ),
        # Environment="key=value of several words".
        rf"""(["'])({_KEY})=(?!\0)((?:\\.|(?!\1)[^\\\n])+)(?=\1)""",
        # Somewhere in a line: -Dkey=value, "key": "value", --key value.
        rf"""((?<![\w.\-]))({_KEY})\\?["']?(?:[ \t]*=[ \t]*|:[ \t]+){_VALUE}""",
        rf"((?<![\w.\-])--)({_KEY})[ \t]+{_VALUE}",
        # The password of a URL: scheme://user:password@host.
        r"(://)([^\s/:@]*):([^\s/@]+)(?=@)",
    )
]


class _Found(NamedTuple):
    """What lies at a path; text is None where there is nothing, and where it is not to be read."""

    text: str | None
    mode: int | None = None
    owner: str = ""
    group: str = ""


def mask(text: str) -> str:
    """The text of a configuration file with its secrets hidden, for people to read.

    >>> mask("ssl.key.password=abc")
    'ssl.key.password=(hidden)'
    """
    return _masked(text, {})


def mask_both(before: str, after: str) -> tuple[str, str]:
    """Both texts masked, so that a secret which changed is still seen as a line that did."""
    known: dict[str, set[str]] = {}
    return _masked(before, {}, seen=known), _masked(after, known)


def _masked(text: str, known: dict[str, set[str]], *, seen: dict[str, set[str]] | None = None) -> str:
    """Mask the text.

    known: values of before by their keys; one that is not among them has changed
    seen: is given the values of this text
    """

    def hide(match: re.Match[str]) -> str:
        key, value, mark = match[2], match[3], ""
        if seen is not None:
            seen.setdefault(key, set()).add(value)
        for each in ('\\"', '"', "'"):
            if len(value) >= 2 * len(each) and value.startswith(each) and value.endswith(each):
                mark = each
                break
        shown = "\0" if value in known.get(key, {value}) else "\0\0"
        return match[0][: match.start(3) - match.start()] + mark + shown + mark

    text = text.replace("\0", "\ufffd")
    for form in _FORMS:
        text = form.sub(hide, text)
    return text.replace("\0\0", HIDDEN_CHANGED).replace("\0", HIDDEN)


def _name(lookup: Any, number: int) -> str:
    try:
        return str(lookup(number)[0])
    except KeyError:
        return str(number)


def _current(place: Place, name: str) -> _Found:
    """What lies in the directory under the name."""
    try:
        fd = open_file(place, name)
    except ValueError:
        # A link that a service put there, for one. It is replaced, and what it leads to is nobody's to see.
        return _Found("")
    if fd is None:
        return _Found(None)
    with os.fdopen(fd, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        status = os.fstat(fd)
        return _Found(
            stream.read(),
            status.st_mode & 0o7777,
            _name(pwd.getpwuid, status.st_uid),
            _name(grp.getgrgid, status.st_gid),
        )


def _write(place: Place, name: str, content: str, mode: int, ids: tuple[int, int]) -> None:
    temporary = f".millrace-{secrets.token_hex(8)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=place.fd)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(content)
            os.fchown(stream.fileno(), *ids)
            os.fchmod(stream.fileno(), mode)
        os.replace(temporary, name, src_dir_fd=place.fd, dst_dir_fd=place.fd)
    except BaseException:
        os.unlink(temporary, dir_fd=place.fd)
        raise


def apply(spec: dict[str, Any], *, check: bool) -> dict[str, Any] | None:
    """Bring one file to its content, owner and mode; return its diff, or None when it was right.

    Where others than root can write, a link in place of the file is replaced, and not read through.
    Raises KeyError for an unknown user or group, ValueError for a mode that is not octal and for a link of
    others on the way, OSError when the file cannot be written.
    """
    if spec.get("state") == "absent":
        return _remove(spec["path"], check=check)
    mode, (folder, name) = int(spec["mode"], 8), os.path.split(spec["path"])
    secret = spec.get("secret_content")
    wanted = _Found(spec["content"] if secret is None else secret, mode, spec["owner"], spec["group"])
    ids = None
    if not check:
        ids = pwd.getpwnam(spec["owner"]).pw_uid, grp.getgrnam(spec["group"]).gr_gid
    try:
        with directory(folder, make=not check) as place:
            found = _current(place, name)
            if found == wanted:
                return None
            if ids:
                _write(place, name, wanted.text or "", mode, ids)
    except FileNotFoundError:
        if not check:
            raise
        found = _Found(None)
    return _diff(spec["path"], found, wanted, sensitive=secret is not None or spec.get("sensitive", False))


def _remove(path: str, *, check: bool) -> dict[str, Any] | None:
    """Remove a file of the kit, and an empty directory of drop-ins; return its diff, None without one."""
    folder, name = os.path.split(path)
    try:
        with directory(folder) as place:
            if place.status(name) is None:
                return None
            found = _current(place, name)
            if not check:
                os.unlink(name, dir_fd=place.fd)
    except FileNotFoundError:
        return None
    # Others, such as /etc/sysctl.d, are the system's, however few files are in them.
    if not check and folder.endswith(".service.d") and not os.listdir(folder):
        os.rmdir(folder)
    return {"before_header": path, "after_header": path, "before": mask(found.text or ""), "after": ""}


def _diff(path: str, found: _Found, wanted: _Found, *, sensitive: bool) -> dict[str, str]:
    before, after = found.text or "", wanted.text or ""
    if sensitive:
        same = before == after
        before, after = UNSEEN if found.text is not None else "", UNSEEN if same else UNSEEN_DIFFERS
    else:
        before, after = mask_both(before, after)
    attributes = ""
    if found.mode is None:
        attributes = "" if found.text is None else " (no plain file)"
    elif found[1:] != wanted[1:]:
        now, then = (f"{each.mode:04o} {each.owner}:{each.group}" for each in (found, wanted))
        attributes = f" ({now} -> {then})"
    return {"before_header": path + attributes, "after_header": path, "before": before, "after": after}
