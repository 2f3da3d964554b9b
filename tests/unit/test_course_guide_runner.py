"""The guide is followed in real shells; where it drifts from what happens, it fails at that block."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from course import CourseError
from course.guide_parser import GuideError, parse, steps
from course.guide_runner import FollowError, able, command, follow, run_guide
from course.terminal import SHELL, Terminal, TerminalError
from smoke.cluster import Broker, Cluster, Kafka
from smoke.console import Console
from smoke.machine import Machine
from smoke.wait import wait_until

HEADING = "## 2. Three brokers\n"


def run(text: str, tmp_path: Path) -> str:
    """Follow the text, each terminal a shell of its own; returns what was said."""
    opened: list[Terminal] = []

    def shell(name: str) -> Terminal:
        opened.append(Terminal(["sh", "-c", f"{SHELL} --noprofile --norc"], tmp_path))
        return opened[-1]

    said = io.StringIO()
    follow(steps(parse(HEADING + text, "guide.md"), "guide.md"), "guide.md", shell, Console(said))
    return said.getvalue()


def refused(text: str, tmp_path: Path) -> str:
    with pytest.raises(FollowError) as error:
        run(text, tmp_path)
    return str(error.value)


def fenced(*blocks: str) -> str:
    return "".join(f"```{block}\n```\n" for block in blocks)


def test_a_session_is_followed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    text = fenced(
        "bash master\ncd sub\nname=kafka\ncat > file <<EOF\nhello $name\nEOF",
        "bash master\necho one \\\n  two; cat file; jobs -l",
        "text\none two\nhello kafka",
        "bash master-2\npwd; echo none$name",
        f"text\n{tmp_path}\nnone",
        "bash host fails\necho no >&2; exit 0 | false",
        "text\nno",
    )
    said = run(text, tmp_path)
    assert said.startswith("2. Three brokers\n")
    assert said.count(" types ") == 4


def test_one_types_into_what_goes_on_and_sees_it_elsewhere(tmp_path: Path) -> None:
    text = fenced(
        "bash master\ntouch topic\ncat >> topic",
        "bash master-2\ntail -n +1 -f topic",
        "input master\nhello hello kafka and zookeeper!",
        "text master-2\nhello hello kafka and zookeeper!",
        "input master\n",
        "input master\nlast",
        "text master-2\nlast",
        "input master\nCtrl-D",
        "input master-2\nCtrl-C",
        "bash master\nwc -l < topic",
        "text\n3",
        "bash master-2\necho back",
        "text\nback",
    )
    run(text, tmp_path)


def test_a_background_program_does_not_disturb(tmp_path: Path) -> None:
    text = fenced(
        "bash master\nsleep 30 &\necho started",
        "text\nstarted",
        "bash master\nkill -9 $!; wait",
        "bash master\necho on",
        "text\non",
    )
    run(text, tmp_path)


def test_a_missing_line_is_caught(tmp_path: Path) -> None:
    said = refused(fenced("bash master\necho Kafka", "text\nKafka\nQuorumPeerMain"), tmp_path)
    assert said.splitlines() == [
        "guide.md:2: 2. Three brokers",
        "terminal master: not seen: QuorumPeerMain",
        "typed:",
        "    echo Kafka",
        "expected:",
        "    Kafka",
        "    QuorumPeerMain",
        "seen in master:",
        "    Kafka",
    ]


def test_a_wrong_order_is_caught(tmp_path: Path) -> None:
    said = refused(fenced("bash master\nprintf '%s\\n' 2 1", "text\n1\n2"), tmp_path)
    assert "not seen: 1\n" in said


def test_a_line_too_many_is_caught(tmp_path: Path) -> None:
    said = refused(fenced("bash master\nseq 3", "text\n1\n2"), tmp_path)
    assert "not seen: nothing more after the last line" in said


def test_a_hanging_command_is_caught_in_its_time(tmp_path: Path) -> None:
    began = time.monotonic()
    said = refused(fenced("bash master limit=0.3\nsleep 30", "text\ndone"), tmp_path)
    assert "terminal master: did not end within 0.3 s\ntyped:\n    sleep 30\n" in said
    assert time.monotonic() - began < 5


def test_what_is_not_seen_in_its_time_is_caught(tmp_path: Path) -> None:
    text = fenced("bash master\necho hello; cat", "text limit=0.3\nhello\nworld", "input master\nCtrl-C")
    said = refused(text, tmp_path)
    assert "not seen: world (waited 0.3 s)" in said
    assert said.endswith("seen in master:\n    hello")


def test_an_incomplete_command_is_caught(tmp_path: Path) -> None:
    said = refused(fenced("bash master\necho 'never closed"), tmp_path)
    assert "the command is not complete: echo 'never closed" in said


def test_a_failing_command_is_caught(tmp_path: Path) -> None:
    assert "exit status 3\n" in refused(fenced("bash master\n(exit 3)"), tmp_path)
    assert "exit status 1 of: false\n" in refused(fenced("bash master\nfalse\ntrue"), tmp_path)


def test_a_command_that_should_fail_and_does_not_is_caught(tmp_path: Path) -> None:
    assert "exit status 0\n" in refused(fenced("bash master fails\ntrue"), tmp_path)


@pytest.mark.parametrize("prompt", ["seen", "not yet seen"])
def test_a_program_that_ends_before_the_key_is_caught(
    tmp_path: Path, prompt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(["sh", "-c", f"{SHELL} --noprofile --norc"], tmp_path)
    try:
        terminal.type_command(["head -n 1; touch ended"], 5, goes_on=True)
        terminal.type_input("hello")
        if prompt == "seen":
            with pytest.raises(TerminalError, match="not seen: more"):
                terminal.see(["hello", "more"], 5)
        else:
            wait_until((tmp_path / "ended").exists, 5, "head does not end")
            # As if the key were pressed in the moment between the look and the end.
            monkeypatch.setattr(terminal, "_alive", lambda: None)
        with pytest.raises(TerminalError, match="the program had ended by itself"):
            terminal.press("\x03", 5)
        monkeypatch.undo()
        with pytest.raises(TerminalError, match="the program had ended by itself, with exit status"):
            terminal.type_input("more")
        terminal.type_command(["echo on"], 5, goes_on=False)
        terminal.see(["on"], 5)
    finally:
        terminal.close()


def test_a_program_that_does_not_heed_ctrl_c_is_caught(tmp_path: Path) -> None:
    text = fenced("bash master\ntrap '' INT; echo on; sleep 30", "text\non", "input master limit=0.3\nCtrl-C")
    assert "did not end within 0.3 s" in refused(text, tmp_path)


def test_a_command_is_asked_again_until_it_is_as_shown(tmp_path: Path) -> None:
    text = fenced("bash master again limit=10\necho x >> file; wc -l < file", "text\n3")
    run(text, tmp_path)
    (tmp_path / "file").unlink()
    text = fenced("bash master again limit=0.3\necho x >> file; wc -l < file", "text\n0")
    assert "not seen: 0 (asked again for 0.3 s)" in refused(text, tmp_path)


def test_a_shell_that_dies_is_told(tmp_path: Path) -> None:
    assert "the shell ended: farewell" in refused(fenced("bash master\necho farewell; exit 0"), tmp_path)


SSH_CONFIG = "out/course/ssh_config"
CLUSTER = Cluster(
    "course", "course", {}, {"hadoop-master": Machine(("ssh", "-F", SSH_CONFIG, "hadoop-master"))},
    kafka=Kafka("0.8.2.1", (Broker(0, "hadoop-master", 9092, "kafka@0"),)), source="out/course/cluster.json",
)  # fmt: skip


def test_a_terminal_is_a_login_shell_on_its_machine() -> None:
    assert command("master-2", CLUSTER) == [
        "ssh", "-tt", "-F", SSH_CONFIG, "hadoop-master", "stty -echo; exec bash --noediting --login",
    ]  # fmt: skip
    assert command("host", CLUSTER) == ["sh", "-c", "stty -echo; exec bash --noediting --noprofile --norc"]


def test_a_machine_that_is_not_described_is_told() -> None:
    with pytest.raises(CourseError, match=r"^out/course/cluster.json: hadoop-slave2 is not in machines$"):
        command("slave2", CLUSTER)


ONLY = "## Newer\n<!-- only with: course_broker_0_10 -->\n" + fenced("bash master\nls") + "## On\n" + fenced(
    "bash master\npwd"
)  # fmt: skip


def test_sections_that_the_cluster_cannot_run_are_left_out_aloud() -> None:
    said = io.StringIO()
    assert [block.lines for block in able(parse(ONLY, "g"), CLUSTER, Console(said))] == [("pwd",)]
    assert said.getvalue() == "left out, for the cluster was made without course_broker_0_10: Newer\n"


def test_sections_that_the_cluster_can_run_are_run() -> None:
    newer = Kafka("0.10.2.2", (Broker(10, "hadoop-master", 9095, "kafka@10"),))
    assert CLUSTER.kafka
    kafka = Kafka("0.8.2.1", CLUSTER.kafka.brokers, standalone=(newer,))
    cluster = Cluster("course", "course", {}, {}, kafka=kafka)
    assert len(able(parse(ONLY, "g"), cluster, Console(io.StringIO()))) == 2


def test_an_unknown_condition_is_refused() -> None:
    with pytest.raises(GuideError, match=r"^only with colour: not one of course_broker_0_10$"):
        able(parse(ONLY.replace("course_broker_0_10", "colour"), "g"), CLUSTER, Console(io.StringIO()))


def write(tmp_path: Path, text: str) -> tuple[Path, Path]:
    """A guide, and the description of a cluster whose ssh runs the command here."""
    fake = tmp_path / "ssh"
    fake.write_text('#!/bin/sh\n[ "$1 $2" = "-tt hadoop-master" ] && HOME="$PWD" exec sh -c "$3"\n')
    fake.chmod(0o755)
    description = tmp_path / "cluster.json"
    machines = {"hadoop-master": {"ssh": [str(fake), "hadoop-master"]}}
    description.write_text(
        json.dumps({"name": "course", "stack": "course", "versions": {}, "machines": machines})
    )
    path = tmp_path / "guide.md"
    path.write_text(HEADING + text)
    return path, description


def test_the_whole_way_with_a_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = fenced("bash master\nshopt -q login_shell && echo login; pwd", f"text\n...\nlogin\n{tmp_path}")
    assert run_guide(*write(tmp_path, text), tmp_path) == 0
    assert "guide.md: 1 steps, each seen as shown, in" in capsys.readouterr().out
    assert run_guide(*write(tmp_path, text.replace("pwd", "false")), tmp_path) == 1
    said = capsys.readouterr().out
    assert f"not seen: {tmp_path}" in said
    assert "guide.md FAILED after" in said


def test_without_a_cluster_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    path, description = write(tmp_path, "")
    description.unlink()
    with pytest.raises(CourseError, match=r"make course deploys the course's cluster$"):
        run_guide(path, description, tmp_path)
