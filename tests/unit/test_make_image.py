"""The recipe of the lab's image: where its packages come from, with recorders for programs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.playbooks import CHECKOUT

MAIN, SECURITY, OTHER = "http://main.example/debian/", "http://sec.example/debian/", "http://other.example/"
# What apt-get indextargets tells: mirror, release, component, codename, origin.
BOOKWORM = [
    f"{OTHER}|bookworm|stable|bookworm|Another",
    f"{SECURITY}|bookworm-security|main|bookworm-security|Debian",
    f"{MAIN}|bookworm|main|bookworm|Debian",
    f"{MAIN}|bookworm|contrib|bookworm|Debian",
    f"{MAIN}|bookworm-updates|main|bookworm-updates|Debian",
    f"{MAIN}|bookworm-backports|main|bookworm-backports|Debian",
]
SID = [f"{MAIN}|sid|main|sid|Debian"]
# Sources that name the place of a release, not the release.
STABLE = [f"{MAIN}|stable|main|bookworm|Debian"]
UBUNTU = [f"{MAIN}|noble|main|noble|Ubuntu"]

# Keeps its arguments, a line each; those of the recipe have no newline.
MMDEBSTRAP = '#!/bin/sh\nprintf "%s\\n" "$@" >"$RECORD"\n'


def make(directory: Path, targets: list[str], *words: str) -> tuple[list[str], str]:
    """Run make-image where apt has these targets; mmdebstrap's arguments, if it ran, and what was said."""
    programs = {
        "apt-get": "#!/bin/sh\ncat <<'END'\n" + "".join(f"{target}\n" for target in targets) + "END\n",
        "apt-config": "#!/bin/sh\necho 'Acquire::Check-Date \"false\";'\necho 'Acquire::Retries \"3\";'\n",
        "mmdebstrap": MMDEBSTRAP,
        "podman": "#!/bin/sh\ncat >/dev/null\necho 1000000\n",
    }
    for name, text in programs.items():
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    record = directory / "record"
    done = subprocess.run(
        [str(CHECKOUT / "roles/lab/files/make-image"), "name:1", *words],
        env=os.environ | {"PATH": f"{directory}:{os.environ['PATH']}", "RECORD": str(record)},
        capture_output=True,
        text=True,
        check=False,
    )
    arguments = record.read_text().splitlines() if record.exists() else []
    assert (done.returncode == 0) == bool(arguments), done.stderr
    return arguments, done.stderr


def lines(arguments: list[str]) -> list[str]:
    """Return the sources given to mmdebstrap: what follows the suite and the target."""
    return arguments[arguments.index("-") + 1 :]


@pytest.mark.parametrize(
    ("targets", "suite", "expected"),
    [
        (
            BOOKWORM[1:],
            "bookworm",
            [
                f"deb {SECURITY} bookworm-security main",
                f"deb {MAIN} bookworm main contrib",
                f"deb {MAIN} bookworm-updates main",
            ],
        ),
        # Another release from the same mirrors, and from nobody else who has packages for this one.
        (
            BOOKWORM,
            "trixie",
            [
                f"deb {SECURITY} trixie-security main",
                f"deb {MAIN} trixie main contrib",
                f"deb {MAIN} trixie-updates main",
            ],
        ),
        (BOOKWORM, "sid", [f"deb {MAIN} sid main contrib"]),
        (STABLE, "trixie", [f"deb {MAIN} trixie main"]),
        ([*BOOKWORM, *SID], "sid", [f"deb {MAIN} sid main"]),
        # mmdebstrap's own default.
        (UBUNTU, "bookworm", []),
        ([], "bookworm", []),
    ],
)
def test_sources(tmp_path: Path, targets: list[str], suite: str, expected: list[str]) -> None:
    arguments, _ = make(tmp_path, targets, suite, "/key", "one", "two")
    assert lines(arguments) == expected
    assert arguments[arguments.index("-") - 1] == suite
    assert {"--include=one,two", '--aptopt=Acquire::Check-Date "false";'} <= set(arguments)
    assert not [argument for argument in arguments if "setup-hook" in argument or "Retries" in argument]


PINS = """\
Package: *
Pin: release n=sid
Pin-Priority: -1

Package: java jre
Pin: release n=sid
Pin-Priority: 990

Package: *
Pin: release a=sid
Pin-Priority: -1

Package: java jre
Pin: release a=sid
Pin-Priority: 990

"""


@pytest.mark.parametrize("targets", [BOOKWORM[1:3], BOOKWORM[1:3] + SID])
def test_only_named_packages_come_from_another_suite(tmp_path: Path, targets: list[str]) -> None:
    arguments, _ = make(tmp_path, targets, "trixie", "/key", "one", "java/sid", "jre/sid")
    assert "--include=one,java,jre" in arguments
    assert lines(arguments) == [
        f"deb {SECURITY} trixie-security main",
        f"deb {MAIN} trixie main",
        f"deb {MAIN} sid main",
    ]
    # The hooks, run as mmdebstrap runs them.
    root = tmp_path / "root"
    (root / "etc" / "apt").mkdir(parents=True)
    sources, pins = root / "etc/apt/sources.list", root / "etc/apt/preferences.d" / "sid"
    kept = "".join(f"{line}\n" for line in lines(arguments)[:-1])
    sources.write_text(f'{kept}deb [signed-by="/k.gpg"] {MAIN} sid main\n')
    setup = [argument.split("=", 1)[1] for argument in arguments if argument.startswith("--setup-hook=")]
    for hook in setup:
        subprocess.run(["sh", "-c", hook, "exec", str(root)], check=True)
    assert pins.read_text() == PINS
    (customize,) = [
        argument for argument in arguments if "--customize-hook=rm" in argument and "sid" in argument
    ]
    subprocess.run(["sh", "-c", customize.split("=", 1)[1], "exec", str(root)], check=True)
    assert not pins.exists()
    assert sources.read_text() == kept


def test_a_suite_that_no_mirror_is_known_for_is_refused(tmp_path: Path) -> None:
    arguments, said = make(tmp_path, UBUNTU, "noble", "/key", "one", "java/sid")
    assert arguments == []
    assert said == "this machine's apt has no mirror of Debian with sid: add one to its sources\n"
