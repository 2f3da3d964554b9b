"""Take from a host what the kit has put there: state removed of the module service_state.

Each step asks the host what is there, so that the next run goes on where one was cut off. What the kit has
made beside files of its own, such as users, is known by the record of host_made, which goes last.
"""

from __future__ import annotations

import glob
import grp
import os
import pwd
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils import host_install, host_kernel, host_made, host_prune, host_units
from ansible.module_utils.host_paths import Place, beginning, directory, user_name
from ansible.module_utils.host_removal import Removal, below, innermost_first, mounts

#: Where daemons and commands of a service's user may have left something.
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 (nothing is written there)
#: A directory of the system in which services have a file each.
PROFILES = "/etc/profile.d"
#: As far into a file as the line goes that says whose it is.
HEAD = 400
#: What a run that was killed leaves beside a file that it wrote.
_BEGUN = re.compile(r"\.millrace-[0-9a-f]{16}")
#: A tarball of the kit, of whichever product: its name has the digest.
_TARBALL = re.compile(r"[a-z]+-.+-[0-9a-f]{16}\.tar")

Services = list[dict[str, Any]]


def remove(
    services: Services, header: str, record: str, *, data: bool, tarballs: bool, check: bool
) -> dict[str, Any]:
    """Stop and remove what the services have on this host; ``removed``, ``left`` and ``changed``.

    header: what the first lines of every file of the kit say
    record: the file with what the kit has made (host_made)
    data: whether what daemons have written goes, too, and with it the users that own it
    tarballs: whether they are this machine's own
    Raises UnitError when a unit does not stop, and OSError.
    """
    work = _begin(services, header, host_made.read(record), data=data, check=check)
    units = _stop(services, work)
    _remove_logs(services, work)
    _remove_files(services, work)
    _forget(units, work)
    work.removed += host_kernel.ensure({}, check=check)
    artifacts = [artifact for service in services for artifact in service["install"]["artifacts"]]
    _remove_links(services, work)
    for prefix in sorted({artifact["prefix"] for artifact in artifacts}):
        _remove_products(prefix, tuple(f"{artifact['name']}-" for artifact in artifacts), work)
    if tarballs:
        _remove_tarballs(artifacts, work)
    _remove_data(work, data=data)
    _remove_directories(work)
    _remove_users(work)
    _remove_groups(work)
    _remove_packages(work)
    _remove_state(services, record, work)
    left = [f"{what}: {why}" for what, why in work.left.items()]
    return {"removed": work.removed, "left": left, "changed": bool(work.removed)}


def _begin(services: Services, header: str, made: host_made.Made, *, data: bool, check: bool) -> Removal:
    specs = _directories(services)
    users = {user["name"] for service in services for user in service["install"]["users"]}
    users |= {*made["users"], *(spec["owner"] for spec in specs)} - {"root"}
    owners = _ids(users)
    stores = {spec["path"] for spec in specs if spec["owner"] != "root"}
    stores |= {*_stores(services)}
    known = made["directories"]
    # Of a service that the inventory has no more the record knows.
    stores |= {path for path in known if os.path.isdir(path) and os.stat(path).st_uid in owners}
    theirs = {path for path in {*known, *(spec["path"] for spec in specs)} if known.get(path, []) is not None}
    logs = {*_logs(services, header, made)}
    if not data:
        lasting = {*_stores(services), *(stores - logs)}
        logs = {path for path in logs if not any(below(each, [path]) for each in lasting)}
    return Removal(header, made, stores - logs, logs, theirs, owners, check)


def _directories(services: Services) -> list[dict[str, str]]:
    return [spec for service in services for spec in service["install"]["directories"]]


def _stores(services: Services) -> list[str]:
    return [path for service in services for store in service["stores"] for path in store["directories"]]


def _ids(users: Iterable[str]) -> set[int]:
    return {pwd.getpwnam(name).pw_uid for name in users if _is_user(name)}


def _logs(services: Services, header: str, made: host_made.Made) -> Iterator[str]:
    """The directories of logs that came with the kit: root's, systemd's for its units, and services' own."""
    known, users = made["directories"], _ids(made["users"])
    named, wanted = {*_named_logs(header)}, {spec["path"] for spec in _directories(services)}
    for path in {*known, *named}:
        if not path.startswith(f"{host_made.LOGS}/") or not os.path.isdir(path):
            continue
        owner = os.lstat(path).st_uid
        if path in known:
            mine = known[path] is None and (owner == 0 or path in named or path in wanted)
        else:
            # A kit of before did not record what systemd makes: what was there cannot be a new user's.
            mine = owner in users
        if mine:
            yield path


def _named_logs(header: str) -> Iterator[str]:
    """The directories of logs that systemd makes for units of the kit."""
    for path in _unit_paths(header):
        with open(path, encoding="utf-8") as stream:
            yield from host_made.log_directories(stream.read())


