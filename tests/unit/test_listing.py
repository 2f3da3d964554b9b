"""Two listings of a machine differ by all that was changed: a directory of the test's, with its programs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smoke.machine import Machine
from tests.listing import IGNORED, Listing, differences, take

PROGRAMS = {
    "getent": 'cat "$ROOT/../$1"',
    "systemctl": 'cat "$ROOT/../$1"',
    "dpkg-query": 'cat "$ROOT/../packages"',
    "sysctl": 'cat "$ROOT/../kernel"',
}
SAYS = {
    "passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "group": "root:x:0:\n",
    "list-unit-files": "ssh.service   enabled  enabled\n",
    "list-units": "",
    "packages": "base-files\t12 ii \n",
    "kernel": "vm.swappiness = 60\nfs.file-nr = 1 0 9\n",
}


class Known:
    """A machine that is asked twice."""

    def __init__(self, root: Path) -> None:
        self.root = root / "root"
        for path in ("etc", "usr/local/bin", "var/lib", "run", "tmp"):
            (self.root / path).mkdir(parents=True)
        (self.root / "etc/hosts").write_text("a\n")
        (self.root / "var/lib/data").write_text("a\n")
        (root / "bin").mkdir()
        for name, line in PROGRAMS.items():
            (root / "bin" / name).write_text(f"#!/bin/sh\nROOT={self.root}\n{line}\n")
            (root / "bin" / name).chmod(0o755)
        for name, text in SAYS.items():
            (root / name).write_text(text)
        # It runs here, where ssh would be told to.
        self.machine = Machine(("env", f"PATH={root}/bin:/usr/bin:/bin", "sh", "-c"))

    def listing(self) -> Listing:
        return take(self.machine, str(self.root))


@pytest.fixture
def known(tmp_path: Path) -> Known:
    return Known(tmp_path)


def test_nothing_differs_where_nothing_was_changed(known: Known) -> None:
    listing = known.listing()
    assert differences(listing, known.listing()) == []
    assert listing["user root"] == "x:0:0:root:/root:/bin/bash"
    assert {"file /", "file /etc/hosts", "size /var/lib/data", "content /etc/hosts"} <= set(listing)
    assert {"unit file ssh.service", "package base-files", "kernel vm.swappiness"} <= set(listing)


def test_everything_that_was_changed_differs(known: Known) -> None:
    before, root = known.listing(), known.root
    (root / "etc/hosts").write_text("b\n")
    (root / "var/lib/data").chmod(0o600)
    (root / "usr/local/bin/kafka-topics.sh").symlink_to("command")
    (root / "var/lib/kafka").mkdir()
    (root.parent / "passwd").write_text("kafka:x:998:998::/var/lib/kafka:/usr/sbin/nologin\n")
    (root.parent / "list-units").write_text("kafka@1.service not-found failed failed kafka@1.service\n")
    (root.parent / "packages").write_text("base-files\t12 ii \njava\t17 rc \n")
    (root.parent / "kernel").write_text("vm.swappiness = 1\nfs.file-nr = 2 0 9\n")
    told = differences(before, known.listing())
    assert [line.split(":")[0] for line in told] == [
        "content /etc/hosts",
        "failed unit kafka@1.service",
        "file /usr/local/bin/kafka-topics.sh",
        "file /var/lib/data",
        "file /var/lib/kafka",
        "kernel vm.swappiness",
        "package java",
        "user kafka",
        "user root",
    ]
    assert "package java: was not there -> 17 rc" in told
    assert "kernel vm.swappiness: 60 -> 1" in told


@pytest.mark.parametrize("path", ["/run/millrace/module.lock", "/tmp/x", "/etc/passwd-", "/var/log/apt/x"])
def test_what_others_write_is_left_out(known: Known, path: str) -> None:
    before = known.listing()
    for ignored in ("/var/log", "/var/log/apt"):
        (known.root / ignored[1:]).mkdir(exist_ok=True)
    (known.root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
    (known.root / path[1:]).write_text("")
    assert [line for line in differences(before, known.listing()) if "/var/log:" not in line] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_file_without_an_owner_is_told_wherever_it_lies(known: Known) -> None:
    before = known.listing()
    (known.root / "tmp/hsperfdata_kafka").mkdir()
    os.chown(known.root / "tmp/hsperfdata_kafka", 64999, 64999)
    assert differences(before, known.listing()) == [
        "without an owner /tmp/hsperfdata_kafka: was not there -> 64999:64999"
    ]


def test_who_writes_to_what_is_left_out_is_said() -> None:
    assert all(path.startswith("/") and who for path, who in IGNORED.items())
