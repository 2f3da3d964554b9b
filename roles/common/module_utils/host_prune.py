"""Products that were replaced and that nothing needs any more: for the module service_keep."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.host_install import STAMP, folder_of, move_aside
from ansible.module_utils.host_paths import Place, directory
from ansible.module_utils.host_units import UNIT_DIR

UNIT_DIRS = (UNIT_DIR, "/run/systemd/system")
PROC = "/proc"

_PATH = re.compile(r"/[\w.+~@%/-]+")
#: What an unpacking that was killed leaves behind, and what is moved away to be removed.
_ASIDE = re.compile(r"\.(.+-[0-9a-f]{15}[0-9a-f~])\.(?:unpacking|(?:\w+\.)?old)")


def prune(artifacts: list[dict[str, Any]], *, check: bool) -> list[str]:
    """Remove what was unpacked of the products before and nothing needs any more; the paths removed.

    Kept is what the artifacts name, where a link beside it or a unit file leads to, and what a process has
    open, mapped or mounted; all of it where there is a process that cannot be looked at.
    Raises OSError, and ValueError for a link on the way that root does not follow.
    """
    removed = []
    for prefix in filter(os.path.isdir, sorted({artifact["prefix"] for artifact in artifacts})):
        with directory(prefix) as place:
            for name in _unneeded(place, [each for each in artifacts if each["prefix"] == prefix]):
                removed.append(os.path.join(prefix, name))
                if not check:
                    remove(Path(place.anchored), name)
    return removed


def _unneeded(place: Place, artifacts: list[dict[str, Any]]) -> list[str]:
    with place.readable() as fd:
        names = sorted(os.listdir(fd))
    wanted = set(map(folder_of, artifacts))
    products = tuple(f"{artifact['name']}-" for artifact in artifacts)
    replaced = [name for name in names if name not in wanted and is_ours(place, name, products)]
    if not replaced:
        return []
    beside = [os.path.join(place.path, name) for name in names if name not in replaced]
    return sorted(set(replaced) - led_to(place, replaced, beside) - in_use(replaced))


def led_to(
    place: Place, names: Collection[str], beside: Collection[str], gone: Collection[str] = ()
) -> set[str]:
    """Those of the directories to which one of the paths beside them leads, or a unit file.

    beside: all other paths there: those of links lead elsewhere, the others to themselves
    gone: unit files that do not count
    """
    targets = {os.path.realpath(path) for path in [*beside, *_named_by_units(gone)]}
    return {name for name in names if _leads_below(os.path.join(place.path, name), targets)}


def is_ours(place: Place, name: str, products: tuple[str, ...]) -> bool:
    """Whether the kit has unpacked one of the products there, to the end or not."""
    status, aside = place.status(name), _ASIDE.fullmatch(name)
    if status is None or not stat.S_ISDIR(status.st_mode):
        return False
    if aside:
        return aside[1].startswith(products)
    return name.startswith(products) and Path(place.anchored, name, STAMP).is_file()


def _leads_below(path: str, targets: Collection[str]) -> bool:
    return any(f"{target}/".startswith(f"{path}/") for target in targets)


def _named_by_units(gone: Collection[str]) -> Iterator[str]:
    """The unit files, each of which may be a link into a product, and all paths in them."""
    for top in UNIT_DIRS:
        for folder, _, names in os.walk(top):
            for path in (os.path.join(folder, name) for name in names):
                if os.path.realpath(path) in gone:
                    continue
                yield path
                if os.path.isfile(path):
                    with open(path, encoding="utf-8", errors="replace") as stream:
                        yield from _PATH.findall(stream.read())


def in_use(names: Collection[str]) -> set[str]:
    """Those of the directories that a process has open, mapped or mounted, or anything below them.

    A container has another path to a directory that it was given. The name is in it, or, where the directory
    is mounted under another name, in the container's list of mounts.
    """
    pattern = re.compile(rf"/({'|'.join(map(re.escape, names))})(?![\w.+~-])")
    used: set[str] = set()
    namespaces: set[str] = set()
    for number in filter(str.isdigit, os.listdir(PROC)):
        try:
            for text in _paths_of(f"{PROC}/{number}", namespaces):
                used.update(pattern.findall(text))
        except PermissionError:
            return set(names)
        except OSError:  # it has ended
            continue
    return used


def _paths_of(process: str, namespaces: set[str]) -> Iterator[str]:
    """Texts with the paths of a process; namespaces: those of mounts that were read, to be added to."""
    yield from map(_link, (f"{process}/{name}" for name in ("exe", "cwd", "root")))
    yield from map(_link, (f"{process}/fd/{name}" for name in os.listdir(f"{process}/fd")))
    yield Path(process, "maps").read_text(errors="replace")
    namespace = _link(f"{process}/ns/mnt")
    if namespace not in namespaces:
        yield Path(process, "mountinfo").read_text(errors="replace")
        namespaces.add(namespace)


def _link(path: str) -> str:
    # A thread of the kernel has no program, and a descriptor may have been closed meanwhile.
    with contextlib.suppress(FileNotFoundError):
        return os.readlink(path)
    return ""


def remove(here: Path, name: str) -> None:
    """Remove a directory; one that is half removed when a run is killed has not its name any more."""
    if not _ASIDE.fullmatch(name):
        name = move_aside(here, name)
    shutil.rmtree(here / name)
