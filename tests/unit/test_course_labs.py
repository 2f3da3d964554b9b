"""Several clusters of the course on one host: names, namespaces, what is run and what is left alone."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from course import CourseError, down, labs, memory, namespace, reset, shell, students, up
from course.labs import Deployment, Lab, Machine
from tests.unit.playbooks import CHECKOUT

HOSTS = ["hadoop-master", "hadoop-slave1", "hadoop-slave2"]
PORTS = {22: 22, 2181: 81, 8088: 88, 9092: 92, 19888: 98, 50070: 70}


def machines(lab: Lab, running: int = 3) -> list[Machine]:
    """The containers of a lab, of which so many run."""
    return [
        Machine(lab.container(host), host, number < running, 100 + number if number < running else 0, {})
        for number, host in enumerate(HOSTS)
    ]


def entry(container: str, lab: str, host: str, **more: Any) -> dict[str, Any]:
    """A container as podman lists it."""
    labels = {"millrace": lab, "millrace.host": host}
    return {"Names": [container], "Labels": labels, "State": "running", "Pid": 7, "Ports": None} | more


def published(own: int, here: int, length: int = 1) -> dict[str, Any]:
    """A published port as podman lists it."""
    return {
        "host_ip": "127.0.0.1",
        "container_port": own,
        "host_port": here,
        "range": length,
        "protocol": "tcp",
    }


def test_only_the_courses_labs_are_found_in_the_order_of_students() -> None:
    ports = [published(22, 20222), published(9092, 20292, 2)]
    found = labs.parse(
        json.dumps(
            [
                entry("student10-hadoop-master", "course-10", "hadoop-master"),
                entry("student2-hadoop-slave1", "course-2", "hadoop-slave1", State="exited"),
                entry("student2-hadoop-master", "course-2", "hadoop-master", Ports=ports),
                entry("hadoop-master", "course", "hadoop-master"),
                entry("m", "course-02", "m"),
                entry("m", "course-x", "m"),
                entry("m", "course-2-copy", "m"),
                entry("millrace-1", "millrace", "millrace-1"),
                {"Names": ["stranger"], "Labels": None, "State": "running", "Pid": 1},
            ]
        )
    )
    assert list(found) == [Lab(), Lab(2), Lab(10)]
    assert found[Lab(2)] == [
        Machine("student2-hadoop-master", "hadoop-master", True, 7, {22: 20222, 9092: 20292, 9093: 20293}),
        Machine("student2-hadoop-slave1", "hadoop-slave1", False, 0, {}),
    ]
    assert labs.parse("") == {}


@pytest.mark.parametrize("text", ["0", "100", "-1", "2.0", "two", "", "²"])
def test_what_is_no_number_of_students_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="give a number from 1 to 99"):
        labs.number(text)


def inventory_says(*words: str) -> dict[str, Any]:
    """What Ansible makes of the inventory's variables."""
    names = (
        "lab_name",
        "lab_prefix",
        "lab_names_on_controller",
        "lab_publish",
        "cluster_name",
        "lab_cache",
    )
    done = subprocess.run(
        [
            labs.program("ansible"), "hadoop-master", "-i", labs.INVENTORY, "-m", "debug",
            *("-a", "msg={{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} }}"), *words,
        ],
        cwd=CHECKOUT, env=os.environ | {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.partition("=>")[2])["msg"]
    return found


@pytest.mark.parametrize("student", [None, 1, 2, 99])
def test_the_inventory_names_everything_as_the_commands_do(student: int | None) -> None:
    lab = Lab(student)
    says = inventory_says(*(["-e", f"student={student}"] if student else []))
    assert says["lab_name"] == lab.name
    assert says["lab_prefix"] + "hadoop-master" == lab.container("hadoop-master")
    assert CHECKOUT / "out" / says["cluster_name"] == lab.reports
    assert Path(says["lab_cache"]) / "labs" / says["lab_name"] / "hosts" == lab.hosts_file
    assert bool(says["lab_names_on_controller"]) is (student is None)
    ports = {str(own): 20000 + 100 * student + last for own, last in PORTS.items()} if student else {}
    assert says["lab_publish"] == ({"hadoop-master": ports} if student else {})


def test_no_two_students_share_a_port() -> None:
    ports = [20000 + 100 * student + last for student in range(1, labs.MOST + 1) for last in PORTS.values()]
    assert len(set(ports)) == len(ports)
    # Linux gives ports from 32768 on to whoever asks for any.
    assert max(ports) < 32768
    assert set(students.PAGES) | set(students.SERVERS) | {students.SSH} == set(PORTS)


def test_the_lab_of_one_is_the_plain_playbook_and_a_students_has_the_last_word_on_whose_it_is() -> None:
    ansible = [labs.program("ansible-playbook"), "-i", "inventories/course"]
    assert Lab().playbooks(["site.yml"]) == [*ansible, "site.yml"]
    assert Lab().inside(["x"]) == ["x"]
    assert Lab(2).playbooks(["site.yml"], ["-e", "student=5"]) == [
        *ansible, "site.yml", "-e", "student=5", "-e", "student=2",
    ]  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace needs root")
def test_inside_the_names_are_the_labs_and_outside_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path))
    before = Path("/etc/hosts").read_text()
    hosts = Lab(2).hosts_file
    hosts.parent.mkdir(parents=True)
    hosts.write_text("192.0.2.7 student-two-only\n")
    command = Lab(2).inside(["getent", "hosts", "student-two-only", "a b; exit 9"])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["192.0.2.7", "student-two-only"]
    assert done.returncode == 2  # of getent, for the second name, which no shell took apart
    assert Path("/etc/hosts").read_text() == before
    outside = subprocess.run(["getent", "hosts", "student-two-only"], check=False, capture_output=True)
    assert outside.returncode == 2
    hosts.unlink()
    refused = subprocess.run(Lab(2).inside(["true"]), check=False, capture_output=True)
    assert refused.returncode != 0


