"""What the documents name is there: paths of the tree, targets of the Makefile, programs on the PATH."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.playbooks import CHECKOUT

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/architecture.md")
#: Documents whose commands a reader types.
TYPED = ("README.md", "CONTRIBUTING.md", "docs/errors.md", "docs/course/README.md")
#: Programs that are in .venv/bin alone.
PROGRAM = re.compile(r"(ansible-[a-z]+|python|pytest|molecule) ")
#: How a document says where they are.
ON_PATH = re.compile(
    r"^export PATH=\$PWD/\.venv/bin:\$PATH|`\.venv/bin` on the `PATH` \(`README.md`", re.MULTILINE
)
#: Playbooks that stop what others use.
STOPS = re.compile(r"playbooks/(stop|start|restart|teardown)\.yml")
#: What a reader makes by following the text.
MADE = {"inventories/mine"}
#: Files that are found by their name alone.
NAMED = re.compile(r"[\w.*-]+\.(md|py|toml|xml|sha512|yml|j2)")


def tree() -> set[str]:
    """All files of the checkout and their directories."""
    words = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    files = [Path(line) for line in done.stdout.splitlines() if (CHECKOUT / line).exists()]
    return {str(each) for file in files for each in (file, *file.parents)}


def named(text: str) -> list[str]:
    """Words in backticks that name something of the tree; those of machines and of out/ do not."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```$", "", text))
    words = [word for span in spans for word in span.split()]
    return [
        word
        for word in words
        if word not in MADE
        and not re.search(r"[<>{}=:|]|^/|^~|^out/|^\.venv/|\.service\.d/", word)
        and ("/" in word or NAMED.fullmatch(word))
    ]


def missing(text: str, paths: set[str]) -> list[str]:
    """Names of a text that nothing in the tree has; a star stands for any name."""
    found = []
    for word in named(text):
        form = re.escape(word.rstrip("/")).replace(r"\*", "[^/]*")
        wanted = re.compile(form if "/" in word else rf"(.*/)?{form}")
        if not any(wanted.fullmatch(path) for path in paths):
            found.append(word)
    return found


def targets(makefile: str) -> set[str]:
    """Targets that a person types."""
    return set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


def no_targets(text: str, known: set[str]) -> list[str]:
    """Words after make, in backticks or on a line of a block, that are no targets."""
    blocks = "\n".join(re.findall(r"(?ms)^```\n(.*?)^```$", text))
    lines = re.findall(r"^\s*make ([a-z-]+)", blocks, re.MULTILINE)
    spans = re.findall(r"`make ([a-z-]+)[^`]*`", text)
    return [name for name in [*lines, *spans] if name not in known]


def typed(text: str) -> list[str]:
    """Commands with programs of the kit: in backticks, or on a line of a block."""
    blocks = re.findall(r"(?ms)^```\w*\n(.*?)^```$", text)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```$", "", text))
    lines = [line for block in blocks for line in block.splitlines()]
    return [command for command in [*lines, *spans] if PROGRAM.match(command)]


@pytest.mark.parametrize("document", TYPED)
def test_every_program_is_found(document: str) -> None:
    text = (CHECKOUT / document).read_text()
    assert ON_PATH.search(text) or typed(text) == []


@pytest.mark.parametrize("document", TYPED)
def test_nothing_is_stopped_by_a_command_without_an_inventory(document: str) -> None:
    commands = typed((CHECKOUT / document).read_text())
    assert [each for each in commands if STOPS.search(each) and " -i " not in each] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_is_there(document: str) -> None:
    text = (CHECKOUT / document).read_text()
    assert named(text), "the document names nothing: does the test read it?"
    assert missing(text, tree()) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_target_is_there(document: str) -> None:
    assert no_targets((CHECKOUT / document).read_text(), targets((CHECKOUT / "Makefile").read_text())) == []


def test_planted_commands_are_found() -> None:
    text = (
        "`python -m smoke` `.venv/bin/python -m smoke` `make lab`\n```\nansible-playbook a.yml\nssh a\n```\n"
    )
    assert typed(text) == ["ansible-playbook a.yml", "python -m smoke"]


def test_planted_wrong_names_are_found() -> None:
    text = "`roles/kafka/` `roles/service` `roles/*/vars/main.yml` `roles/*/tasks/guard.yml`"
    assert missing(f"{text} `kafka_data.py` `no.py` `/etc/kafka/x` `out/lab/y` `make a/b.c`", tree()) == [
        "roles/service",
        "roles/*/tasks/guard.yml",
        "no.py",
        "a/b.c",
    ]
    assert no_targets(
        "`make lab` `make lob X=1`\n```\nmake test  # all\nmake tset\n```\n", {"lab", "test"}
    ) == [
        "tset",
        "lob",
    ]


# Who has read the README alone must find these.
QUESTIONS = {
    "roles/kafka/templates/server.properties.j2": "listeners",
    "roles/hdfs/defaults/main.yml": "hdfs_namenode_heap:",
    "stacks/current.yml": "kafka_version:",
    "artifacts/products/kafka/4.3.0/tarball.sha512": "kafka-4.3.0-",
    "roles/common/templates/hardening.j2": "common_hardening",
    "smoke/services/hdfs.py": "safe mode",
    "tests/cluster/test_2_idempotence.py": "def test_",
    "roles/lab/library/lab_machines.py": "podman",
    "roles/common/tasks/roll.yml": "Restart one daemon after the other",
    "playbooks/steps/kafka.yml": "serial: 1",
    "smoke/checks/spark.py": "word",
}


@pytest.mark.parametrize(("path", "holds"), QUESTIONS.items())
def test_what_the_readme_leads_to_is_there(path: str, holds: str) -> None:
    readme = set(named((CHECKOUT / "README.md").read_text()))
    assert path in readme
    assert holds in (CHECKOUT / path).read_text()


def test_every_key_of_a_service_is_in_the_table() -> None:
    text = (CHECKOUT / "docs/architecture.md").read_text()
    values = [
        path.read_text().partition("_service:\n")[2].partition("\n\n")[0]
        for path in CHECKOUT.glob("roles/*/vars/main.yml")
    ]
    keys = {key for value in values for key in re.findall(r"^  ([a-z_]+):", value, re.MULTILINE)}
    assert keys == set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE))
