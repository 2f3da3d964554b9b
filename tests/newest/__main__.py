"""make newest-test: in a container of Debian 13, what README asks of a fresh machine, and the tests.

What is tested is the commit, in a clone. The newest ansible-core for Debian 13's Python takes the place of
the one that is locked (requirements-newest.txt). Machines of the scenario are containers in the container.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from lab_machines import Limits, runtime_arguments

CHECKOUT = Path(__file__).parents[2]
WORK = CHECKOUT / "out/newest"
NAME = "millrace-newest"
PACKAGES = (
    # What README asks for, and what the maker of images expects of one.
    *("git", "make", "python3", "python3-venv", "ca-certificates"),
    *("systemd", "openssh-server"),
)
MAKER = CHECKOUT / "roles/lab/files/make-image"
IMAGE = (
    "localhost/millrace-base:newest-" + sha256(MAKER.read_bytes() + repr(PACKAGES).encode()).hexdigest()[:12]
)
"""A changed recipe is another image, as in the lab."""
SCENARIO = "zookeeper"
REACHED_BY = (
    Path("/etc/pip.conf"),
    Path("/usr/local/share/ca-certificates"),
    Path("~/.m2/settings.xml").expanduser(),
)
"""How this machine reaches its registries, beside apt's sources, which images take over."""
SCRIPT = """set -eu
# A machine of its own: podman would write what this one knows.
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' > /etc/hosts
update-ca-certificates
git config --global --add safe.directory /checkout/.git
git clone --quiet /checkout/.git millrace
cd millrace
git checkout --quiet "$COMMIT"
./bootstrap test
.venv/bin/python -m pip install --no-deps --require-hashes --requirement requirements-newest.txt
.venv/bin/ansible --version
make lint unit molecule SCENARIO="$SCENARIO"
"""


def run(*words: str) -> None:
    """Run a command and show what it says. Raises CalledProcessError."""
    subprocess.run(words, cwd=CHECKOUT, check=True, stdin=subprocess.DEVNULL)


def make_image() -> None:
    """Debian 13, unless it is there. Raises CalledProcessError."""
    if subprocess.run(["podman", "image", "exists", IMAGE], check=False).returncode == 0:
        return
    with tempfile.TemporaryDirectory() as directory:
        key = f"{directory}/key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        run(str(MAKER), IMAGE, "trixie", key, *PACKAGES)


@contextmanager
def container() -> Iterator[None]:
    """It runs, with this checkout's commits; nothing of it stays. Raises CalledProcessError."""
    runtime, limits = runtime_arguments(), Limits.of_host()
    mounts = [f"--volume={path}:{inside(path)}:ro" for path in REACHED_BY if path.exists()]
    # A worktree's commits lie elsewhere.
    git = subprocess.check_output(["git", "rev-parse", "--git-common-dir"], cwd=CHECKOUT, text=True).strip()
    run(
        *("podman", *runtime, "run", "--detach", "--replace", f"--name={NAME}", "--privileged"),
        *("--no-hosts", "--pids-limit=-1", f"--ulimit=nofile={limits.files}:{limits.files}"),
        *(f"--ulimit=nproc={limits.processes}:{limits.processes}", "--volume=/var/lib/containers", *mounts),
        *(f"--volume={(CHECKOUT / git).resolve()}:/checkout/.git:ro", IMAGE),
        # Which buries what is left behind, too.
        *("bash", "-c", "sleep infinity & wait"),
    )
    try:
        yield
    finally:
        run("podman", *runtime, "rm", "--force", "--time=0", "--volumes", NAME)


def inside(path: Path) -> str:
    """Where a file of this machine lies in the container, whose user is root."""
    home = Path.home()
    return f"/root/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def tried(commit: str, scenario: str) -> int:
    """Run all of it there; what it returned."""
    given = {"COMMIT": commit, "SCENARIO": scenario, "DEBIAN_FRONTEND": "noninteractive"}
    words = ["podman", "exec", "--workdir=/root", *(f"--env={key}={value}" for key, value in given.items())]
    done = subprocess.run([*words, NAME, "bash", "-c", SCRIPT], stdin=subprocess.DEVNULL, check=False)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    # There is none where it ended before.
    subprocess.run(
        ["podman", "cp", f"{NAME}:/root/millrace/out/molecule", str(WORK)], capture_output=True, check=False
    )
    return done.returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, try, remove; returns what the tests did."""
    (scenario,) = arguments or (SCENARIO,)
    # Ended from outside it gives back what it has made, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=CHECKOUT, text=True).strip()
    make_image()
    with container():
        return tried(commit, scenario)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
