"""Settings of the kernel that services ask for, now and at boot: for the module service_state."""

from __future__ import annotations

import grp
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils import host_files
from ansible.module_utils.host_paths import beginning, user_name

#: What is set at boot. Debian 12 reads /etc/sysctl.conf as 99-sysctl.conf: this one comes after it.
SYSCTL = "etc/sysctl.d/99-zz-millrace.conf"
TMPFILES = "etc/tmpfiles.d/millrace.conf"
#: What the kernel had before the kit: values by setting, in JSON.
BEFORE = "var/lib/millrace/kernel-before.json"
HEADER = "# Managed by Millrace: change common_kernel_settings in the inventory, not this file.\n"
#: More of these is as good: what a machine has already is not lowered.
AT_LEAST = ("vm.max_map_count",)
#: Of these two the kernel uses one, and says 0 of the other as soon as the one is written (upstream:
#: Documentation/admin-guide/sysctl/vm.rst; dirty_ratio_handler in mm/page-writeback.c and its like).
_PAIRS = (
    ("vm.dirty_bytes", "vm.dirty_ratio"),
    ("vm.dirty_background_bytes", "vm.dirty_background_ratio"),
    ("vm.overcommit_kbytes", "vm.overcommit_ratio"),
)
OTHER = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}


def ensure(settings: Mapping[str, Any], *, check: bool, root: Path = Path("/")) -> list[str]:
    """Have the kernel use the settings, and at boot; a sentence for each thing done.

    settings: values by name of sysctl (vm.swappiness) or by path below /sys; a setting of before that is not
        among them gets the value back that it had before the kit
    root: where /proc, /sys, /etc and /var are

    The kernel of a container is its host's: there nothing is done. Raises ValueError for a setting that this
    kernel has not, or a value that it does not take.
    """
    if in_container():
        return []
    said = beginning(str(root / BEFORE))
    before: dict[str, str] = json.loads(said) if said else {}
    wanted = {name: _wanted(name, value, root) for name, value in settings.items()}
    # What the kernel has no more cannot be given back; nor the 0 of a pair, which would leave both at 0.
    back = {
        name: value
        for name, value in before.items()
        if _path(name, root).exists()
        and OTHER.get(name) not in wanted
        and not (name in OTHER and value == "0")
    }
    found = {name: _read(name, root) for name in {**back, **wanted}}
    change = {name: value for name, value in (back | wanted).items() if found[name] != value}
    fresh = [name for name in wanted if name not in before and OTHER.get(name) not in before]
    record = before | {used: _read(used, root) for name in fresh for used in [_used(name, root)]}
    if not check:
        # Before the first change: who is cut off after it knows still what there was.
        _file(BEFORE, _json(record), root, check=False)
        for name, value in change.items():
            _write(name, value, root)
    files = {
        SYSCTL: [f"{name} = {value}\n" for name, value in wanted.items() if not name.startswith("/")],
        TMPFILES: [f"w! {name} - - - - {value}\n" for name, value in wanted.items() if name.startswith("/")],
    }
    written = [
        f"/{path}"
        for path, lines in files.items()
        if _file(path, HEADER + "".join(lines) if lines else "", root, check=check)
    ]
    if not check:
        lasting = {name: value for name, value in record.items() if {name, OTHER.get(name)} & {*wanted}}
        _file(BEFORE, _json(lasting), root, check=False)
    return [f"{name} {found[name]} -> {value}" for name, value in change.items()] + written


def in_container() -> bool:
    """Whether this machine is a container."""
    done = subprocess.run(["systemd-detect-virt", "--container", "--quiet"], check=False)
    return done.returncode == 0


def _path(name: str, root: Path) -> Path:
    return root / (name[1:] if name.startswith("/") else f"proc/sys/{name.replace('.', '/')}")


def _read(name: str, root: Path) -> str:
    """The value now; of a list of words the one in brackets, as in /sys/kernel/mm/transparent_hugepage."""
    try:
        text = _path(name, root).read_text(encoding="ascii")
    except FileNotFoundError:
        raise ValueError(
            f"the kernel of this machine has no {name}: leave it out of common_kernel_settings"
        ) from None
    chosen = re.search(r"\[([^\]]+)\]", text)
    return chosen[1] if chosen else " ".join(text.split())


def _wanted(name: str, value: Any, root: Path) -> str:
    wanted = " ".join(str(value).split())
    return max(_read(name, root), wanted, key=int) if name in AT_LEAST and wanted.isdecimal() else wanted


def _used(name: str, root: Path) -> str:
    """The one of a pair that the kernel uses, else the setting itself."""
    other = OTHER.get(name)
    return other if other and _read(name, root) == "0" and _path(other, root).exists() else name


def _write(name: str, value: str, root: Path) -> None:
    try:
        _path(name, root).write_text(f"{value}\n", encoding="ascii")
    except OSError as error:
        raise ValueError(
            f"the kernel of this machine does not take {name} = {value} ({error.strerror}): correct "
            "common_kernel_settings"
        ) from error


def _json(values: Mapping[str, str]) -> str:
    return json.dumps(values, indent=2, sort_keys=True) + "\n" if values else ""


def _file(path: str, content: str, root: Path, *, check: bool) -> bool:
    """Bring a file to its content, or remove it when that is empty; whether it differed."""
    spec = {
        "path": str(root / path),
        "content": content,
        "owner": user_name(os.geteuid()),
        "group": grp.getgrgid(os.getegid()).gr_name,
        "mode": "0644",
        "state": "file" if content else "absent",
    }
    return host_files.apply(spec, check=check) is not None
