"""Whether clusters fit into the memory: what is summed, what there is, and the refusal's arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from course import CourseError, memory
from course.memory import Room

WORK = sum(memory.WORK.values())


def inventory(**variables: Any) -> dict[str, Any]:
    """Two hosts, a NameNode on the first, a DataNode on both by way of a group in a group."""
    known = {
        "hdfs_namenode_heap": "128m",
        "hdfs_secondarynamenode_heap": "64m",
        "hdfs_datanode_heap": "96m",
        "kafka_heap": "1g",
        "kafka_brokers": [{"id": 0}],
    } | variables
    return {
        "_meta": {"hostvars": {"a": known, "b": known}},
        "cluster": {"hosts": ["a", "b"]},
        "namenode": {"hosts": ["a"]},
        "datanode": {"children": ["old", "new"]},
        "old": {"hosts": ["a"]},
        "new": {"hosts": ["a", "b"]},
    }


def test_every_daemon_counts_with_its_heap_and_what_it_has_beside() -> None:
    assert memory.of_cluster(inventory()) == WORK + 2 * 31 + (128 + 65) + (64 + 65) + 2 * (96 + 55)
    bigger = inventory(hdfs_datanode_heap="1G", hdfs_namenode_heap="1024k")
    assert memory.of_cluster(bigger) == WORK + 2 * 31 + (1 + 65) + (64 + 65) + 2 * (1024 + 55)


@pytest.mark.parametrize(
    ("variables", "brokers"),
    [
        ({}, 1),
        ({"kafka_brokers": [{"id": 0}, {"id": 1}]}, 2),
        # -e name=value gives text, a file a truth value.
        ({"course_broker_0_10": "true"}, 2),
        ({"course_broker_0_10": True}, 2),
        ({"course_broker_0_10": "false"}, 1),
        ({"course_broker_0_10": False}, 1),
    ],
)
def test_every_broker_counts(variables: dict[str, Any], brokers: int) -> None:
    with_kafka = inventory(**variables) | {"kafka": {"hosts": ["a"]}}
    assert memory.of_cluster(with_kafka) - memory.of_cluster(inventory()) == brokers * (1024 + 50)


@pytest.mark.parametrize("heap", ["128", "1.5g", "{{ heap }}", "", None, "m"])
def test_a_heap_that_is_none_is_refused_by_name(heap: Any) -> None:
    with pytest.raises(CourseError, match=r"hdfs_namenode_heap is '.*': give a size such as 128m"):
        memory.of_cluster(inventory(hdfs_namenode_heap=heap))


def test_a_heap_that_nobody_gives_is_refused_by_name() -> None:
    lacking = inventory()
    del lacking["_meta"]["hostvars"]["a"]["hdfs_datanode_heap"]
    with pytest.raises(CourseError, match="hdfs_datanode_heap is not in inventories/course"):
        memory.of_cluster(lacking)


def test_the_courses_own_inventory_with_options_of_ansible_playbook() -> None:
    plain = memory.of_cluster(memory.inventory(()))
    assert plain == WORK + 3 * 31 + (96 + 25) + (128 + 50) + (128 + 65) + (96 + 65) + (160 + 80) + (
        96 + 60
    ) + 2 * (96 + 55 + 128 + 70)
    options = ["-vv", "--tags", "kafka", "-e", "kafka_heap=256m", "--extra-vars=course_broker_0_10=true"]
    assert memory.of_cluster(memory.inventory(options)) == plain + 128 + (256 + 50)


def test_available_is_what_the_kernel_says() -> None:
    meminfo = "MemTotal:       24684092 kB\nMemFree:          100000 kB\nMemAvailable:    5242880 kB\n"
    assert memory.available(meminfo) == 5120
    with pytest.raises(CourseError, match="no MemAvailable"):
        memory.available("MemTotal:       24684092 kB\n")


MB = 1024 * 1024
NO_LIMIT_V1 = "9223372036854771712\n"


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ([], None),
        ([("max\n", f"{900 * MB}\n", "")], None),
        ([(NO_LIMIT_V1, f"{900 * MB}\n", "")], None),
        ([(f"{1000 * MB}\n", f"{900 * MB}\n", "")], 100),
        ([(f"{1000 * MB}\n", f"{900 * MB}\n", f"anon 1\ninactive_file {300 * MB}\n")], 400),
        ([(f"{1000 * MB}", f"{900 * MB}", f"inactive_file 0\ntotal_inactive_file {300 * MB}")], 400),
        # The tightest of all above.
        ([(f"{1000 * MB}", "0", ""), (f"{500 * MB}", "0", ""), ("max", "0", "")], 500),
        ([(f"{100 * MB}", f"{900 * MB}", "")], 0),
    ],
)
def test_a_control_group_leaves_what_its_limit_does(
    limits: list[tuple[str, str, str]], left: int | None
) -> None:
    assert memory.within_limits(limits) == left


def group(directory: Path, names: tuple[str, str], limit: str) -> None:
    """Make a control group."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in zip((*names, "memory.stat"), (limit, "5", "anon 1"), strict=True):
        (directory / name).write_text(text)


