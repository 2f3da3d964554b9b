"""What was unpacked before goes when nothing needs it: real processes, under a prefix of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import host_prune
import pytest
from host_prune import prune

NEW, OLD = "product-1.0-" + "b" * 16, "product-1.0-" + "a" * 16


@pytest.fixture
def opt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prefix with a product's directory, the one that it replaced, and the link; no unit names anything."""
    monkeypatch.setattr(host_prune, "UNIT_DIRS", (str(tmp_path / "etc"), str(tmp_path / "run")))
    # Without root the processes of others cannot be looked at.
    monkeypatch.setattr(host_prune, "PROC", str(tmp_path / "proc"))
    see(tmp_path, os.getpid())
    path = tmp_path / "opt"
    for name in (OLD, NEW):
        unpacked(path / name)
    (path / "product").symlink_to(NEW)
    return path


def unpacked(path: Path) -> Path:
    (path / "lib").mkdir(parents=True)
    (path / "lib" / "a.so").write_bytes(b"0" * 4096)
    (path / ".artifact").touch()
    return path


def see(tmp_path: Path, pid: int) -> None:
    """Let a process be one of those that are looked at."""
    (tmp_path / "proc").mkdir(exist_ok=True)
    (tmp_path / "proc" / str(pid)).symlink_to(f"/proc/{pid}")


def wanted(opt: Path, **others: Any) -> dict[str, Any]:
    """The artifact that is to be there."""
    return {"name": "product", "version": "1.0", "sha512": "b" * 128, "prefix": str(opt)} | others


def names(opt: Path) -> list[str]:
    return sorted(os.listdir(opt))


def test_what_was_replaced_goes_and_check_mode_says_so(opt: Path) -> None:
    assert prune([wanted(opt)], check=True) == [f"{opt}/{OLD}"]
    assert names(opt) == ["product", OLD, NEW]
    assert prune([wanted(opt)], check=False) == [f"{opt}/{OLD}"]
    assert names(opt) == ["product", NEW]
    assert prune([wanted(opt)], check=False) == []


@pytest.mark.parametrize(
    "name", ["producer-1.0-" + "a" * 16, "product-0.9", ".product-1.0.mine", ".product-1.0.old"]
)
def test_what_is_not_the_kits_or_of_another_product_stays(opt: Path, name: str) -> None:
    shutil.rmtree(opt / OLD)
    unpacked(opt / name)
    if name == "product-0.9":
        (opt / name / ".artifact").unlink()
    assert prune([wanted(opt)], check=False) == []
    assert name in names(opt)


def test_of_two_versions_neither_of_which_has_a_link_yet_both_stay(opt: Path) -> None:
    (opt / "product").unlink()
    assert prune([wanted(opt), wanted(opt, sha512="a" * 128)], check=False) == []


@pytest.mark.parametrize("target", [OLD, f"./{OLD}/lib", f"{{opt}}/{OLD}"])
def test_what_a_link_beside_it_leads_to_stays(opt: Path, target: str) -> None:
    (opt / "theirs").symlink_to(target.format(opt=opt))
    assert prune([wanted(opt)], check=False) == []
    (opt / "theirs").unlink()
    assert prune([wanted(opt)], check=False) == [f"{opt}/{OLD}"]


@pytest.mark.parametrize(
    ("unit", "line"),
    [
        ("etc/mirror.service", "ExecStart=-{opt}/{old}/bin/run.sh --config=/etc/mirror"),
        ("run/mirror.service", 'Environment="A=1" "JAVA_HOME={opt}/{old}"'),
        ("etc/mirror@.service.d/home.conf", "Environment=CLASSPATH=/usr/share/a.jar:{opt}/{old}/lib/*"),
        ("etc/mirror.service", "ExecStart=/bin/sh -c '(cd {elsewhere}/lib; exec ./run)'"),
    ],
)
def test_what_a_unit_names_stays(opt: Path, tmp_path: Path, unit: str, line: str) -> None:
    (tmp_path / "mirror").symlink_to(opt / OLD)
    file = tmp_path / unit
    file.parent.mkdir(parents=True)
    file.write_text("[Service]\n" + line.format(opt=opt, old=OLD, elsewhere=tmp_path / "mirror") + "\n")
    assert prune([wanted(opt)], check=False) == []
    # Neither a longer name nor another version is this one.
    file.write_text(f"[Service]\nExecStart={opt}/{OLD}-mine/run {opt}/product/bin/run.sh\n")
    assert prune([wanted(opt)], check=False) == [f"{opt}/{OLD}"]