class Host:
    """This host with clusters that are but described; the commands that were to be run are kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
        self.existing: dict[Lab, list[Machine]] = {}
        self.free = 100_000
        self.ran: list[tuple[str, list[str]]] = []
        self.fails: set[str] = set()
        self.shown = 0
        inventory = {"_meta": {"hostvars": {}}, "cluster": {"hosts": HOSTS}}
        monkeypatch.setenv("MILLRACE_CACHE", str(checkout / "cache"))
        monkeypatch.setattr(labs, "CHECKOUT", checkout)
        monkeypatch.setattr(labs, "existing", lambda: self.existing)
        monkeypatch.setattr(labs, "need_root", lambda: None)
        monkeypatch.setattr(labs, "disk", lambda: 100_000)
        monkeypatch.setattr(labs, "run", self.run)
        monkeypatch.setattr(memory, "inventory", lambda words: inventory)
        monkeypatch.setattr(memory, "of_cluster", lambda found: 2048)
        monkeypatch.setattr(memory, "free", lambda: self.free)
        monkeypatch.setattr(memory, "held", lambda processes: 1024 if list(processes) else 0)
        monkeypatch.setattr(students, "show", self.show)

    def run(self, lab: Lab, command: Sequence[str]) -> int:
        self.ran.append((lab.name, list(command)))
        return 4 if lab.name in self.fails else 0

    def show(self) -> None:
        self.shown += 1

    def call(self, module: Any, *words: str) -> int:
        parser = argparse.ArgumentParser()
        module.arguments(parser)
        status: int = module.run(parser.parse_args(words))
        return status


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    return Host(monkeypatch, tmp_path)


SITE = [labs.program("ansible-playbook"), "-i", "inventories/course", "site.yml", "playbooks/course.yml"]


def test_up_alone_is_one_plain_run(host: Host) -> None:
    assert host.call(up, "--options=-e kafka_heap=96m -e 'x=a b'") == 0
    assert host.ran == [("course", [*SITE, "-e", "kafka_heap=96m", "-e", "x=a b"])]
    assert host.shown == 1
    assert not (labs.cache() / "labs").exists()


def test_up_for_three_deploys_each_once_in_its_namespace(host: Host) -> None:
    assert host.call(up, "--students", "3") == 0
    assert host.ran == [(f"course-{n}", Lab(n).inside([*SITE, "-e", f"student={n}"])) for n in (1, 2, 3)]
    for number in (1, 2, 3):
        # A bind mount needs a file; and until the machines are in it, localhost must be.
        assert Lab(number).hosts_file.read_text() == "127.0.0.1 localhost\n"


def test_up_for_one_student_is_not_the_lab_alone(host: Host) -> None:
    assert host.call(up, "--students", "1") == 0
    assert host.ran == [("course-1", Lab(1).inside([*SITE, "-e", "student=1"]))]


def test_up_leaves_the_hosts_file_of_machines_that_are_there(host: Host) -> None:
    Lab(1).hosts_file.parent.mkdir(parents=True)
    Lab(1).hosts_file.write_text("192.0.2.1 hadoop-master\n")
    assert host.call(up, "--students", "2") == 0
    assert Lab(1).hosts_file.read_text() == "192.0.2.1 hadoop-master\n"


def test_up_again_disturbs_nobody_who_works(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert host.call(up, "--students", "2") == 0
    host.existing = {Lab(n): machines(Lab(n)) for n in (1, 2)}
    host.ran.clear()
    assert host.call(up, "--students", "3") == 0
    assert [name for name, _ in host.ran] == ["course-3"]
    assert "course-2 stands and is left alone; anew: make course-reset STUDENT=2" in capsys.readouterr().out


def test_up_without_options_keeps_those_of_each_cluster(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert host.call(up, "--students", "2", "--options=-v") == 0
    host.existing = {Lab(n): machines(Lab(n), running=4 - n) for n in (1, 2)}
    host.ran.clear()
    assert host.call(up, "--students", "3") == 0
    # The first is left alone, the second has lost a machine, the third was never there.
    assert host.ran == [
        ("course-2", Lab(2).inside([*SITE, "-v", "-e", "student=2"])),
        ("course-3", Lab(3).inside([*SITE, "-e", "student=3"])),
    ]
    assert "course: course-2 keeps its OPTIONS='-v' (OPTIONS= takes them away)\n" in capsys.readouterr().out


def test_up_with_other_options_says_so_before_a_cluster_is_deployed_again(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert host.call(up, "--options=-v") == 0
    host.existing = {Lab(): machines(Lab())}
    capsys.readouterr()
    assert host.call(up, "--options=") == 0
    assert host.ran[1:] == [("course", SITE)]
    said = "course: course was made with OPTIONS='-v', and is deployed again with OPTIONS=''\n"
    assert capsys.readouterr().out.startswith(said)


def test_the_options_of_a_cluster_that_was_removed_are_gone(host: Host) -> None:
    assert host.call(up, "--options=-v") == 0
    assert host.call(up) == 0
    assert host.ran[1:] == [("course", SITE)]


def test_up_alone_is_run_again(host: Host) -> None:
    for _ in range(2):
        assert host.call(up) == 0
        host.existing = {Lab(): machines(Lab())}
    assert [name for name, _ in host.ran] == ["course", "course"]


@pytest.mark.parametrize(
    ("deployment", "running"),
    [
        (Deployment("", True), 2),
        (Deployment("", False), 3),
        (Deployment("-e kafka_heap=96m", True), 3),
        (None, 3),
    ],
    ids=["a machine is stopped", "it failed", "other options", "nobody knows"],
)
def test_what_does_not_stand_is_deployed(host: Host, deployment: Deployment | None, running: int) -> None:
    if deployment:
        Lab(1).remember(deployment)
    assert not up.stands(Lab(1), machines(Lab(1), running), HOSTS, "")
    Lab(1).remember(Deployment("", True))
    assert up.stands(Lab(1), machines(Lab(1)), HOSTS, "")


def test_up_ends_at_the_first_that_fails(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.fails = {"course-2"}
    assert host.call(up, "--students", "4") == 1
    assert [name for name, _ in host.ran] == ["course-1", "course-2"]
    assert "course-2 is not right; not begun: course-3, course-4" in capsys.readouterr().out
    assert Lab(1).deployment == Deployment("", True)
    assert Lab(2).deployment == Deployment("", False)


def test_up_makes_nothing_when_it_does_not_fit(host: Host) -> None:
    host.free = 5 * 1024
    with pytest.raises(CourseError, match=r"3 clusters x 2\.0 GB = 6\.0 GB, but 5\.0 GB"):
        host.call(up, "--students", "3")
    assert host.ran == []
    # A cluster of theirs that runs holds a part of it already.
    host.existing = {Lab(2): machines(Lab(2))}
    assert host.call(up, "--students", "3") == 0


def test_a_cluster_that_is_not_asked_for_keeps_what_it_may_still_take(host: Host) -> None:
    host.free = 6 * 1024
    host.existing = {Lab(): machines(Lab()), Lab(7): machines(Lab(7), running=0)}
    with pytest.raises(
        CourseError, match=r"6\.0 GB free, less 1\.0 GB that course may still take\): at most 2"
    ):
        host.call(up, "--students", "3")


def test_options_with_an_open_quotation_mark_are_refused(host: Host) -> None:
    with pytest.raises(CourseError, match="OPTIONS is -e 'x: no closing quotation"):
        host.call(up, "--options=-e 'x")
    assert host.ran == []


def test_warnings_tell_what_was_measured() -> None:
    assert up.warnings(3, 3, cores=2, disk=10_000) == []
    assert up.warnings(4, 4, cores=2, disk=10_000) == [f"4 students share 2 cores; {up.MEASURED}"]
    assert up.warnings(1, 0, cores=1, disk=0) == []
    (said,) = up.warnings(3, 2, cores=4, disk=1024)
    assert said.startswith("the disk has 1.0 GB, and 2 new clusters take 1.8 GB")


def test_reset_removes_only_when_it_can_be_made_again(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CourseError, match="course-2 was never deployed: make course STUDENTS=2"):
        host.call(reset, "--student", "2")
    assert host.ran == []
    host.existing = {Lab(2): machines(Lab(2))}
    Lab(2).remember(Deployment("-e course_broker_0_10=true", True))
    (Lab(2).reports / "artifacts.json").touch()
    assert host.call(reset, "--student", "2") == 0
    said = capsys.readouterr().out
    assert (
        "removes student2-hadoop-master, student2-hadoop-slave1, student2-hadoop-slave2 and network" in said
    )
    ((name, command),) = host.ran
    assert name == "course-2"
    playbooks = [word for word in command if word.endswith(".yml")]
    assert playbooks == [
        "playbooks/preflight.yml", "playbooks/artifacts.yml", "playbooks/lab_down.yml",
        "site.yml", "playbooks/course.yml",
    ]  # fmt: skip
    # As it was deployed, and without a smoke run.
    assert command[-6:] == [
        "--skip-tags",
        "smoke,receipt",
        "-e",
        "course_broker_0_10=true",
        "-e",
        "student=2",
    ]
    assert Lab(2).deployment == Deployment("-e course_broker_0_10=true", True)


def test_a_reset_removes_nothing_where_a_fresh_cluster_would_not_fit(host: Host) -> None:
    (Lab(2).reports).mkdir(parents=True)
    (Lab(2).reports / "artifacts.json").touch()
    host.existing = {Lab(2): machines(Lab(2))}
    host.free = 512
    with pytest.raises(CourseError, match=r"1 cluster x 2\.0 GB = 2\.0 GB, but 1\.5 GB are available"):
        host.call(reset, "--student", "2")
    assert host.ran == []


def test_a_reset_of_what_is_gone_says_so(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    Lab(2).remember(Deployment("", True))
    (Lab(2).reports / "artifacts.json").touch()
    assert host.call(reset, "--student", "2") == 0
    assert "course: course-2 is not there: it is made anew\n" in capsys.readouterr().out


def test_a_reset_that_fails_says_so_and_up_mends_it(host: Host) -> None:
    Lab(2).remember(Deployment("-v", True))
    (Lab(2).reports / "artifacts.json").touch()
    host.fails = {"course-2"}
    assert host.call(reset, "--student", "2") == 1
    assert Lab(2).deployment == Deployment("-v", False)


def test_down_removes_what_is_meant_and_nothing_else(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.existing = {lab: machines(lab) for lab in (Lab(), Lab(1), Lab(2))}
    command = [labs.program("ansible-playbook"), "-i", "inventories/course", "playbooks/lab_down.yml"]
    assert host.call(down) == 0
    # Outside of the namespace, where the hosts file can be removed.
    assert host.ran == [("course", command)]
    assert host.call(down, "--student", "2") == 0
    assert host.ran[1:] == [("course-2", [*command, "-e", "student=2"])]
    assert host.call(down, "--student", "3") == 0
    assert len(host.ran) == 2
    assert "course-3 is not there: nothing to remove" in capsys.readouterr().out
    assert host.call(down, "--all") == 0
    assert [name for name, _ in host.ran[2:]] == ["course", "course-1", "course-2"]


def test_a_shell_is_ssh_where_the_names_are_right(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[Sequence[str]] = []
    monkeypatch.setattr(labs, "become", became.append)
    for words in ((), ("--student", "2")):
        with pytest.raises(CourseError, match="is not there: make course"):
            host.call(shell, *words)
    host.existing = {lab: machines(lab) for lab in (Lab(), Lab(2))}
    host.call(shell)
    host.call(shell, "--student", "2")
    assert became == [
        ["ssh", "-t", "-F", "out/course/ssh_config", "hadoop-master"],
        Lab(2).inside(["ssh", "-t", "-F", "out/course-2/ssh_config", "hadoop-master"]),
    ]


def test_in_runs_the_command_where_the_names_are_the_students(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[Sequence[str]] = []
    monkeypatch.setattr(labs, "become", became.append)
    with pytest.raises(CourseError, match="course-3 is not there: make course STUDENTS=3"):
        host.call(namespace, "3", "--", "true")
    Lab(3).hosts_file.parent.mkdir(parents=True)
    Lab(3).hosts_file.touch()
    host.call(namespace, "3", "--", "python", "-m", "course", "check", "2", "--hint")
    assert became == [Lab(3).inside(["python", "-m", "course", "check", "2", "--hint"])]
    for words in (["3"], ["3", "--"]):
        with pytest.raises(CourseError, match=r"no command is given: \.venv/bin/python -m course in 3 -- "):
            host.call(namespace, *words)


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """What make would run, and nothing is."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("STUDENT", "MAKE"))}
    command = ["make", "--dry-run", *words]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


