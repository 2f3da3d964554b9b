"""Settings of the kernel, on a /proc, /sys and /etc of the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import host_kernel
import pytest
from host_kernel import BEFORE, SYSCTL, TMPFILES, ensure

HUGE = "/sys/kernel/mm/transparent_hugepage/enabled"
SETTINGS: dict[str, Any] = {"vm.swappiness": 1, "vm.max_map_count": 262144, HUGE: "madvise"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own, no container, as Debian 12 has it."""
    monkeypatch.setattr(host_kernel, "in_container", lambda: False)
    had = {
        "vm/swappiness": "60\n",
        "vm/max_map_count": "65530\n",
        "net/ipv4/tcp_rmem": "4096\t131072\t6291456\n",
    }
    for name, value in had.items():
        path = tmp_path / "proc/sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)
    huge = tmp_path / HUGE[1:]
    huge.parent.mkdir(parents=True)
    huge.write_text("[always] madvise never\n")
    return tmp_path


def has(root: Path, name: str) -> str:
    return (root / "proc/sys" / name.replace(".", "/")).read_text().strip()


def before(root: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((root / BEFORE).read_text())
    return found


def test_settings_are_used_now_and_at_boot(root: Path) -> None:
    expected = [
        "vm.swappiness 60 -> 1",
        "vm.max_map_count 65530 -> 262144",
        f"{HUGE} always -> madvise",
        f"/{SYSCTL}",
        f"/{TMPFILES}",
    ]
    assert sorted(ensure(SETTINGS, check=True, root=root)) == sorted(expected)
    assert has(root, "vm.swappiness") == "60"
    assert not (root / BEFORE).exists()
    assert sorted(ensure(SETTINGS, check=False, root=root)) == sorted(expected)
    assert (has(root, "vm.swappiness"), has(root, "vm.max_map_count")) == ("1", "262144")
    assert (root / HUGE[1:]).read_text() == "madvise\n"
    lines = (root / SYSCTL).read_text().splitlines()
    assert lines[0].startswith("# Managed by Millrace")
    assert lines[1:] == ["vm.swappiness = 1", "vm.max_map_count = 262144"]
    assert (root / TMPFILES).read_text().splitlines()[1:] == [f"w! {HUGE} - - - - madvise"]
    assert before(root) == {"vm.swappiness": "60", "vm.max_map_count": "65530", HUGE: "always"}


def test_a_second_time_nothing_is_done(root: Path) -> None:
    ensure(SETTINGS, check=False, root=root)
    # As the kernel says it.
    (root / HUGE[1:]).write_text("always [madvise] never\n")
    known = before(root)
    assert ensure(SETTINGS, check=True, root=root) == []
    assert ensure(SETTINGS, check=False, root=root) == []
    assert before(root) == known


def test_what_others_have_changed_is_mended(root: Path) -> None:
    ensure(SETTINGS, check=False, root=root)
    (root / "proc/sys/vm/swappiness").write_text("30\n")
    (root / SYSCTL).unlink()
    said = ["vm.swappiness 30 -> 1", f"/{SYSCTL}"]
    assert ensure(SETTINGS, check=True, root=root) == said
    assert ensure(SETTINGS, check=False, root=root) == said
    assert has(root, "vm.swappiness") == "1"
    # What there was before the kit, and not what somebody had in between.
    assert before(root)["vm.swappiness"] == "60"


def test_more_maps_than_asked_for_are_left(root: Path) -> None:
    (root / "proc/sys/vm/max_map_count").write_text("1048576\n")
    assert ensure({"vm.max_map_count": 262144}, check=False, root=root) == [f"/{SYSCTL}"]
    assert (root / SYSCTL).read_text().endswith("vm.max_map_count = 1048576\n")
    assert ensure({"vm.max_map_count": 262144}, check=False, root=root) == []


def test_a_setting_that_left_gets_back_what_it_had(root: Path) -> None:
    ensure(SETTINGS, check=False, root=root)
    assert sorted(ensure({"vm.max_map_count": 262144}, check=False, root=root)) == [
        f"/{SYSCTL}",
        f"/{TMPFILES}",
        f"{HUGE} madvise -> always",
        "vm.swappiness 1 -> 60",
    ]
    assert has(root, "vm.swappiness") == "60"
    assert not (root / TMPFILES).exists()
    assert before(root) == {"vm.max_map_count": "65530"}
    ensure({}, check=False, root=root)
    assert has(root, "vm.max_map_count") == "65530"
    assert not (root / SYSCTL).exists()
    assert not (root / BEFORE).exists()
    assert ensure({}, check=False, root=root) == []


@pytest.fixture
def pairs(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel that uses one of two settings, as mm/page-writeback.c and mm/util.c do."""

    def write(name: str, value: str, root: Path) -> None:
        changed = has(root, name) != value
        if changed and value == "0" and name.endswith("bytes"):
            raise ValueError(name)  # the least is two pages, or one byte
        (root / "proc/sys" / name.replace(".", "/")).write_text(f"{value}\n")
        if changed:
            (root / "proc/sys" / host_kernel.OTHER[name].replace(".", "/")).write_text("0\n")

    monkeypatch.setattr(host_kernel, "_write", write)
    return root


PAIRS = [
    ("vm.dirty_bytes", "vm.dirty_ratio"),
    ("vm.dirty_background_bytes", "vm.dirty_background_ratio"),
    ("vm.overcommit_kbytes", "vm.overcommit_ratio"),
]


@pytest.mark.parametrize(("one", "other"), [*PAIRS, *((other, one) for one, other in PAIRS)])
def test_of_two_settings_the_one_that_was_used_is_given_back(pairs: Path, one: str, other: str) -> None:
    for name, value in ((one, "70000"), (other, "0")):
        (pairs / "proc/sys" / name.replace(".", "/")).write_text(f"{value}\n")

    def both() -> tuple[str, str]:
        return has(pairs, one), has(pairs, other)

    ensure({other: 20}, check=False, root=pairs)
    assert (both(), before(pairs)) == (("0", "20"), {one: "70000"})
    assert ensure({other: 20}, check=False, root=pairs) == []
    # The inventory names the other one of them now, and that is no reason to give back.
    ensure({one: 80000}, check=False, root=pairs)
    assert (both(), before(pairs)) == (("80000", "0"), {one: "70000"})
    ensure({other: 30}, check=False, root=pairs)
    assert ensure({}, check=False, root=pairs) == [f"{one} 0 -> 70000", f"/{SYSCTL}"]
    assert both() == ("70000", "0")
    assert not (pairs / BEFORE).exists()


@pytest.mark.parametrize("name", ["vm.dirty_ratio", "vm.dirty_bytes"])
def test_a_zero_that_a_kit_of_before_has_recorded_of_two_settings_is_not_given_back(
    pairs: Path, name: str
) -> None:
    for each, value in ((name, "30000"), (host_kernel.OTHER[name], "0")):
        (pairs / "proc/sys" / each.replace(".", "/")).write_text(f"{value}\n")
    (pairs / BEFORE).parent.mkdir(parents=True)
    (pairs / BEFORE).write_text(json.dumps({name: "0"}))
    assert ensure({}, check=False, root=pairs) == []
    assert has(pairs, name) == "30000"
    assert not (pairs / BEFORE).exists()


def test_directories_of_the_system_stay(root: Path) -> None:
    """They may be a package's, though the kit's file was the only one in them."""
    ensure(SETTINGS, check=False, root=root)
    ensure({}, check=False, root=root)
    assert [path.parent.is_dir() for path in (root / SYSCTL, root / TMPFILES)] == [True, True]


def test_a_run_that_was_cut_off_goes_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    def cut_off(settings: dict[str, Any]) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(host_kernel, "_write", killed)
            with pytest.raises(KeyboardInterrupt):
                ensure(settings, check=False, root=root)

    cut_off(SETTINGS)
    assert before(root)["vm.swappiness"] == "60"
    ensure(SETTINGS, check=False, root=root)
    cut_off({})
    ensure({}, check=False, root=root)
    assert has(root, "vm.swappiness") == "60"


def test_values_of_several_numbers(root: Path) -> None:
    settings = {"net.ipv4.tcp_rmem": "4096 131072  6291456"}
    assert ensure(settings, check=False, root=root) == [f"/{SYSCTL}"]


def test_what_the_kernel_has_not_or_does_not_take(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"has no vm\.swapiness: leave it out of common_kernel_settings"):
        ensure({"vm.swapiness": 1}, check=True, root=root)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(22, "Invalid argument")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", refuse)
        with pytest.raises(ValueError, match=r"does not take vm\.swappiness = 900 \(Invalid argument\)"):
            ensure({"vm.swappiness": 900}, check=False, root=root)


def test_a_container_is_left_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_kernel, "in_container", lambda: True)
    assert ensure(SETTINGS, check=False, root=root) == []
    assert has(root, "vm.swappiness") == "60"


@pytest.mark.parametrize(("code", "container"), [(0, True), (1, False)])
def test_systemd_says_what_a_container_is(
    code: int, container: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "systemd-detect-virt"
    program.write_text(f'#!/bin/sh\n[ "$1" = --container ] || exit 9\nexit {code}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert host_kernel.in_container() is container
