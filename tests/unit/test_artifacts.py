"""The builder of tarballs, on small products that need no network."""

from __future__ import annotations

import http.server
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from pathlib import Path
from typing import ClassVar

import pytest

from artifacts import ArtifactError, layout, lock
from artifacts.build import Cache
from artifacts.cli import changed, main
from artifacts.lock import Tarball
from artifacts.product import PRODUCTS, load

REAL = sorted(path.parent for path in PRODUCTS.glob("*/*/product.toml"))

# Copies what a repository holds to where the real plugin would.
MVN = """#!/bin/sh
for word; do case $word in -DoutputDirectory=*) out=${word#*=} ;; esac; done
mkdir -p "$out" && cp "$REPOSITORY"/* "$out" && echo "[INFO] Copying x.jar to $out"
"""


def jar(path: Path, **members: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", "/")), content)


class Mill:
    """A products directory, a repository behind a fake Maven and a cache, with the command line over them."""

    def __init__(self, root: Path) -> None:
        self.products, self.repository, self.cache = root / "products", root / "repository", root / "cache"
        self.manifest, self.maintainer = root / "manifest.json", root / "maintainer"
        self.directory = self.products / "river" / "1.0"
        self.sdist: Path | None = None
        launchers = self.products / "river" / "launchers" / "libexec"
        for directory in (self.directory, launchers, self.repository):
            directory.mkdir(parents=True)
        jar(self.repository / "river-core-1.0.jar", river__Core="code")
        jar(self.repository / "river-tests-1.0.jar", webapps__index="page", other="left out")
        jar(self.repository / "zebra-2.0.jar", zebra="code")
        (self.directory / "pom.xml").write_text("<project/>\n")
        (self.directory / "commands").write_text("flow river.Core\n")
        (self.directory / "product.toml").write_text(
            'jars = [["river-*.jar", "lib/own"], ["*.jar", "lib"]]\n[links]\nconf = "/etc/river"\n'
            '[[repack]]\nfrom = "river-tests-1.0.jar"\nkeep = "webapps/"\nto = "lib/own/webapps.jar"\n'
        )
        self.launcher = launchers / "launch.sh"
        self.launcher.write_text("#!/bin/sh\n")
        self.launcher.chmod(0o755)
        self.relock()

    def relock(self) -> None:
        digests = {path.name: lock.digest(path) for path in self.repository.iterdir()}
        (self.directory / "jars.sha512").write_text(lock.text(digests))

    def pack(self, *words: str) -> int:
        """Lock the tarball as a maintainer would, whose own cache has the source distribution."""
        shutil.rmtree(self.maintainer, ignore_errors=True)
        if self.sdist:
            (self.maintainer / "jars").mkdir(parents=True)
            shutil.copy(self.sdist, self.maintainer / "jars" / "river-1.0-sdist.tar.gz")
        return main(["pack", "--cache", str(self.maintainer), *(words or ["river=1.0"])], self.products)

    @property
    def lock(self) -> Path:
        return self.directory / "tarball.sha512"

    def locked(self) -> Tarball:
        found = load("river", "1.0", self.products).locked_tarball()
        assert found
        return found

    def build(self, cache: Path | None = None) -> int:
        return self.run("river=1.0", cache=cache)

    def run(self, *words: str, cache: Path | None = None) -> int:
        options = ["--cache", str(cache or self.cache), "--manifest", str(self.manifest)]
        return main(["build", *options, *words], self.products)

    def built(self) -> dict[str, object]:
        entry: dict[str, object] = json.loads(self.manifest.read_text())["river-1.0"]
        return entry

    def tarballs(self) -> list[Path]:
        return sorted((self.cache / "tarballs").glob("*.tar"))

    def jar(self, name: str) -> Path:
        return self.cache / "jars" / "river-1.0" / name


@pytest.fixture
def mill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mill:
    made = Mill(tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mvn").write_text(MVN)
    (programs / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("REPOSITORY", str(made.repository))
    assert made.pack() == 0
    return made


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_tarball_has_upstreams_layout(mill: Mill) -> None:
    assert mill.build() == 0
    with tarfile.open(mill.tarballs()[0]) as tar:
        members = {member.name: member for member in tar.getmembers()}
        webapps = tar.extractfile("river-1.0/lib/own/webapps.jar")
        assert webapps
        with zipfile.ZipFile(io.BytesIO(webapps.read())) as archive:
            assert archive.namelist() == ["webapps/", "webapps/index"]
    assert list(members) == [
        "river-1.0",
        "river-1.0/bin",
        "river-1.0/bin/flow",
        "river-1.0/conf",
        "river-1.0/lib",
        "river-1.0/lib/own",
        "river-1.0/lib/own/river-core-1.0.jar",
        "river-1.0/lib/own/webapps.jar",
        "river-1.0/lib/zebra-2.0.jar",
        "river-1.0/libexec",
        "river-1.0/libexec/commands",
        "river-1.0/libexec/launch.sh",
    ]
    assert members["river-1.0/conf"].linkname == "/etc/river"
    assert members["river-1.0/bin/flow"].linkname == "../libexec/launch.sh"
    assert members["river-1.0/libexec/launch.sh"].mode == 0o755
    assert members["river-1.0/libexec/commands"].mode == 0o644
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members.values()} == {(0, 0, "root", "root")}


def test_files_of_our_own_lie_over_the_rest(mill: Mill) -> None:
    """Also over a launcher; a change of one makes another tarball, and so does its mode."""
    files = mill.directory / "files"
    page, launcher = files / "share" / "pages" / "index.html", files / "libexec" / "launch.sh"
    for path in (page, launcher):
        path.parent.mkdir(parents=True)
        path.write_text("our own\n")
    launcher.chmod(0o755)
    link = files / "share" / "latest"
    link.symlink_to(".")

    def point() -> None:
        link.unlink()
        link.symlink_to("pages")

    seen = set()
    for change in (lambda: None, lambda: page.write_text("other\n"), lambda: page.chmod(0o755), point):
        change()
        assert mill.pack() == 0
        assert mill.build() == 0
        seen.add(str(mill.built()["sha512"]))
    assert len(seen) == 4
    with tarfile.open(mill.cache / "tarballs" / str(mill.built()["tarball"])) as tar:
        members = {member.name.removeprefix("river-1.0/"): member for member in tar.getmembers()}
        replaced = tar.extractfile(members["libexec/launch.sh"])
        assert replaced
        assert replaced.read() == b"our own\n"
    assert members["libexec/launch.sh"].mode == 0o755
    assert members["share/pages"].isdir()
    assert members["share/pages/index.html"].size == len("other\n")
    assert members["share/latest"].linkname == "pages"


def test_manifest_tells_what_is_where(mill: Mill) -> None:
    mill.build()
    (tarball,) = mill.tarballs()
    assert mill.built() == {
        "name": "river",
        "version": "1.0",
        "tarball": tarball.name,
        "sha512": lock.digest(tarball),
        "bytes": tarball.stat().st_size,
        "source": "maven",
        "built": True,
    }
    before = tarball.stat().st_ino
    assert mill.build() == 0
    assert mill.built()["built"] is False
    assert tarball.stat().st_ino == before


def test_same_input_same_bytes(mill: Mill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do times, order and modes of the files (git keeps one bit), umask, locale or time zone show."""
    (mill.directory / "files").mkdir()
    for name in "abc":
        (mill.directory / "files" / name).write_text(name)
    assert mill.pack() == 0
    for path in mill.products.rglob("*"):
        os.utime(path, (1, 1))
        if path.is_file():
            path.chmod(path.stat().st_mode & 0o100 | 0o646)
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    found = {name: getattr(Path, name) for name in ("glob", "iterdir", "rglob")}
    umask = os.umask(0o077)
    try:
        for backwards in (False, True):
            for name, method in found.items():
                monkeypatch.setattr(
                    Path,
                    name,
                    lambda *words, m=method, b=backwards, **how: iter(sorted(m(*words, **how), reverse=b)),
                )
            assert mill.build(tmp_path / f"cache-{backwards}") == 0
            assert mill.built()["built"] is True
    finally:
        os.umask(umask)


def test_bytes_are_those_of_every_python(mill: Mill) -> None:
    """Where Python writes a tarball or a jar otherwise, no digest that is committed can be had."""
    name = "long" * 40
    path = mill.directory / "files" / name
    path.parent.mkdir()
    path.write_text("content")
    path.with_name("link").symlink_to(name)
    assert mill.pack() == 0
    assert mill.locked().sha512 == (
        "89e72144d7a231938448a7d56a84038c33eeef8578131cc965dfb982fc30a3fe"
        "0c8d811007306392a0601c247a24e94121e7fd6d34d01bf222f250265b9e2b4e"
    )


@pytest.mark.parametrize("part", ["launcher", "pom.xml", "commands", "product.toml", "jars.sha512", "mode"])
def test_changed_recipe_is_refused_until_it_is_locked(
    mill: Mill, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mill.build() == 0
    old = mill.locked()
    if part == "launcher":
        mill.launcher.write_text("#!/bin/sh\necho\n")
    elif part == "mode":
        mill.launcher.chmod(0o644)
    elif part == "jars.sha512":
        jar(mill.repository / "zebra-2.0.jar", zebra="other code")
        mill.jar("zebra-2.0.jar").unlink()
        mill.relock()
    else:
        path = mill.directory / part
        path.write_text(path.read_text() + "\n" if part != "commands" else "ebb river.Core\n")
    mill.manifest.unlink()
    capsys.readouterr()
    assert mill.build() == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"river 1.0: {mill.lock} is of the recipe {old.recipe}, and it is ")
    assert "git status names the file" in said.err
    assert "python -m artifacts pack river=1.0" in said.err
    assert not said.out, "no jar was looked at"
    assert not mill.manifest.exists()
    assert mill.pack() == 0
    assert mill.locked().recipe != old.recipe
    assert mill.build() == 0
    # the POM, and a comment in product.toml, are no part of the tarball
    same = part in ("pom.xml", "product.toml")
    assert (mill.locked().sha512 == old.sha512) == same
    assert mill.built()["built"] is not same
    assert mill.built()["sha512"] == mill.locked().sha512


def test_tarballs_that_nobody_uses_are_removed(mill: Mill) -> None:
    """Those of another checkout, which makes its own of the same product, stay while it uses them."""
    cache, recipe = mill.cache / "tarballs", mill.directory / "commands"

    def build(change: str) -> str:
        recipe.write_text(change)
        assert mill.pack() == 0
        assert mill.build() == 0
        return str(mill.built()["tarball"])

    unused, theirs = build("one river.Core\n"), build("two river.Core\n")
    (cache / "river-1.0-0123.tar.sha512").write_text("what former versions of the kit laid beside theirs")
    for path in cache.iterdir():
        os.utime(path, (0, 0))
    assert build("two river.Core\n") == theirs
    ours = build("three river.Core\n")
    assert unused not in (theirs, ours)
    assert {path.name for path in cache.iterdir()} == {theirs, ours}


def test_flipped_byte_in_a_cached_jar_is_refused(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    mill.build()
    mill.manifest.unlink()
    flip(mill.jar("zebra-2.0.jar"))
    assert mill.build() == 1
    error = capsys.readouterr().err
    assert f"{mill.jar('zebra-2.0.jar')}: its SHA-512 is not the locked one" in error
    assert "river-core" not in error
    assert not mill.manifest.exists()
    mill.jar("zebra-2.0.jar").unlink()
    assert mill.build() == 0


def test_a_file_that_nothing_wrote_to_is_not_read_again(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    digest = lock.digest

    def reading(path: Path) -> str:
        read.append(path)
        return digest(path)

    monkeypatch.setattr(lock, "digest", reading)
    mill.build()
    (tarball,) = mill.tarballs()
    read.clear()
    mill.build()
    assert {tarball, mill.jar("zebra-2.0.jar")} <= set(read)
    read.clear()
    mill.build()
    assert not [path for path in read if mill.cache in path.parents]


def test_a_file_that_was_written_to_is_read_whatever_its_size_and_time(mill: Mill) -> None:
    mill.build()
    mill.build()
    (tarball,) = mill.tarballs()
    before = tarball.stat()
    flip(tarball)
    os.utime(tarball, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (tarball.stat().st_size, tarball.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert mill.build() == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_without_notes_everything_is_read(mill: Mill, text: str) -> None:
    mill.build()
    mill.build()
    notes = mill.cache / "verified.json"
    notes.write_text(text)
    flip(mill.tarballs()[0])
    assert mill.build() == 1


def test_a_jar_of_an_older_lock_stops_nothing_and_goes_nowhere(mill: Mill) -> None:
    mill.build()
    mill.jar("older.jar").write_bytes(b"x")
    mill.tarballs()[0].unlink()
    assert mill.build() == 0
    with tarfile.open(mill.tarballs()[0]) as archive:
        assert not [name for name in archive.getnames() if "older" in name]


def test_truncated_tarball_is_refused(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    mill.build()
    (tarball,) = mill.tarballs()
    os.truncate(tarball, tarball.stat().st_size - 512)
    assert mill.build() == 1
    assert f"{tarball}: its SHA-512 is not the locked one" in capsys.readouterr().err
    tarball.unlink()
    assert mill.build() == 0


def test_every_wrong_file_is_named_at_once(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    mill.build()
    flip(mill.jar("zebra-2.0.jar"))
    flip(mill.tarballs()[0])
    assert mill.build() == 1
    error = capsys.readouterr().err
    assert str(mill.jar("zebra-2.0.jar")) in error
    assert str(mill.tarballs()[0]) in error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda repository: (repository / "zebra-2.0.jar").unlink(),
            "zebra-2.0.jar: in the lock, but Maven did",
        ),
        (lambda repository: (repository / "new-1.jar").write_bytes(b"x"), "new-1.jar: not in the lock"),
        (
            lambda repository: flip(repository / "zebra-2.0.jar"),
            "zebra-2.0.jar: its SHA-512 is not the locked",
        ),
    ],
    ids=["missing", "unknown", "flipped"],
)
def test_what_maven_brings_must_be_what_is_locked(
    mill: Mill, change: object, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(change)
    change(mill.repository)
    assert mill.build() == 1
    assert message in capsys.readouterr().err
    assert mill.tarballs() == []
    assert not mill.jar("zebra-2.0.jar").exists()


def test_failing_maven_is_told(
    mill: Mill, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPOSITORY", "/nonexistent")
    assert mill.build() == 1
    assert "mvn failed with 1" in capsys.readouterr().err


def test_unknown_product_names_the_known_ones(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    assert mill.run("river=9.9") == 1
    assert "no such product: river=9.9; there are: river=1.0" in capsys.readouterr().err


def test_two_versions_of_a_product_fit_into_one_run(mill: Mill) -> None:
    shutil.copytree(mill.directory, mill.directory.with_name("0.9"))
    assert mill.pack("river=0.9") == 0
    assert mill.run("river=1.0", "river=0.9") == 0
    manifest = json.loads(mill.manifest.read_text())
    assert {key: (entry["name"], entry["version"]) for key, entry in manifest.items()} == {
        "river-1.0": ("river", "1.0"),
        "river-0.9": ("river", "0.9"),
    }
    assert len(mill.tarballs()) == 2


def test_same_version_twice_is_refused(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    assert mill.run("river=1.0", "river=0.9", "river=1.0") == 1
    assert capsys.readouterr().err == "named twice: river=1.0. Name each once\n"
    assert not mill.manifest.exists()


def test_killed_build_is_redone(mill: Mill, tmp_path: Path) -> None:
    """Kill -9 while the tarball is being written: nothing half done is taken for whole."""
    (mill.repository / "large.jar").write_bytes(os.urandom(1 << 20) * 100)
    mill.relock()
    assert mill.pack() == 0
    program = f"import sys; sys.path.insert(0, {str(Path.cwd())!r}); from pathlib import Path; "
    program += "from artifacts.cli import main; "
    program += (
        f"main(['build', '--cache', {str(mill.cache)!r}, '--manifest', {str(mill.manifest)!r}, 'river=1.0'], "
    )
    program += f"Path({str(mill.products)!r}))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not any(part.stat().st_size for part in (mill.cache / "work").glob("*.tar")):
            assert process.poll() is None, "built before it could be killed"
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert mill.tarballs() == []
    assert mill.build() == 0
    assert lock.digest(mill.tarballs()[0]) == mill.built()["sha512"]
    assert list((mill.cache / "work").iterdir()) == []


def test_tarball_is_believed_for_no_digest_beside_it(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    """The committed one alone says what it must be."""
    assert mill.build() == 0
    (tarball,) = mill.tarballs()
    flip(tarball)
    tarball.with_name(f"{tarball.name}.sha512").write_text(lock.text({tarball.name: lock.digest(tarball)}))
    mill.manifest.unlink()
    assert mill.build() == 1
    assert f"{tarball}: its SHA-512 is not the locked one" in capsys.readouterr().err
    assert not mill.manifest.exists()


def test_tarball_that_becomes_another_than_the_locked_is_refused(
    mill: Mill, capsys: pytest.CaptureFixture[str]
) -> None:
    made = mill.locked()
    mill.lock.write_text(Tarball(made.stem, "0" * 128, made.recipe).text())
    assert mill.build() == 1
    error = capsys.readouterr().err
    assert error.startswith(
        f"river 1.0: the tarball made here has SHA-512 {made.sha512[:16]}..., {mill.lock} has {'0' * 16}...: "
    )
    assert sys.version.split()[0] in error
    assert "python -m artifacts pack river=1.0" in error
    assert mill.tarballs() == []
    assert list((mill.cache / "work").iterdir()) == []
    assert not mill.manifest.exists()


@pytest.mark.parametrize("broken", [True, False], ids=["merged", "absent"])
def test_lock_of_a_tarball_that_is_none_is_refused_and_packed_anew(
    mill: Mill, broken: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = mill.lock.read_text()
    if broken:
        mill.lock.write_text(f"<<<<<<< HEAD\n{whole}=======\n{whole}>>>>>>> branch\n")
    else:
        mill.lock.unlink()
    assert mill.build() == 1
    assert capsys.readouterr().err == (
        f"{mill.lock}: absent, or no lock of river-1.0; make it with: python -m artifacts pack river=1.0\n"
    )
    assert mill.pack() == 0
    assert mill.lock.read_text() == whole


def test_every_changed_product_is_named_at_once(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(mill.directory, mill.directory.with_name("0.9"))
    mill.launcher.write_text("#!/bin/sh\necho\n")
    assert mill.run("river=1.0", "river=0.9") == 1
    error = capsys.readouterr().err
    assert "pack river=1.0" in error
    assert "pack river=0.9" in error


def test_pack_without_a_name_locks_what_changed(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    """Not the rest: its jars need not be there. A new product has no lock yet."""
    shutil.copytree(mill.directory, mill.directory.with_name("0.9"))
    assert [product.version for product in changed(mill.products)] == ["0.9"]
    before = mill.lock.stat().st_mtime_ns
    assert main(["pack", "--cache", str(mill.maintainer)], mill.products) == 0
    assert mill.lock.stat().st_mtime_ns == before
    assert changed(mill.products) == []
    capsys.readouterr()
    assert main(["pack", "--cache", str(mill.maintainer)], mill.products) == 0
    assert capsys.readouterr().out.endswith(": nothing to pack\n")
    mill.launcher.write_text("#!/bin/sh\necho\n")
    assert [product.version for product in changed(mill.products)] == ["0.9", "1.0"]


def test_pack_takes_no_jar_that_is_not_locked(mill: Mill, capsys: pytest.CaptureFixture[str]) -> None:
    assert mill.build() == 0
    flip(mill.jar("zebra-2.0.jar"))
    before = mill.lock.read_text()
    assert main(["pack", "--cache", str(mill.cache), "river=1.0"], mill.products) == 1
    assert f"{mill.jar('zebra-2.0.jar')}: its SHA-512 is not the locked one" in capsys.readouterr().err
    assert mill.lock.read_text() == before


def test_lock_is_what_sha512sum_checks(mill: Mill) -> None:
    assert mill.build() == 0
    subprocess.run(["sha512sum", "--check", mill.lock], cwd=mill.cache / "tarballs", check=True)
    assert mill.built()["tarball"] == f"river-1.0-{mill.locked().sha512[:16]}.tar"


def test_two_builds_take_turns(mill: Mill) -> None:
    cache = Cache(mill.cache)
    codes: list[int] = []
    other = threading.Thread(target=lambda: codes.append(mill.build()))
    with cache.alone():
        other.start()
        other.join(1)
        assert other.is_alive()
        assert mill.tarballs() == []
    other.join(30)
    assert codes == [0]


def sdist(path: Path, **extra: str) -> None:
    """A source distribution that pip accepts."""
    files = {
        "setup.py": "from setuptools import setup\nsetup(name='brook', version='1.0', packages=[])\n",
        "PKG-INFO": "Metadata-Version: 2.1\nName: brook\nVersion: 1.0\n",
        "deps/bin/paddle": "#!/bin/sh\n",
        "deps/bin/paddle.cmd": "windows",
        "lib/brook.zip": "zip",
        **extra,
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"brook-1.0/{name}")
            info.size, info.mode, info.uid = len(content), 0o755 if name.endswith("paddle") else 0o644, 1001
            tar.addfile(info, io.BytesIO(content.encode()))


@pytest.fixture
def brook(mill: Mill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The product changed into one from a source distribution, in a directory in place of an index."""
    index = tmp_path / "index"
    index.mkdir()
    archive = mill.sdist = index / "brook-1.0.tar.gz"
    sdist(archive)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    description = mill.directory / "product.toml"
    description.write_text(
        'jars = [["*.jar", "jars"]]\n[sdist]\ndrop = ["*.cmd"]\n'
        'layout = [["deps/", ""], ["lib/", "python/lib/"]]\n'
    )
    (mill.directory / "requirements.txt").write_text(f"brook==1.0 --hash=sha512:{lock.digest(archive)}\n")
    assert mill.pack() == 0
    return archive


def test_source_distribution_is_laid_out(mill: Mill, brook: Path) -> None:
    assert mill.build() == 0
    assert mill.built()["source"] == "pypi"
    with tarfile.open(mill.tarballs()[0]) as tar:
        members = {member.name.removeprefix("river-1.0/"): member for member in tar if member.isfile()}
    assert {"bin/paddle", "python/lib/brook.zip", "jars/zebra-2.0.jar"} <= members.keys()
    assert not {"bin/paddle.cmd", "setup.py", "PKG-INFO"} & members.keys()
    assert members["bin/paddle"].mode == 0o755
    assert members["bin/paddle"].uid == 0
    assert list((mill.cache / "work").iterdir()) == []


def wheel(index: Path, name: str, tag: str, **members: str) -> Path:
    path = index / f"{name}-1.0-{tag}.whl"
    metadata = f"{name}-1.0.dist-info"
    wanted = {
        f"{metadata}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: sea\n",
        f"{metadata}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n",
        f"{metadata}/RECORD": "",
    }
    jar(path, **wanted, **members)
    return path


@pytest.fixture
def pond(mill: Mill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The product changed into one of wheels, for a Python and a platform that need not be those of here."""
    index = tmp_path / "index"
    index.mkdir()
    for python in ("cp311", "cp399"):
        wheel(
            index, "pond", f"{python}-{python}-manylinux_2_28_x86_64", pond__tests__a="test", pond__b=python
        )
    wheel(index, "reed", "py3-none-any", reed__c="code")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    for path in mill.directory.iterdir():
        path.unlink()
    shutil.rmtree(mill.directory.parent / "launchers")
    (mill.directory / "product.toml").write_text(
        '[wheels]\npython = "3.99"\nplatform = "manylinux_2_28_x86_64"\ndrop = ["*/tests/*"]\n'
    )
    (mill.directory / "requirements.txt").write_text("pond==1.0\nreed==1.0\n")
    assert main(["lock", "--cache", str(mill.maintainer), "river=1.0"], mill.products) == 0
    return index


def test_wheels_are_laid_out(mill: Mill, pond: Path) -> None:
    """Of what they need nothing is brought that is not named."""
    assert mill.build() == 0
    assert mill.built()["source"] == "pypi"
    with tarfile.open(mill.tarballs()[0]) as tar:
        members = {member.name.removeprefix("river-1.0/"): member for member in tar if member.isfile()}
        stream = tar.extractfile("river-1.0/pond/b")
        assert stream
        assert stream.read() == b"cp399"
    assert {"pond/b", "reed/c", "pond-1.0.dist-info/RECORD"} <= members.keys()
    assert "pond/tests/a" not in members
    assert list((mill.cache / "work").iterdir()) == []


def test_a_wheel_that_is_not_the_locked_one_is_refused(
    mill: Mill, pond: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(pond, "reed", "py3-none-any", reed__c="other")
    assert mill.build() == 1
    assert "reed-1.0-py3-none-any.whl: its SHA-512 is not the locked one" in capsys.readouterr().err
    assert mill.tarballs() == []


def test_a_wheel_that_is_for_pip_to_spread_is_refused(
    mill: Mill, pond: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(pond, "reed", "py3-none-any", **{"reed-1.0.data/scripts/x": "y"})
    assert main(["lock", "--cache", str(mill.maintainer), "river=1.0"], mill.products) == 1
    assert "reed-1.0.data/scripts/x of reed-1.0-py3-none-any.whl has no place" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["2.2.1", "4.2.0"])
def test_spark_has_no_command_that_lacks_what_it_needs(version: str, tmp_path: Path) -> None:
    """The jar of the examples is in no repository of Maven, and R and its packages are not brought."""
    commands = ["deps/bin/run-example", "deps/bin/sparkR", "deps/bin/spark-submit"]
    sdist(tmp_path / "a.tar.gz", **dict.fromkeys(commands, "#!/bin/sh\n"))
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        names = {name for name, _ in layout._members(load("spark", version), tar)}
    assert {name for name in names if "spark" in name or "run" in name} == {"bin/spark-submit"}


def test_source_distribution_is_downloaded_once(
    mill: Mill, brook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stays in the cache, and is refused when it is no longer what is pinned."""
    (mill.cache / "work" / "river-1.0-sdist").mkdir(parents=True)
    (mill.cache / "work" / "river-1.0-sdist" / "brook-1.0.tar.gz").write_text("a killed build's")
    assert mill.build() == 0
    first = mill.built()["sha512"]
    brook.unlink()
    mill.tarballs()[0].unlink()
    assert mill.build() == 0
    assert mill.built()["sha512"] == first
    mill.tarballs()[0].unlink()
    kept = mill.cache / "jars" / "river-1.0-sdist.tar.gz"
    flip(kept)
    assert mill.build() == 1
    assert f"{kept}: its SHA-512 is not the locked one" in capsys.readouterr().err
    assert mill.tarballs() == []


class Index(http.server.BaseHTTPRequestHandler):
    """A package index of one file, whose first download breaks off in the middle."""

    content = b""
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        """Answer the page of links, or what is asked for of the file."""
        page = b'<a href="/brook-1.0.tar.gz">brook-1.0.tar.gz</a>'
        if not self.path.endswith(".gz"):
            self.answer(200, "text/html", page, len(page))
            return
        wanted = self.headers["Range"]
        self.asked.append(wanted)
        if wanted is None:
            half = len(self.content) // 2
            self.answer(200, "application/gzip", self.content[:half], len(self.content))
        else:
            rest = self.content[int(wanted.removeprefix("bytes=").removesuffix("-")) :]
            self.answer(206, "application/gzip", rest, len(rest))

    def answer(self, status: int, kind: str, body: bytes, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", '"brook"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


def test_broken_download_goes_on_where_it_stopped(
    mill: Mill, brook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdist(brook, noise="".join(random.choices("0123456789abcdef", k=2 << 20)))
    (mill.directory / "requirements.txt").write_text(f"brook==1.0 --hash=sha512:{lock.digest(brook)}\n")
    assert mill.pack() == 0
    Index.content = brook.read_bytes()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for variable in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert mill.build() == 0
        server.shutdown()
    assert Index.asked == [None, f"bytes={len(Index.content) // 2}-"]


def test_changed_source_distribution_is_refused(
    mill: Mill, brook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sdist(brook, evil="x")
    assert mill.build() == 1
    error = capsys.readouterr().err
    assert "DO NOT MATCH THE HASHES" in error
    assert "brook==1.0" in error
    assert mill.tarballs() == []


CONSTRAINED = """import os
from setuptools import setup
file = os.environ.get("PIP_CONSTRAINT")
assert file and open(file).read() == "reed==1.0\\n", "reads with any reed"
setup(name="brook", version="1.0", packages=[])
"""


def test_source_distribution_that_is_read_with_a_constraint(
    mill: Mill, brook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sdist(brook, **{"setup.py": CONSTRAINED})
    (mill.directory / "requirements.txt").write_text(f"brook==1.0 --hash=sha512:{lock.digest(brook)}\n")
    assert mill.pack() == 0
    assert mill.build() == 1
    assert "reads with any reed" in capsys.readouterr().err
    (mill.directory / "constraints.txt").write_text("reed==1.0\n")
    assert mill.pack() == 0
    assert mill.build() == 0


def test_locks_are_rewritten_from_the_sources(mill: Mill) -> None:
    """Both: that of the jars, and that of the tarball which they now make; the cache has these jars then."""
    assert mill.build() == 0
    jars, tarball = (mill.directory / "jars.sha512").read_text(), mill.lock.read_text()
    jar(mill.repository / "zebra-2.0.jar", zebra="other code")
    assert main(["lock", "--cache", str(mill.cache), "river=1.0"], mill.products) == 0
    assert (mill.directory / "jars.sha512").read_text() != jars
    assert mill.lock.read_text() != tarball
    assert mill.build() == 0
    assert mill.build(mill.cache / "another") == 0


@pytest.mark.parametrize("content", ["", "abc  x.jar\n", "nothing\n"], ids=["empty", "short", "words"])
def test_lock_that_is_none_locks_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "jars.sha512"
    path.write_text(content)
    if content:
        with pytest.raises(ArtifactError, match="not a list"):
            lock.read(path)
    else:
        assert lock.read(path) == {}


def test_committed_digests_are_of_the_committed_recipes() -> None:
    """That the tarballs have these digests a build tells; it takes minutes."""
    assert [product.label for product in changed()] == [], "run: make lock-artifacts"


@pytest.mark.parametrize("directory", REAL, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_committed_products_are_whole(directory: Path) -> None:
    """Every jar has a place, every version is pinned, and nothing names a registry's host."""
    product = load(directory.parent.name, directory.name)
    parts = product.locked_parts()
    assert parts
    if product.wheels:
        pins = product.requirements.read_text().splitlines()
        # The name of a wheel has no other hyphens.
        assert {pin.replace("-", "_").replace("==", "-") for pin in pins} == {
            "-".join(part.split("-")[:2]) for part in parts
        }
        return
    assert all(product.place(name) for name in parts)
    assert all(repack.source in parts for repack in product.repacks)
    texts = [path.read_text() for path in product.files.rglob("*.*")]
    pom = product.pom.read_text()
    assert pom.count("<dependency>") == pom.count("<artifactId>") - 1 - pom.count("<exclusion>")
    assert not [text for text in (pom, *texts) if "://" in text]
    assert not [word for word in ("LATEST", "RELEASE", "SNAPSHOT", "[", "(") if f"<version>{word}" in pom]
    if product.sdist:
        assert "--hash=sha512:" in product.requirements.read_text()
    if product.constraints.exists():
        pins = [line for line in product.constraints.read_text().splitlines() if not line.startswith("#")]
        assert pins
        assert all("==" in pin and "--hash=sha512:" in pin for pin in pins)