def _is_user(name: str) -> bool:
    return bool(host_install.exists(pwd.getpwnam, name))


def _stop(services: Services, work: Removal) -> list[str]:
    """Stop and disable all units of the kit, those of the last service first; their names."""
    wanted = [unit["name"] for service in reversed(services) for unit in reversed(service["units"])]
    others = {*host_units.orphaned_units(wanted, work.header), *_unit_files(work.header)} - {*wanted}
    units = [*sorted(others), *wanted]
    shown = host_units.loaded(units)
    for unit in units:
        if not host_units.is_down(shown.get(unit, {})):
            work.do(f"stopped {unit}", host_units.systemctl, "stop", unit)
    enabled = [unit for unit in units if shown.get(unit, {}).get("UnitFileState") == "enabled"]
    if enabled and not work.check:
        host_units.systemctl("disable", "--quiet", *enabled)
    return units


def _unit_files(header: str) -> Iterator[str]:
    """The units with a file of the kit; a template is none."""
    names = (os.path.basename(path).removesuffix(".service") for path in _unit_paths(header))
    return (name for name in names if not name.endswith("@"))


def _unit_paths(header: str) -> Iterator[str]:
    """The unit files of the kit."""
    paths = glob.iglob(os.path.join(glob.escape(host_units.UNIT_DIR), "*.service"))
    return (path for path in paths if host_units.begins(path, f"# {header}"))


def _forget(units: list[str], work: Removal) -> None:
    """Have systemd know no more of units whose files are gone."""
    for path in glob.glob(os.path.join(glob.escape(host_units.UNIT_DIR), "*.wants", "*.service")):
        # A run that was cut off may have left it.
        if not os.path.exists(path) and os.path.basename(path).removesuffix(".service") in units:
            work.unlink(path)
    if work.check:
        return
    if any(each["LoadState"] != "not-found" for each in host_units.loaded(units).values()):
        host_units.systemctl("daemon-reload")
    for each in host_units.loaded(units).values():
        if each["ActiveState"] == "failed":
            host_units.systemctl("reset-failed", each["Id"])


def _remove_logs(services: Services, work: Removal) -> None:
    """Remove the directories of logs that came with the kit; say to which others its daemons have written."""
    for path in innermost_first(work.logs):
        work.empty(path)
        work.rmdir(path)
    named = {*_named_logs(work.header), *(spec["path"] for spec in _directories(services))}
    for path in sorted(named - work.stores - work.logs):
        if path.startswith(f"{host_made.LOGS}/") and work.names(path):
            work.left[path] = "beside the kit's logs there may be others, or data"


def _remove_files(services: Services, work: Removal) -> None:
    """Remove what has the kit's line, where it writes files; those among data belong to the data."""
    paths = [file["path"] for service in services for file in service["files"]]
    paths = [path for path in paths if not below(path, work.stores)]
    prefixes = {artifact["prefix"] for service in services for artifact in service["install"]["artifacts"]}
    folders = {path for path, was in work.made["directories"].items() if was is None}
    folders = {path for path in folders if not below(path, [*work.stores, *prefixes])}
    # Of a service that the inventory has no more, too.
    for folder in sorted({PROFILES, host_units.UNIT_DIR, *folders, *map(os.path.dirname, paths)}):
        for name in work.names(folder):
            if _is_ours(os.path.join(folder, name), work.header):
                work.unlink(os.path.join(folder, name))
        for name in work.names(folder):
            path = os.path.join(folder, name)
            # A further name of a file, as the course gives one to a broker's.
            if os.path.islink(path) and os.path.join(folder, os.readlink(path)) in work.gone:
                work.unlink(path)
    for path in paths:
        if os.path.lexists(path) and path not in work.gone:
            work.left[path] = "it has not the line by which the kit knows its files"


