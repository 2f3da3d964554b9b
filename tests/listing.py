"""All that is on a machine, and what differs between two listings: before a deployment and after a teardown.

Compared are files (kind, mode, ids of owner and group, size, where a link leads; of those in READ
also the content), files without an owner, users, groups, unit files, failed units, packages,
settings of the kernel. Times are not. What others than the kit write meanwhile is left out, by these tables.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from smoke.machine import Machine

Listing = dict[str, str]

#: Paths that are left out with all that is below, and who writes there.
IGNORED = {
    "/dev": "the kernel",
    "/proc": "the kernel",
    "/sys": "the kernel",
    "/run": "everything that runs; each start of the machine begins with none of it",
    "/tmp": "commands of root and systemd (PrivateTmp); files without an owner are told all the same",
    "/var/tmp": "as /tmp",
    "/root": "sessions: histories, what Ansible and Java keep of root's commands",
    "/var/cache/apt": "apt",
    "/var/cache/debconf": "dpkg",
    "/var/cache/ldconfig": "dpkg, by ldconfig",
    "/etc/ld.so.cache": "dpkg, by ldconfig",
    "/var/lib/apt": "apt: its lists",
    "/var/lib/dpkg": "dpkg; packages are compared themselves",
    "/var/lib/systemd": "systemd: timers, random seed",
    "/var/log/apt": "apt",
    "/var/log/dpkg.log": "dpkg",
    "/var/log/alternatives.log": "dpkg",
    "/var/log/journal": "the journal",
    "/var/log/wtmp": "sessions",
    "/var/log/btmp": "sessions",
    "/var/log/lastlog": "sessions",
    "/etc/.pwd.lock": "useradd: its lock",
    "/etc/passwd-": "useradd: the file before its last change",
    "/etc/group-": "useradd: the file before its last change",
    "/etc/shadow-": "useradd: the file before its last change",
    "/etc/gshadow-": "useradd: the file before its last change",
}
#: Settings of the kernel that count, or that it changes itself.
COUNTERS = re.compile(
    r"fs\.(dentry-state|file-nr|inode-nr|inode-state|aio-nr|quota\..*)"
    r"|kernel\.(ns_last_pid|pty\.nr|random\..*|perf_.*|sched_domain\..*|keys\..*)"
    r"|net\.netfilter\.nf_conntrack_count|net\.ipv[46]\.(route|neigh)\..*"
)
#: Where the content of files is compared, not their size alone.
READ = ("/etc", "/usr/local", "/var/lib/millrace")

_SCRIPT = """\
echo '== file'
find {top} -xdev \\( {ignored} \\) -prune -o -printf '%p\\t%y %m %U:%G %l\\n'
echo '== size'
find {top} -xdev \\( {ignored} \\) -prune -o -type f -printf '%p\\t%s\\n'
echo '== content'
find {read} -xdev \\( {ignored} \\) -prune -o -type f -exec sha256sum {{}} + |
  sed -E 's/^(.{{64}})  (.*)/\\2\\t\\1/'
echo '== without an owner'
find {top} -xdev \\( -nouser -o -nogroup \\) -printf '%p\\t%U:%G\\n'
echo '== user'
getent passwd | sed 's/:/\\t/'
echo '== group'
getent group | sed 's/:/\\t/'
echo '== unit file'
systemctl list-unit-files --no-legend --no-pager | sed -E 's/ +/\\t/'
echo '== failed unit'
systemctl list-units --failed --plain --no-legend --no-pager | sed -E 's/ +/\\t/'
echo '== package'
dpkg-query --show --showformat='${{binary:Package}}\\t${{Version}} ${{db:Status-Abbrev}}\\n'
echo '== kernel'
sysctl --all 2>/dev/null | sed 's/ = /\\t/'
"""


def take(machine: Machine, top: str = "/") -> Listing:
    """What is on a machine, by kind and name; on its file system of /, whatever else is mounted.

    top: the directory that stands for /. Raises OSError where the machine does not answer.
    """
    root = top.rstrip("/")
    script = _SCRIPT.format(
        top=shlex.quote(top),
        ignored=" -o ".join(f"-path {shlex.quote(root + path)}" for path in IGNORED),
        read=shlex.join(root + path for path in READ),
    )
    return parse(machine.run(script, timeout=600), root)


def parse(text: str, root: str = "") -> Listing:
    """The listing of what the script says."""
    found: Listing = {}
    kind = ""
    for line in text.splitlines():
        if line.startswith("== "):
            kind = line.removeprefix("== ")
            continue
        name, _, value = line.partition("\t")
        if kind != "kernel" or not COUNTERS.fullmatch(name):
            found[f"{kind} {name.removeprefix(root) or '/'}"] = value.rstrip()
    return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What came, went or changed, a line each."""
    return [
        f"{name}: {before.get(name, 'was not there')} -> {after.get(name, 'is not there')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