def called(*words: str) -> list[str]:
    """The words that the course's program gets from make."""
    done = make(*words)
    assert done.returncode == 0, done.stderr
    # As make has it: what is given on its command line is in the environment.
    given = dict(word.split("=", 1) for word in words if "=" in word)
    script = f"""python() {{ printf '%s\\0' "$@"; }}; {done.stdout.splitlines()[-1]}"""
    said = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=given, capture_output=True, text=True, check=True
    )
    module, course, *rest = said.stdout.split("\0")[:-1]
    assert [module, course] == ["-m", "course"]
    return rest


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("course", "up"),
        ("course STUDENTS=3", "up --students 3"),
        ("course STUDENTS=1", "up --students 1"),
        ("course OPTIONS=", "up --options="),
        ("course-shell", "shell"),
        ("course-shell STUDENT=2", "shell --student 2"),
        ("course-check EXERCISE=2", "check 2 --cluster out/course/cluster.json"),
        (
            "course-check EXERCISE=2 STUDENT=3 HINT=1",
            "in 3 -- python -m course check 2 --cluster out/course-3/cluster.json --hint",
        ),
        (
            "course-exercise EXERCISE=5 STUDENT=1",
            "in 1 -- python -m course exercise 5 --cluster out/course-1/cluster.json",
        ),
        (
            "course-exercise EXERCISE=5 COURSE_LANGUAGE=fr",
            "exercise 5 --cluster out/course/cluster.json --language fr",
        ),
        ("course-reset STUDENT=2", "reset --student 2"),
        ("course-down", "down"),
        ("course-down STUDENT=2", "down --student 2"),
        ("course-down STUDENTS=all", "down --all"),
        # The command refuses it.
        ("course-down STUDENTS=all STUDENT=2", "down --all --student 2"),
    ],
)
def test_make_calls_the_commands(words: str, command: str) -> None:
    assert called(*words.split()) == command.split()