def test_what_a_unit_file_lies_in_stays(opt: Path, tmp_path: Path) -> None:
    """As systemctl link has it; a unit that is masked and a link to nothing are no errors."""
    (tmp_path / "etc" / "multi-user.target.wants").mkdir(parents=True)
    (opt / OLD / "mirror.service").write_text("[Service]\n")
    (tmp_path / "etc" / "mirror.service").symlink_to(opt / OLD / "mirror.service")
    (tmp_path / "etc" / "masked.service").symlink_to("/dev/null")
    (tmp_path / "etc" / "multi-user.target.wants" / "gone.service").symlink_to("nowhere")
    assert prune([wanted(opt)], check=False) == []
    (tmp_path / "etc" / "mirror.service").unlink()
    assert prune([wanted(opt)], check=False) == [f"{opt}/{OLD}"]


# Not Python's mmap, which keeps a descriptor. 1 is PROT_READ, 2 MAP_PRIVATE.
OPENS = "f = open('lib/a.so')"
MAPS = f"import ctypes; {OPENS}; ctypes.CDLL(None).mmap(None, 4096, 1, 2, f.fileno(), 0); f.close()"
DELETED = f"{OPENS}; import os; os.unlink('lib/a.so')"
#: Then it says so, and stays until its input ends.
AWAY = "; import os, sys; os.chdir('/'); print(flush=True); sys.stdin.read()"


