"""python -m course: every command is there, and bad input is told without a traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from course import guide
from course.__main__ import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_what_it_takes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: .venv/bin/python -m course {name}" in capsys.readouterr().out


def test_no_message_names_a_python_that_may_not_be_there() -> None:
    sources = {
        path.name: path.read_text(encoding="utf-8") for path in (guide.CHECKOUT / "course").rglob("*.py")
    }
    assert [name for name, text in sources.items() if re.search("(?<!venv/bin/)python -m course", text)] == []


def test_the_guide_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples/A.java").write_text("class A {}\n")
    for language in guide.LANGUAGES:
        (tmp_path / f"guide.{language}.md").write_text(
            "# Lab\n<!-- sample: A.java -->\n```java\nclass B {}\n```\n"
        )
    monkeypatch.setattr(guide, "DOCS", tmp_path)
    assert main(["guide"]) == 1
    assert "guide.fr.md:3: not what samples/A.java holds" in capsys.readouterr().out
    assert main(["guide", "--write"]) == 0
    assert capsys.readouterr().out == "guide.en.md and guide.fr.md are in order\n"
    (tmp_path / "guide.fr.md").write_text("# TP\n")
    assert main(["guide"]) == 1
    assert capsys.readouterr().out == "guide.en.md and guide.fr.md: 1 blocks and 0 blocks\n"


def test_bad_input_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guide", "run", "--cluster", "/nonexistent.json"]) == 2
    assert capsys.readouterr().err.startswith("course: /nonexistent.json is not there")


def test_an_interrupt_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(guide, "run", interrupted)
    assert main(["guide"]) == 130
    assert capsys.readouterr().err == "course: interrupted\n"


def test_what_a_deployment_needs_wants_no_pseudo_terminals() -> None:
    blocked = "import sys; sys.modules['pexpect'] = None; "
    blocked += "from course.__main__ import main; sys.exit(main(['guide']))"
    subprocess.run([sys.executable, "-c", blocked], cwd=guide.CHECKOUT, check=True, capture_output=True)
