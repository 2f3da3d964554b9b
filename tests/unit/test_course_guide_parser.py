"""The form of the lab guide, and what is refused in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from course import guide
from course.guide import CHECKOUT, DOCS, faults
from course.guide_parser import GuideError, differences, parse, read, renew, steps

TEXT = """\
# Lab
```bash master limit=5
cd
cat \\
  -
```
Type:
```input master
hello
```
```text
hello
```
## Only there
<!-- only with: course_broker_0_10 -->
```input master
Ctrl-D
```
```bash master-2 fails again
false
```
## Again everywhere
<!-- sample: A.java -->
```java
class A {}
```
"""


def test_blocks_know_their_place() -> None:
    command, typed, shown, key, failing, sample = parse(TEXT, "guide.md")
    assert (command.what, command.terminal, command.limit, command.lines) == (
        "bash", "master", 5, ("cd", "cat \\", "  -"),
    )  # fmt: skip
    assert (typed.what, typed.terminal, typed.line, typed.section) == ("input", "master", 8, "Lab")
    assert (shown.what, shown.terminal) == ("text", "master")
    assert [block.only_with for block in (shown, key, failing, sample)] == [
        "", "course_broker_0_10", "course_broker_0_10", "",
    ]  # fmt: skip
    assert (failing.terminal, sorted(failing.flags)) == ("master-2", ["again", "fails"])
    assert (sample.what, sample.sample, sample.lines, sample.number) == (
        "shown", "A.java", ("class A {}",), 3,
    )  # fmt: skip


def test_a_command_goes_on_when_its_terminal_gets_input_next() -> None:
    command, typed, key, failing = steps(parse(TEXT, "guide.md"), "guide.md")
    assert [step.goes_on for step in (command, typed, key, failing)] == [True, True, False, False]
    assert typed.shows is not None
    assert typed.shows.lines == ("hello",)
    assert command.shows is None


def fenced(*blocks: str) -> str:
    return "".join(f"```{block}\n```\n" for block in blocks)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (fenced("bash\nls"), "g:1: ```bash: no terminal is named"),
        (fenced("bash slave3\nls"), "g:1: ```bash slave3: slave3 is no terminal and no word of a bash block"),
        (fenced("bash master agin\nls"), "agin is no terminal and no word of a bash block"),
        (fenced("bash master master-2\nls"), "master-2 is no terminal and no word of a bash block"),
        (fenced("bash master limit=x\nls"), "limit=x is no terminal"),
        (fenced("input master fails\nls"), "fails is no terminal and no word of an input block"),
        (fenced("sh\nls"), "g:1: ```sh: not one of bash, input, text, java"),
        (fenced("\nls"), "g:1: ```: not one of"),
        (fenced("bash master\n"), "the block is empty"),
        (fenced("text\na"), "```text: no terminal is named"),
        ("```bash master\nls\n", "g:1: the block does not end"),
        ("<!-- sample: A.java -->\nIt is:\n", "g:2: the block of sample A.java must follow its comment"),
        ("<!-- sample: A.java -->\n" + fenced("bash master\nls"), "```bash master: shows no sample"),
    ],
)
def test_a_block_that_cannot_be_meant_is_refused(text: str, said: str) -> None:
    with pytest.raises(GuideError) as error:
        parse(text, "g")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (fenced("input master\na"), "g:1: master: nothing goes on there that could read this"),
        (fenced("text master\na"), "g:1: master: output is shown, but nothing"),
        (fenced("bash master\nls", "bash host\nls", "text master\na"), "g:7: master: output is shown, but"),
        (fenced("bash master\nls", "text\na", "text\na"), "g:7: master: output is shown, but"),
        (
            fenced("bash master\ncat", "input master\na"),
            "g:4: master: Ctrl-C or Ctrl-D must end what goes on",
        ),
        (fenced("bash master\ncat", "input master\na", "bash master\nls"), "must end what goes on"),
        (
            fenced("bash master\ncat", "input master\nCtrl-C\na", "input master\nCtrl-C"),
            "must be the last line",
        ),
        (
            fenced("bash master\ncat", "input master\nCtrl-C", "input master\nCtrl-C"),
            "g:7: master: nothing goes on there that could read this",
        ),
    ],
)
def test_blocks_that_do_not_fit_together_are_refused(text: str, said: str) -> None:
    with pytest.raises(GuideError) as error:
        steps(parse(text, "g"), "g")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hello", "bonjour"),
        ("limit=5", "limit=6"),
        ("master-2 fails", "master fails"),
        (" again", ""),
        ("A.java", "B.java"),
        ("class A", "class B"),
        ("course_broker_0_10", "other"),
        ("## Only there\n", ""),
        ("Type:\n", "## Type\n"),
    ],
)
def test_two_languages_that_part_are_told(old: str, new: str) -> None:
    assert differences(parse(TEXT, "en"), parse(TEXT, "fr")) == []
    assert differences(parse(TEXT, "en"), parse(TEXT.replace(old, new, 1), "fr"))


def test_a_block_that_one_language_lacks_is_told() -> None:
    more = TEXT + fenced("bash host\nls")
    assert differences(parse(TEXT, "en"), parse(more, "fr")) == ["6 blocks and 7 blocks"]


def test_prose_and_pictures_may_differ() -> None:
    here = "# Lab\nText\n" + fenced("mermaid\nflowchart LR")
    there = "# TP\n\nTexte\n" + fenced("mermaid\nflowchart TD")
    assert differences(parse(here, "en"), parse(there, "fr")) == []


def test_a_sample_that_drifts_is_told_and_renewed(tmp_path: Path) -> None:
    path = tmp_path / "guide.en.md"
    path.write_text(TEXT)
    (tmp_path / "A.java").write_text("class A {\n}\n")
    assert faults([path], tmp_path) == [
        "guide.en.md:24: not what samples/A.java holds: .venv/bin/python -m course guide --write"
    ]
    renew(path, tmp_path)
    assert path.read_text() == TEXT.replace("class A {}", "class A {\n}")
    assert faults([path], tmp_path) == []


def test_a_sample_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "guide.en.md"
    path.write_text(TEXT)
    with pytest.raises(GuideError, match=r"^guide.en.md:24: samples/A.java: No such file or directory$"):
        faults([path], tmp_path)


GUIDES = [DOCS / f"guide.{language}.md" for language in guide.LANGUAGES]


def test_the_guide_is_in_order_in_both_languages() -> None:
    assert faults(GUIDES, DOCS / "samples") == []


def test_the_guide_shows_or_names_every_sample() -> None:
    files = {
        str(path.relative_to(DOCS / "samples")) for path in (DOCS / "samples").rglob("*") if path.is_file()
    }
    text = GUIDES[0].read_text()
    own = {name for name in files if not name.startswith("exercise-")}
    assert {name for name in own if f"(samples/{name})" not in text} == {
        block.sample for block in read(GUIDES[0]) if block.sample
    }


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_the_guide_has_every_step_of_the_course(path: Path) -> None:
    typed = [line for step in steps(read(path), path.name) for line in step.block.lines]
    for command in (
        "jps", "kafka-topics.sh --create --zookeeper", "kafka-topics.sh --list --zookeeper",
        "kafka-console-producer.sh --broker-list", "kafka-console-consumer.sh --zookeeper",
        "kafka-server-start.sh $KAFKA_HOME/config/server-two.properties", "kill -9", "SimpleProducer.java",
        "SimpleConsumer.java", "hello hello kafka and zookeeper!", "mvn clean compile assembly:single",
        "spark-submit --class tn.insat.tp3.SparkKafkaWordCount --master local[2]", "podman cp", "hadoop jar",
    ):  # fmt: skip
        assert any(command in line for line in typed), command


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_links_of_the_guide_lead_somewhere(path: Path) -> None:
    for target in ("guide.en.md", "guide.fr.md", "README.md", "samples/kafka-to-hdfs/pom.xml"):
        assert (CHECKOUT / "docs/course" / target).is_file()
        assert f"({target})" in path.read_text() or target == path.name