def _is_ours(path: str, header: str) -> bool:
    """Whether a plain file is one of the kit, whole or begun."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return False
    if _BEGUN.fullmatch(os.path.basename(path)):
        return True
    try:
        return header.encode() in (beginning(path, HEAD) or b"")
    except ValueError:  # others can write there
        return False


def _remove_links(services: Services, work: Removal) -> None:
    wanted = {
        link["path"]: link for service in services for link in host_install.links_of(service["install"])
    }
    known = host_made.links(services, work.made)
    for path in dict.fromkeys([*wanted, *known]):
        if path in work.gone or not os.path.lexists(path):
            continue
        if not os.path.islink(path):
            work.left[path] = "no link"
            continue
        leads_to, link = os.readlink(path), wanted.get(path, {"target": ""})
        theirs = host_install.leads_to_theirs(Path(path), link["target"], link.get("within"))
        # With a digest in its target it is the kit's, which may have put it in the place of a directory.
        if (path in known and not theirs) or (leads_to == link["target"] and not os.path.isabs(leads_to)):
            work.unlink(path)
        else:
            work.left[path] = f"a link to {leads_to}"
    for name in work.names(str(host_install.BIN)):
        path = str(host_install.BIN / name)
        if os.path.islink(path) and os.readlink(path) == host_install.COMMAND:
            work.unlink(path)


def _remove_products(prefix: str, products: tuple[str, ...], work: Removal) -> None:
    """Remove what was unpacked there, but for what is led to, and what a process runs from."""
    if not os.path.isdir(prefix):
        return
    with directory(prefix) as place:
        names = work.names(prefix)
        mine = [
            name for name in names if host_prune.is_ours(place, name, products) or _is_stamped(place, name)
        ]
        for name in names:
            path = os.path.join(prefix, name)
            # The link of a service that the inventory has no more.
            if os.path.islink(path) and (to := os.readlink(path)) in mine and to.startswith(f"{name}-"):
                work.unlink(path)
        beside = [os.path.join(prefix, name) for name in work.names(prefix) if name not in mine]
        needed = host_prune.led_to(place, mine, beside, work.gone)
        # In a check the kit's own daemons still run from it.
        used = host_prune.in_use(mine) if mine and not work.check else set()
        for name in mine:
            path = os.path.join(prefix, name)
            if name in needed:
                work.left[path] = "a link or a unit leads there"
            elif name in used:
                work.left[path] = "a process runs from there"
            else:
                work.do(path, host_prune.remove, Path(place.anchored), name)
                work.gone.add(path)


def _is_stamped(place: Place, name: str) -> bool:
    """Whether a directory has in its name the digest of its stamp."""
    status = place.status(name)
    if status is None or not stat.S_ISDIR(status.st_mode):
        return False
    stamp = beginning(os.path.join(place.path, name, host_install.STAMP), 16) or b""
    return len(stamp) == 16 and name.encode().endswith(b"-" + stamp)


def _remove_tarballs(artifacts: list[dict[str, Any]], work: Removal) -> None:
    for folder in sorted({os.path.dirname(artifact["tarball"]) for artifact in artifacts}):
        if any(below(mount, [folder]) for mount in mounts()):
            work.left[folder] = "a mount point"
            continue
        for name in work.names(folder):
            if _TARBALL.fullmatch(name):
                work.unlink(os.path.join(folder, name))
        work.rmdir(folder)


def _remove_data(work: Removal, *, data: bool) -> None:
    """Remove what daemons have written where that is asked for, else say where it is."""
    if data:
        for path in innermost_first(work.stores):
            work.empty(path)
            if work.made["directories"].get(path, []) is None:
                work.rmdir(path)
        return
    for path in sorted(work.stores):
        names = [name for name in work.names(path) if os.path.join(path, name) not in work.stores]
        if names:
            uid = os.stat(path).st_uid
            work.left[path] = f"data of {user_name(uid)} (uid {uid}): {', '.join(names[:5])}"


def _remove_directories(work: Removal) -> None:
    """Remove directories that the kit has made, and give back those that were there before."""
    made = work.made["directories"]
    for path in innermost_first(made):
        if made[path] is None:
            work.rmdir(path)
        elif os.path.isdir(path) and not any(below(each, [path]) for each in work.left):
            _give_back(path, made[path], work)


def _give_back(path: str, was: list[int], work: Removal) -> None:
    """Give a directory the owner, group and mode that it had."""

    def step() -> None:
        os.fchown(fd, was[0], was[1])
        os.fchmod(fd, was[2])

    with directory(path) as place, place.readable() as fd:
        status = os.fstat(fd)
        if [status.st_uid, status.st_gid, status.st_mode & 0o7777] != was:
            work.do(f"{path} is {user_name(was[0])}'s again", step)
        work.restored.add(path)


def _owners_of_left(work: Removal) -> Iterator[os.stat_result]:
    """Status of what is left of directories, and of what is directly in them."""
    for path in {*work.stores, *work.made["directories"], *work.left} - work.gone - work.restored:
        if os.path.isdir(path):
            yield os.stat(path)
            yield from (os.lstat(os.path.join(path, name)) for name in work.names(path))


def _remove_users(work: Removal) -> None:
    """Remove users that the kit has made and that own nothing that is left."""
    owners = {status.st_uid for status in _owners_of_left(work)}
    for name in filter(_is_user, work.made["users"]):
        uid = pwd.getpwnam(name).pw_uid
        if uid in owners:
            work.left[f"user {name}"] = f"uid {uid}, owns what is left"
        # In a check the kit's own daemons still run.
        elif not work.check and (process := _process_of(uid)):
            work.left[f"user {name}"] = f"uid {uid}, runs process {process}"
        else:
            _remove_temporary(uid, work)
            work.do(f"user {name}", _remove_user, name)


def _remove_user(name: str) -> None:
    if grp.getgrgid(pwd.getpwnam(name).pw_gid).gr_name == name:
        # userdel would take the group of the user's name with it, which may be older than the kit.
        host_made.run("usermod", "--gid", "nogroup", name)
    host_made.run("userdel", name)


def _process_of(uid: int) -> str:
    """A process of a user; nothing where there is none."""
    for number in filter(str.isdigit, os.listdir(host_prune.PROC)):
        try:
            if os.stat(f"{host_prune.PROC}/{number}").st_uid == uid:
                return str(number)
        except FileNotFoundError:  # it has ended
            continue
    return ""


def _remove_temporary(uid: int, work: Removal) -> None:
    mine = Removal(work.header, work.made, (), (), (), {uid}, work.check)
    for path in TEMPORARY:
        mine.empty(path)
    work.removed += mine.removed


def _remove_groups(work: Removal) -> None:
    """Remove groups that the kit has made and that are nobody's any more."""
    owners = {status.st_gid for status in _owners_of_left(work)}
    for name in work.made["groups"]:
        if not host_install.exists(grp.getgrnam, name):
            continue
        group = grp.getgrnam(name)
        users = [*group.gr_mem, *(user.pw_name for user in pwd.getpwall() if user.pw_gid == group.gr_gid)]
        others = [user for user in users if f"user {user}" not in work.removed]
        if others or group.gr_gid in owners:
            work.left[f"group {name}"] = f"gid {group.gr_gid}, of {', '.join(others) or 'what is left'}"
        else:
            work.do(f"group {name}", host_made.run, "groupdel", name)


