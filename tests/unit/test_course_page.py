"""The page that lists who has what, on the terminal, in Markdown and in HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from course import labs, memory, students
from course.labs import Lab, Machine
from course.students import Row, hypertext, markdown, row, table

PORTS = {22: 20222, 2181: 20281, 8088: 20288, 9092: 20292, 19888: 20298, 50070: 20270}


@pytest.fixture(autouse=True)
def _held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "held", lambda processes: 300 * len(list(processes)))


def cluster(lab: Lab, ports: dict[int, int], running: bool = True) -> list[Machine]:
    return [
        Machine(lab.container("hadoop-master"), "hadoop-master", True, 5, ports),
        Machine(lab.container("hadoop-slave1"), "hadoop-slave1", running, 6 if running else 0, {}),
    ]


TWO = Row(
    student="2",
    containers=["student2-hadoop-master", "student2-hadoop-slave1"],
    shells=[
        "make course-shell STUDENT=2",
        "ssh -F out/course-2/ssh_config -o HostName=127.0.0.1 -p 20222 hadoop-master",
    ],
    pages={
        "NameNode": "http://127.0.0.1:20270",
        "ResourceManager": "http://127.0.0.1:20288",
        "Job history": "http://127.0.0.1:20298",
    },
    servers={"Kafka": "127.0.0.1:20292", "ZooKeeper": "127.0.0.1:20281"},
    memory="0.6 GB now, up to 2.6 GB at work",
)


def test_a_students_row_has_the_ports_that_are_published() -> None:
    assert row(Lab(2), cluster(Lab(2), PORTS), 2600) == TWO


def test_what_is_not_published_is_not_promised() -> None:
    found = row(Lab(2), cluster(Lab(2), {50070: 20270}), 2600)
    assert found.pages == {"NameNode": "http://127.0.0.1:20270"}
    assert found.servers == {}
    assert len(found.shells) == 1


def test_who_is_alone_has_the_names() -> None:
    found = row(Lab(), cluster(Lab(), {}, running=False), 2600)
    assert found.student == "course"
    assert found.shells == ["make course-shell"]
    assert found.pages["NameNode"] == "http://hadoop-master:50070"
    assert found.servers == {"Kafka": "hadoop-master:9092", "ZooKeeper": "hadoop-master:2181"}
    assert found.memory == "0.3 GB now, up to 2.6 GB at work; 1 stopped"


def test_the_table() -> None:
    assert table([TWO]).splitlines()[:4] == [
        "student  what             where",
        "2        memory           0.6 GB now, up to 2.6 GB at work",
        "         containers       student2-hadoop-master, student2-hadoop-slave1",
        "         shell            make course-shell STUDENT=2",
    ]
    assert table([]) == "No cluster of the course is here: make course"


NASTY = Row(
    student="<script>alert(1)</script>",
    containers=["a|b", "c<d>"],
    shells=["echo 'x' | grep \"&\" <y>"],
    pages={"a & <b>": "http://h:1/?x=\"'<>&y=1"},
    servers={"<i>Kafka</i>": "h|1"},
    memory="1 < 2 & 3 > 2",
)


class Reader(HTMLParser):
    """What a browser would take from the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.sources: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.append(str(value))
            elif name in {"href", "src", "srcset", "data"}:
                self.sources.append((tag, value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_links_every_page_and_needs_nothing_from_elsewhere() -> None:
    page = hypertext([TWO, NASTY])
    found = Reader(page)
    assert found.open == []
    assert found.links == [*TWO.pages.values(), *NASTY.pages.values()]
    assert found.sources == []
    assert "url(" not in page
    assert "@import" not in page
    assert "Student 2" in found.text


def test_html_shows_what_is_said_and_never_runs_it() -> None:
    found = Reader(hypertext([NASTY]))
    assert set(found.tags) == set(Reader(hypertext([TWO])).tags) - {"br"}
    for said in (NASTY.student, *NASTY.shells, *NASTY.pages, *NASTY.servers, NASTY.memory, "a|b, c<d>"):
        assert said in found.text


def test_markdown_has_a_line_for_each_with_all_its_cells() -> None:
    lines = markdown([TWO, NASTY]).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {7}
    assert "`make course-shell STUDENT=2`" in rows[2]
    assert "<http://127.0.0.1:20270>" in rows[2]
    assert "<script>" not in rows[3]
    assert "c&lt;d&gt;" in rows[3]


def test_both_pages_are_written_and_the_table_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(labs, "CHECKOUT", tmp_path)
    monkeypatch.setattr(labs, "existing", lambda: {Lab(2): cluster(Lab(2), PORTS)})
    monkeypatch.setattr(memory, "of_lab", lambda lab: 2600)
    students.show()
    assert (tmp_path / "out/course/students.html").read_text() == hypertext([TWO])
    assert (tmp_path / "out/course/students.md").read_text() == markdown([TWO])
    said = capsys.readouterr().out
    assert said == f"{table([TWO])}\nAlso in out/course/students.html and out/course/students.md\n"
