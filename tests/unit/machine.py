"""A machine to try launchers on: products unpacked over empty jars, a java that prints how it was called."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from artifacts import layout, tarball
from artifacts.product import Product
from artifacts.progress import Progress

JAVA = f"""#!{sys.executable}
import json, os, sys
if sys.argv[1:] == ["-version"]:
    print('openjdk version "' + os.environ.get("FAKE_JAVA", "17.0.1") + '"', file=sys.stderr)
else:
    print(json.dumps({{"words": sys.argv[1:], "environment": dict(os.environ), "pid": os.getpid()}}))
"""


class Call:
    """What the fake java saw."""

    def __init__(self, text: str) -> None:
        seen = json.loads(text)
        self.words: list[str] = seen["words"]
        self.environment: dict[str, str] = seen["environment"]
        self.pid: int = seen["pid"]

    def after(self, main_class: str) -> list[str]:
        """The arguments of the program."""
        return self.words[self.words.index(main_class) + 1 :]

    def classpath(self) -> list[str]:
        return self.environment["CLASSPATH"].split(":")


class Host:
    """A machine with the products unpacked under a directory whose name has a space, and a fake java."""

    def __init__(self, root: Path) -> None:
        self.root = root / "the opt"
        self.bin = root / "bin"
        self.bin.mkdir(parents=True)
        (self.bin / "java").write_text(JAVA)
        (self.bin / "java").chmod(0o755)

    def install(self, product: Product) -> None:
        """Unpack the launchers of a product over empty jars; /opt/<name> points at what came last."""
        jars = self.root.parent / "jars" / product.stem
        jars.mkdir(parents=True)
        for name in product.locked_parts():
            with zipfile.ZipFile(jars / name, "w") as archive:
                for repack in product.repacks:
                    archive.writestr(f"{repack.keep}x", "")
        packed = self.root.parent / f"{product.stem}.tar"
        entries = {
            path: tarball.Link(str(self.root.parent / "etc" / product.name))
            if product.links.get(path, "").startswith("/")
            else entry
            for path, entry in layout.entries(product, jars, None).items()
        }
        tarball.write(packed, product.stem, entries, Progress(""))
        self.root.mkdir(exist_ok=True)
        with tarfile.open(packed) as tar:
            tar.extractall(self.root, filter="fully_trusted")
        (self.root.parent / "etc" / product.name).mkdir(parents=True, exist_ok=True)
        link = self.root / product.name
        link.unlink(missing_ok=True)
        link.symlink_to(product.stem)

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command with nothing else in its environment, in a directory of no meaning."""
        return subprocess.run(
            words,
            env={"PATH": f"{self.bin}:/usr/bin:/bin", "USER": "miller", **environment},
            cwd="/",
            text=True,
            capture_output=True,
            timeout=30,
            check=False,
        )

    def java(self, *words: str, **environment: str) -> Call:
        """Run a command that shall end in java."""
        result = self.run(*words, **environment)
        assert result.returncode == 0, result.stderr
        return Call(result.stdout)