def _remove_packages(work: Removal) -> None:
    """Purge what apt has added for the kit, and nobody has asked for since, or needs."""
    there = {asked: [*filter(_is_installed, came)] for asked, came in work.made["packages"].items()}
    waiting = [asked for asked, names in there.items() if names]
    going: list[str] = []

    def purged(asked: str) -> list[str]:
        manual = host_made.run("apt-mark", "showmanual", *there[asked]).split()
        return [name for name in there[asked] if name in (asked, host_made.ANSIBLES) or name not in manual]

    def needed_by(asked: str) -> list[str]:
        said = host_made.run("apt-get", "purge", "--simulate", "--quiet", *going, *purged(asked))
        return sorted(
            {*re.findall(r"^(?:Purg|Remv|Inst) (\S+)", said, re.MULTILINE)} - {*going, *there[asked]}
        )

    # One may be needed by another that goes, too, such as what came with the older of two JDKs.
    while free := next((asked for asked in waiting if purged(asked) and not needed_by(asked)), None):
        going += purged(free)
        waiting.remove(free)
    for asked in waiting:
        others = ", ".join(needed_by(asked)) if purged(asked) else ""
        work.left[f"package {asked}"] = f"needed by {others}" if others else "asked for since"
    if going:
        words = ("apt-get", "purge", "--yes", "--quiet", *going)
        work.do(f"packages {', '.join(going)}", host_made.run, *words)


def _is_installed(name: str) -> bool:
    """Whether dpkg has it, or its configuration."""
    try:
        said = host_made.run("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", name)
    except OSError:
        return False
    return not said.startswith("un")


def _remove_state(services: Services, record: str, work: Removal) -> None:
    """Remove what the kit keeps for itself; what is to be known of data that is left stays."""
    state = os.path.dirname(record)
    if os.path.isdir(kept := os.path.join(state, "kept")):
        work.do(kept, shutil.rmtree, kept)
        work.gone.add(kept)
    stores = {path: _stores([service]) for service in services for path in service["settings"]}
    for path in (os.path.join(state, name) for name in work.names(state)):
        if not os.path.isfile(path) or not _is_ours(path, work.header):
            continue
        # Of one whose service the inventory has no more it is not known with which data it goes.
        if holds := [each for each in stores.get(path, sorted(work.stores)) if work.names(each)]:
            work.left[path] = f"it goes with the data in {', '.join(holds)}"
        else:
            work.unlink(path)
    made = _still_made(work)
    if any(made.values()):
        if made != work.made and not work.check:
            host_made.write(made, record)
        return
    if os.path.isfile(record):
        work.unlink(record)
    work.rmdir(state)


def _still_made(work: Removal) -> host_made.Made:
    """What the record has to say yet."""
    made = work.made
    directories = {
        path: was
        for path, was in made["directories"].items()
        if path not in work.gone and any(below(each, [path]) for each in work.left)
    }
    return {
        "users": [name for name in made["users"] if f"user {name}" in work.left],
        "groups": [name for name in made["groups"] if f"group {name}" in work.left],
        "directories": directories,
        "packages": {
            asked: came for asked, came in made["packages"].items() if f"package {asked}" in work.left
        },
        # One that is left leads to what others have put there.
        "links": [],
    }