def test_make_hands_on_words_as_they_were_typed() -> None:
    assert called("course", "OPTIONS=-e 'x=a b'") == ["up", "--options=-e 'x=a b'"]
    assert called("course-check", "EXERCISE=1 2")[:2] == ["check", "1 2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("course STUDENT=2", "make course takes STUDENTS, how many there are: did you mean STUDENTS=2?"),
        *(
            (
                f"{target} EXERCISE=1 STUDENTS={value}",
                f"make {target} takes STUDENT, the number of one: did you mean STUDENT={value}?",
            )
            for target, value in (
                ("course-shell", "2"),
                ("course-exercise", "2"),
                ("course-check", "all"),
                ("course-reset", "2"),
                ("course-down", "2"),
                ("course-down", "alll"),
            )
        ),
        ("course-exercise", "say which: make course-exercise EXERCISE=1 (to 6)"),
        ("course-check STUDENT=2", "say which: make course-check EXERCISE=1 (to 6)"),
    ],
)
def test_make_refuses_what_may_mean_another_cluster(words: str, said: str) -> None:
    done = make(*words.split())
    assert done.returncode == 2
    assert f"*** {said}" in done.stderr
    assert "-m course" not in done.stdout


def test_make_removes_all_only_for_the_very_word() -> None:
    assert make("course-down", "STUDENTS=all 2").returncode == 2


