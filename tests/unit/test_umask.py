"""Hosts whose sessions have umask 077: what the modules make is still for the service users to read."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from tests.unit.playbooks import run_local


def test_modules_do_not_heed_the_sessions_umask(tmp_path: Path) -> None:
    tarball = tmp_path / "it-1.tar"
    with tarfile.open(tarball, "w") as archive:
        entry = tarfile.TarInfo("it-1/lib/a.jar")
        entry.mode = 0o644
        archive.addfile(entry, io.BytesIO())
    artifact = {
        "name": "it",
        "version": "1",
        "tarball": str(tarball),
        "sha512": hashlib.sha512(tarball.read_bytes()).hexdigest(),
        "prefix": str(tmp_path / "opt"),
    }
    owner = {"owner": "{{ lookup('pipe', 'id -un') }}", "group": "{{ lookup('pipe', 'id -gn') }}"}
    file = {"path": str(tmp_path / "etc" / "it" / "it.conf"), "content": "x\n"} | owner
    directory = {"path": str(tmp_path / "var" / "lib" / "it"), "mode": "0750"} | owner
    service = {"name": "it", "directories": [directory], "artifacts": [artifact]}
    tasks = [
        {"config_files": {"files": [file]}},
        {
            "service_state": {
                "services": [service],
                "state": "installed",
                "record": str(tmp_path / "made.json"),
            }
        },
    ]
    play = {"tasks": tasks}
    run_local(tmp_path, play, umask=0o077)
    modes = {
        path: (tmp_path / path).stat().st_mode & 0o777
        for path in (
            "etc/it",
            "etc/it/it.conf",
            "var/lib",
            "var/lib/it",
            "opt",
            "opt/it/.artifact",
            "opt/it/lib",
        )
    }
    assert modes == {
        "etc/it": 0o755,
        "etc/it/it.conf": 0o644,
        "var/lib": 0o755,
        "var/lib/it": 0o750,
        "opt": 0o755,
        "opt/it/.artifact": 0o644,
        "opt/it/lib": 0o755,
    }