def start(words: list[str], **others: Any) -> subprocess.Popen[str]:
    """A process that has written its first line."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, **others)
    assert process.stdout
    process.stdout.readline()
    return process


def does(script: str) -> Callable[[Path], subprocess.Popen[str]]:
    return lambda path: start([sys.executable, "-c", script + AWAY], cwd=path)


def sits(path: Path) -> subprocess.Popen[str]:
    return start(["/bin/sh", "-c", "echo; read line"], cwd=path)


def is_run(path: Path) -> subprocess.Popen[str]:
    shutil.copy2("/bin/sh", path / "shell")
    return start([str(path / "shell"), "-c", "echo; read line"])


@pytest.mark.parametrize(
    "run",
    [does(MAPS), does(OPENS), does(DELETED), sits, is_run],
    ids=["maps", "opens", "opens-deleted", "sits", "is-run"],
)
@pytest.mark.parametrize("name", [OLD, f".{OLD}.old", f".{OLD}.x_1.old"])
def test_what_a_process_runs_from_stays_until_it_ends(
    opt: Path, tmp_path: Path, run: Callable[[Path], subprocess.Popen[str]], name: str
) -> None:
    (opt / OLD).rename(opt / name)
    process = run(opt / name)
    see(tmp_path, process.pid)
    assert prune([wanted(opt)], check=False) == []
    process.communicate("\n")
    assert prune([wanted(opt)], check=False) == [f"{opt}/{name}"]


@pytest.fixture
def fake(opt: Path, tmp_path: Path) -> Iterator[Path]:
    """A process of another root or mount namespace, as /proc shows it."""
    path = tmp_path / "proc" / "4711"
    for name in ("fd", "ns"):
        (path / name).mkdir(parents=True)
    for name in ("exe", "cwd", "root"):
        (path / name).symlink_to("/")
    (path / "ns" / "mnt").symlink_to("mnt:[4711]")
    for name in ("maps", "mountinfo"):
        (path / name).touch()
    yield path
    assert prune([wanted(opt)], check=False) == [f"{opt}/{OLD}"], "without it nothing needs it"


MOUNT = "36 35 98:0 {} /product rw,noatime shared:1 - ext4 /dev/root rw\n"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("root", f"/srv/software/{OLD}"),
        ("exe", f"/software/{OLD}/bin/run (deleted)"),
        ("fd/3", f"/software/{OLD}/lib/a.so"),
        ("maps", f"7f00-7f01 r-xp 00000000 fd:00 42    /software/{OLD}/lib/a.so (deleted)\n"),
        ("mountinfo", MOUNT.format(f"/{OLD}")),
        ("mountinfo", MOUNT.format(f"/opt/{OLD}/lib")),
    ],
)
def test_what_a_container_sees_under_another_path_stays(opt: Path, fake: Path, file: str, text: str) -> None:
    path = fake / file
    path.unlink(missing_ok=True)
    if file in ("maps", "mountinfo"):
        path.write_text(text)
    else:
        path.symlink_to(text)
    assert prune([wanted(opt)], check=False) == []
    path.unlink()
    path.write_text("") if file in ("maps", "mountinfo") else path.symlink_to(f"/{OLD}-mine/{OLD}~")


def test_one_that_ends_meanwhile_and_a_thread_of_the_kernel_are_no_errors(opt: Path, fake: Path) -> None:
    """Another one may follow in /proc and is still looked at."""
    (fake / "exe").unlink()
    (fake / "fd" / "3").symlink_to(f"/opt/{OLD}/lib/a.so")
    for number in ("1", "99999"):
        (fake.parent / number).mkdir()
    assert prune([wanted(opt)], check=False) == []
    (fake / "fd" / "3").unlink()


@pytest.mark.parametrize("denied", ["readlink", "listdir"])
def test_where_a_process_cannot_be_looked_at_all_stays(
    opt: Path, fake: Path, monkeypatch: pytest.MonkeyPatch, denied: str
) -> None:
    """As in a container without SYS_PTRACE: what it runs from is not known."""
    does_it = getattr(os, denied)

    def deny(path: Any, **others: Any) -> Any:
        if str(path).startswith(f"{fake}/"):
            raise PermissionError(path)
        return does_it(path, **others)

    with monkeypatch.context() as patched:
        patched.setattr(os, denied, deny)
        assert prune([wanted(opt)], check=False) == []


def test_all_directories_are_looked_at_in_one_pass(opt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    listdir = os.listdir

    def record(path: Any) -> list[str]:
        read.append(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", record)
    unpacked(opt / OLD.replace("a", "c"))
    assert len(prune([wanted(opt)], check=True)) == 2
    assert read.count(host_prune.PROC) == 1
    # Where nothing was replaced nobody is looked at.
    read.clear()
    prune([wanted(opt), wanted(opt, sha512="a" * 128), wanted(opt, sha512="c" * 128)], check=True)
    assert host_prune.PROC not in read


@pytest.mark.parametrize("tree", [NEW, OLD])
@pytest.mark.parametrize("left", [".{}.unpacking", ".{}.old", ".{}.x_1.old"])
def test_what_a_killed_run_left_goes(opt: Path, tree: str, left: str) -> None:
    shutil.rmtree(opt / OLD)
    (opt / left.format(tree) / "lib").mkdir(parents=True)
    assert prune([wanted(opt)], check=False) == [f"{opt}/{left.format(tree)}"]
    assert names(opt) == ["product", NEW]


def test_what_is_half_removed_has_not_its_name_any_more(opt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its stamp it would be taken for the whole when its version is wanted again."""

    def killed(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            prune([wanted(opt)], check=False)
    assert OLD not in names(opt)
    assert len(prune([wanted(opt)], check=False)) == 1
    assert names(opt) == ["product", NEW]


def test_a_prefix_that_is_not_there_and_one_that_a_service_has_made(
    opt: Path, tmp_path: Path, service: Path
) -> None:
    assert prune([wanted(tmp_path / "nowhere")], check=False) == []
    (service / "opt").symlink_to(opt)
    with pytest.raises(ValueError, match=f"^{service}/opt is a link to {opt}, and "):
        prune([wanted(service / "opt")], check=False)
    assert OLD in names(opt)