@pytest.mark.parametrize("student", [None, 1, 2])
def test_what_a_lab_tells_to_type_makes_it(host: Host, student: int | None) -> None:
    lab = Lab(student)
    program, *words = lab.how_to_make.split()
    assert program == "make"
    verb, *options = called(*words)
    assert verb == "up"
    assert host.call(up, *options) == 0
    assert lab.name in [name for name, _ in host.ran]


def test_the_test_of_the_course_leaves_evidence_before_it_removes_the_cluster(tmp_path: Path) -> None:
    (tmp_path / "out/course").mkdir(parents=True)
    for name in ("podman", "python", "pytest", "ssh"):
        # podman fails, too: there is no hadoop-master.
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho {name} "$*" >> told\n[ {name} = python ]\n')
        program.chmod(0o755)
    script = make("course-test").stdout.partition("./bootstrap test\n")[2]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 1
    assert (tmp_path / "told").read_text().splitlines() == [
        "podman container exists hadoop-master",
        "python -m course up --options -e course_broker_0_10=true",
        "pytest tests/course",
        "python -m smoke check --timeout 10 --cluster out/course/cluster.json",
        *(f"ssh -F out/course/ssh_config {name} journalctl --no-pager" for name in HOSTS),
        "python -m course down",
    ]
    assert (tmp_path / "out/course/hadoop-slave2.journal").exists()