V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")
V2 = ("memory.max", "memory.current")


def test_control_groups_of_v1_are_those_of_the_process_and_all_above(tmp_path: Path) -> None:
    group(tmp_path / "memory", V1, "30")
    group(tmp_path / "memory/a", V1, "20")
    group(tmp_path / "memory/a/b", V1, "10")
    group(tmp_path / "memory/other", V1, "1")
    own = "9:name=systemd:/x\n4:cpu,memory:/a/b\n1:cpu:/c\n0::/\n"
    assert [limit for limit, _, _ in memory.control_groups(own, tmp_path)] == ["10", "20", "30"]


def test_control_groups_of_v2_whose_root_has_no_limit(tmp_path: Path) -> None:
    tmp_path.joinpath("memory.stat").touch()
    group(tmp_path / "system.slice", V2, "max")
    group(tmp_path / "system.slice/a.service", V2, "10")
    found = memory.control_groups("0::/system.slice/a.service\n", tmp_path)
    assert found == [("10", "5", "anon 1"), ("max", "5", "anon 1")]


def test_in_a_container_only_the_root_is_in_sight(tmp_path: Path) -> None:
    group(tmp_path / "memory", V1, "30")
    assert memory.control_groups("4:memory:/docker/0123\n", tmp_path) == [("30", "5", "anon 1")]


def test_the_lower_of_both_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda text: 5000)
    for limit, expected in ((None, 5000), (6000, 5000), (4000, 4000), (0, 0)):
        monkeypatch.setattr(memory, "within_limits", lambda groups, limit=limit: limit)
        assert memory.free() == expected


def test_what_containers_hold_is_the_private_memory_of_all_their_processes(tmp_path: Path) -> None:
    def process(number: int, namespace: str, private: str) -> None:
        (tmp_path / f"{number}/ns").mkdir(parents=True)
        (tmp_path / f"{number}/status").write_text(f"Name:\tx\n{private}RssFile:\t  9999999 kB\n")
        (tmp_path / namespace).touch()
        (tmp_path / f"{number}/ns/pid").symlink_to(tmp_path / namespace)

    process(1, "host", "RssAnon:\t 9999999 kB\n")
    process(10, "one", "RssAnon:\t    1024 kB\n")
    process(11, "one", "RssAnon:\t  102400 kB\n")
    process(12, "one", "")  # of the kernel
    process(20, "two", "RssAnon:\t    2048 kB\n")
    (tmp_path / "30").mkdir()  # it ends at this moment
    assert memory.held([10], tmp_path) == 101
    assert memory.held([10, 20, 77], tmp_path) == 103
    assert memory.held([], tmp_path) == 0


NEED = 2662
"""MB of a cluster: 2.6 GB."""
OTHERS = "or remove clusters that nobody needs (make course-down)"
REFUSALS = {
    "too many": (
        3,
        Room(5222),
        "3 clusters x 2.6 GB = 7.8 GB, but 5.0 GB are available: at most 1; take STUDENTS=1",
    ),
    "a little too many": (
        3,
        Room(7987),
        "3 clusters x 2.6 GB = 7.8 GB, but 7.7 GB are available: at most 2; take STUDENTS=2",
    ),
    "not one": (
        1,
        Room(1024),
        (
            "1 cluster x 2.6 GB = 2.6 GB, but 1.0 GB are available: "
            "not one fits; end other programs until 2.6 GB are available"
        ),
    ),
    "theirs run, and it does not suffice": (
        4,
        Room(5222, held=2150),
        (
            "4 clusters x 2.6 GB = 10.4 GB, but 7.0 GB are available "
            "(5.0 GB free, plus 2.0 GB that clusters of theirs hold already): at most 2; take STUDENTS=2"
        ),
    ),
    "others may still take their part": (
        2,
        Room(6144, others={"course": 1024, "course-9": 1500}),
        "2 clusters x 2.6 GB = 5.2 GB, but 3.5 GB are available (6.0 GB free, less 1.0 GB that course "
        "may still take, less 1.5 GB that course-9 may still take): at most 1; take STUDENTS=1, " + OTHERS,
    ),
    "others take all": (
        1,
        Room(512, others={"course": 1024}),
        "1 cluster x 2.6 GB = 2.6 GB, but 0.0 GB are available (0.5 GB free, less 1.0 GB that course may "
        "still take): not one fits; end other programs until 2.6 GB are available, " + OTHERS,
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_the_refusal_shows_the_arithmetic(case: str) -> None:
    clusters, room, said = REFUSALS[case]
    assert memory.refusal(clusters, NEED, room) == said


def test_what_fits_exactly_is_not_refused() -> None:
    assert memory.refusal(3, NEED, Room(7988)) is None
    # Their own clusters that run are in the sum: what they hold is there for it.
    assert memory.refusal(3, NEED, Room(5222, held=2900)) is None
    # A need is rounded up, what is there down: 2 x 2.1 GB.
    assert memory.refusal(2, 2049, Room(4301)) is None
    assert memory.refusal(2, 2049, Room(4300)) is not None
