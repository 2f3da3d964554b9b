"""What running brokers take without a restart, decided from what brokers of 4.3.0 have answered."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import AlterConfigOp
from kafka.errors import KafkaConnectionError

from smoke import __main__ as cli
from smoke.cluster import Kafka, load
from smoke.services import kafka, kafka_dynamic
from smoke.services.kafka_dynamic import Broker, Decision, Setting, decide
from tests.unit.smoke_lab import LAB, write

RETENTION, IO, ISR = "log.retention.ms", "num.io.threads", "min.insync.replicas"
DEFAULT = "DYNAMIC_DEFAULT_BROKER_CONFIG"


def entry(
    *synonyms: tuple[str, str, str], read_only: bool = False, is_sensitive: bool = False
) -> dict[str, Any]:
    """An entry of DescribeConfigs, as the client gives it."""
    said = [{"name": name, "value": value, "source": source} for name, value, source in synonyms]
    return {"read_only": read_only, "is_sensitive": is_sensitive, "synonyms": said}


@pytest.mark.parametrize(
    ("key", "said", "expected"),
    [
        (
            RETENTION,
            entry(
                (RETENTION, "3600000", DEFAULT),
                ("log.retention.hours", "100", "STATIC_BROKER_CONFIG"),
                ("log.retention.hours", "168", "DEFAULT_CONFIG"),
            ),
            Setting(True, "3600000"),
        ),
        (RETENTION, entry(), Setting(True)),
        ("num.partitions", entry(("num.partitions", "1", "DEFAULT_CONFIG"), read_only=True), Setting(False)),
        ("ssl.keystore.password", entry(is_sensitive=True), Setting(False)),
        (
            IO,
            entry((IO, "9", "DYNAMIC_BROKER_CONFIG"), (IO, "8", DEFAULT), (IO, "8", "DEFAULT_CONFIG")),
            Setting(True, "8", "9"),
        ),
    ],
)
def test_what_a_broker_says_of_a_property(key: str, said: dict[str, Any], expected: Setting) -> None:
    assert kafka_dynamic.setting(key, said) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"log.retention.hours": "2"}, {RETENTION: "7200000"}),
        ({"log.retention.minutes": "5", "log.retention.hours": "2"}, {RETENTION: "300000"}),
        ({"log.retention.hours": "2", RETENTION: "1"}, {RETENTION: "1"}),
        ({"log.retention.hours": "-1"}, {RETENTION: "-1"}),
        ({"log.retention.hours": "two"}, {}),
        (
            {"log.roll.hours": "1", "log.roll.jitter.hours": "1"},
            {"log.roll.ms": "3600000", "log.roll.jitter.ms": "3600000"},
        ),
        ({IO: "8"}, {IO: "8"}),
    ],
)
def test_a_quantity_in_another_unit(given: dict[str, str], expected: dict[str, str]) -> None:
    assert kafka_dynamic.in_milliseconds(given) == expected


def brokers(*differs: str, own: Mapping[str, str] | None = None, **wanted: str) -> dict[int, Broker]:
    """Three that have the same file, the first with something of its own; all run with another."""
    properties = {key.replace("_", "."): value for key, value in wanted.items()}
    return {
        number: Broker({**properties, **(own or {} if number == 1 else {})}, differs) for number in (1, 2, 3)
    }


def says(**settings: Setting) -> dict[int, dict[str, Setting]]:
    """What all three say."""
    return {number: {key.replace("_", "."): each for key, each in settings.items()} for number in (1, 2, 3)}


FREE = Setting(True)
HOURS = brokers("log.retention.hours", log_retention_hours="2")
TWO = "7200000"


def at(retention: str | None) -> dict[int, dict[str, Setting]]:
    """What all three say of log.retention.ms: they take it, and it is set to this."""
    return says(log_retention_ms=Setting(True, retention))


@pytest.mark.parametrize(
    ("here", "record", "reports", "setting", "delete", "settled"),
    [
        # Set for the first time; it is there; again, after a run that ended before it was recorded.
        (HOURS, {}, at(None), {RETENTION: TWO}, [], [1, 2, 3]),
        (HOURS, {RETENTION: [TWO]}, at(TWO), {}, [], [1, 2, 3]),
        (HOURS, {RETENTION: ["1", TWO]}, at("1"), {RETENTION: TWO}, [], [1, 2, 3]),
        (HOURS, {RETENTION: ["1", TWO]}, at(TWO), {RETENTION: TWO}, [], [1, 2, 3]),
        # One that another has set to the same is not the kit's from then on.
        (HOURS, {}, at(TWO), {}, [], [1, 2, 3]),
        # It was changed, or given back to what the brokers were started with, or deleted by hand.
        (HOURS, {RETENTION: ["1"]}, at("1"), {RETENTION: TWO}, [], [1, 2, 3]),
        (
            brokers(log_retention_ms="5"),
            {RETENTION: ["1"]},
            at("1"),
            {RETENTION: "5"},
            [],
            [1, 2, 3],
        ),
        (HOURS, {RETENTION: [TWO]}, at(None), {RETENTION: TWO}, [], [1, 2, 3]),
        # It left: brokers that were started with it are restarted, and then it is deleted.
        (brokers("log.retention.hours"), {RETENTION: ["1"]}, at("1"), {}, [RETENTION], []),
        (brokers(), {RETENTION: ["1"]}, at("1"), {}, [RETENTION], [1, 2, 3]),
        # It left, and the kit has not set it.
        (brokers(IO), {}, says(num_io_threads=FREE), {}, [], []),
        # It is one broker's own: a cluster's default would win over that one's file.
        (brokers(IO, own={IO: "9"}, num_io_threads="8"), {}, says(num_io_threads=FREE), {}, [], []),
        (
            brokers(IO, own={IO: "9"}, num_io_threads="8"),
            {IO: ["7"]},
            says(num_io_threads=Setting(True, "7")),
            {},
            [IO],
            [],
        ),
        # Brokers do not take it, or do not know it; what would come with it is not set beside.
        (brokers("num.partitions", num_partitions="3"), {}, says(num_partitions=Setting(False)), {}, [], []),
        (brokers("my.word", my_word="3"), {}, says(), {}, [], []),
        (
            brokers("num.partitions", IO, num_partitions="3", num_io_threads="9"),
            {},
            says(num_partitions=Setting(False), num_io_threads=FREE),
            {},
            [],
            [],
        ),
        # One that does not answer is restarted; one has to be anyway.
        (
            HOURS,
            {},
            {number: {RETENTION: FREE} for number in (1, 2)},
            {RETENTION: TWO},
            [],
            [1, 2],
        ),
        (
            HOURS | {3: Broker({"log.retention.hours": "2"}, None)},
            {},
            at(None),
            {RETENTION: TWO},
            [],
            [1, 2],
        ),
    ],
)
def test_what_is_set_and_who_needs_no_restart(
    here: dict[int, Broker],
    record: dict[str, list[str]],
    reports: dict[int, dict[str, Setting]],
    setting: dict[str, str],
    delete: list[str],
    settled: list[int],
) -> None:
    found = decide(here, record, reports)
    assert (found.set, found.delete, found.settled, found.warnings) == (setting, delete, settled, [])


def test_what_is_refused_needs_a_restart() -> None:
    here = brokers(IO, "log.retention.hours", log_retention_hours="2", num_io_threads="64")
    found = decide(here, {}, says(log_retention_ms=FREE, num_io_threads=FREE), [IO])
    assert (found.set, found.settled) == ({}, [])


@pytest.mark.parametrize(
    ("here", "record", "reports", "words"),
    [
        # Kafka itself sets it where a cluster is formatted by 4.1 or later.
        (
            brokers(ISR, min_insync_replicas="1"),
            {},
            says(min_insync_replicas=Setting(True, "2")),
            [f"{ISR}=2 as the cluster's default", f"--entity-default --add-config {ISR}=1"],
        ),
        # It was the kit's, and somebody has changed it since.
        (
            brokers(IO, num_io_threads="9"),
            {IO: ["8"]},
            says(num_io_threads=Setting(True, "10")),
            [f"{IO}=10 as the cluster's default", f"--entity-default --add-config {IO}=9"],
        ),
        (
            brokers(IO),
            {},
            says(num_io_threads=Setting(True, "10")),
            [f"{IO}=10 as the cluster's default", f"--entity-default --delete-config {IO}"],
        ),
    ],
)
def test_what_others_have_set_is_named_and_left(
    here: dict[int, Broker],
    record: dict[str, list[str]],
    reports: dict[int, dict[str, Setting]],
    words: list[str],
) -> None:
    found = decide(here, record, reports)
    assert (found.set, found.delete, found.settled) == ({}, [], [1, 2, 3])
    (warning,) = found.warnings
    assert all(word in warning for word in words)


def test_what_was_set_for_one_broker_is_named_and_the_others_get_theirs() -> None:
    reports = says(num_io_threads=FREE) | {2: {IO: Setting(True, None, "12")}}
    found = decide(brokers(IO, num_io_threads="9"), {}, reports)
    assert (found.set, found.settled) == ({IO: "9"}, [1, 2, 3])
    (warning,) = found.warnings
    assert f"{IO}=12 for broker 2" in warning
    assert f"--entity-name 2 --add-config {IO}=9" in warning


def test_who_has_one_of_its_own_is_not_restarted_for_the_file() -> None:
    reports = says(num_io_threads=FREE) | {2: {IO: Setting(True, None, "12")}}
    found = decide(brokers(IO), {}, reports)
    assert (found.set, found.settled) == ({}, [2])
    assert "--entity-name 2 --delete-config" in found.warnings[0]


def test_the_record_knows_what_is_being_set_and_forgets_last_what_is_deleted() -> None:
    reports = says(log_retention_ms=Setting(True, "1"), num_io_threads=Setting(True, "9"))
    found = decide(HOURS, {RETENTION: ["1"], IO: ["9"]}, reports)
    assert found.records == [
        {RETENTION: ["1", TWO], IO: ["9"]},
        {RETENTION: [TWO], IO: ["9"]},
        {RETENTION: [TWO]},
    ]


def test_the_records_of_all_machines_count() -> None:
    given = [{IO: '["8"]'}, {}, {IO: '["8", "9"]', ISR: '["1"]'}]
    assert kafka_dynamic.merged(given) == {IO: ["8", "9"], ISR: ["1"]}


class Admin:
    """Brokers of a lab, by their answers."""

    def __init__(self) -> None:
        self.default: dict[str, str] = {}
        self.refuses: dict[int | None, str] = {}
        """By broker, or by whichever is asked (None), a property that it does not take."""
        self.together = 9
        self.silent: list[int] = []
        self.sent: list[tuple[int | None, dict[str, str | None]]] = []
        self._manager = self

    def describe_configs(self, resources: list[Any], **options: Any) -> dict[str, Any]:
        assert options == {"include_synonyms": True, "config_filter": "all"}
        (resource,) = resources
        if int(resource.name) in self.silent:
            raise KafkaConnectionError("gone")
        said = {
            key: entry(*([(key, self.default[key], DEFAULT)] if key in self.default else []))
            for key in resource.configs
        }
        return {"broker": {resource.name: said}}

    def _alter_configs_request(self, resources: list[Any], validate_only: bool, *, incremental: bool) -> Any:
        (resource,) = resources
        assert (incremental, resource.name) == (True, "")
        return validate_only, resource.configs

    def run(self, function: Any) -> Any:
        try:
            function().send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("it waits")

    async def send(self, request: Any, node_id: int | None) -> Any:
        validate_only, changes = request
        values = {key: value if op is AlterConfigOp.SET else None for key, (op, value) in changes.items()}
        self.sent.append((node_id, values))
        why = "not that" if self.refuses.get(node_id) in values else ""
        if len(values) >= self.together:
            why = "not together"
        if not validate_only and not why:
            self.default |= {key: value for key, value in values.items() if value is not None}
            self.default = {
                key: value for key, value in self.default.items() if values.get(key, value) is not None
            }
        answer = type("Answer", (), {"error_code": 42 if why else 0, "error_message": why})
        return type("Response", (), {"responses": [answer]})

    def close(self) -> None:
        pass


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Admin:
    brokers_there = Admin()
    monkeypatch.setattr(kafka, "unreachable_nodes", lambda section, timeout: {})
    monkeypatch.setattr(kafka.Kafka, "admin", lambda self: brokers_there)
    return brokers_there


@pytest.fixture
def section(tmp_path: Path) -> Kafka:
    found = load(write(tmp_path, LAB)).kafka
    assert found
    return found


def two(*differs: str, **wanted: str) -> dict[int, Broker]:
    """The files of the lab's brokers."""
    found = brokers(*differs, own=None, **wanted)
    return {number: found[number] for number in (1, 2)}


def test_each_broker_is_asked_whether_it_would_take_a_value_and_nothing_is_changed(
    admin: Admin, section: Kafka
) -> None:
    found = kafka_dynamic.plan(section, two(IO, num_io_threads="9"), {})
    assert (found.set, found.settled, admin.default) == ({IO: "9"}, [1, 2], {})
    assert {node for node, values in admin.sent if values == {IO: "9"}} == {1, 2}


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ({"refuses": {2: IO}}, [2]),
        ({"together": 2}, []),
        ({"silent": [2]}, [1]),
        ({"silent": [1, 2]}, []),
    ],
)
def test_who_would_not_take_it_or_does_not_say_is_restarted(
    admin: Admin, section: Kafka, given: dict[str, Any], settled: list[int]
) -> None:
    vars(admin).update(given)
    wanted = {IO: "9", "log.cleaner.threads": "2"}
    here = {1: Broker(wanted, (IO,)), 2: Broker(wanted, ("log.cleaner.threads",))}
    assert kafka_dynamic.plan(section, here, {}).settled == settled


def test_files_that_differ_in_no_property_need_no_question(
    section: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "unreachable_nodes", lambda *_: pytest.fail("asked"))
    here = two(num_io_threads="9") | {2: Broker({}, None)}
    assert kafka_dynamic.plan(section, here, {}) == Decision(settled=[1])


@pytest.mark.parametrize(("record", "warnings"), [({}, 0), ({IO: ["8"]}, 1)])
def test_without_the_files_of_all_brokers_nothing_is_decided(
    section: Kafka, record: dict[str, list[str]], warnings: int
) -> None:
    here = {1: Broker({IO: "9"}, (IO,))}
    found = kafka_dynamic.plan(section, here, record)
    assert (found.set, found.delete, found.settled, len(found.warnings)) == ({}, [], [], warnings)
    assert all("broker 2 are not known" in warning for warning in found.warnings)


def test_set_and_deleted_until_all_brokers_say_so(admin: Admin, section: Kafka) -> None:
    admin.default = {ISR: "2"}
    kafka_dynamic.configure(section, {IO: "9", ISR: None}, 1)
    assert admin.default == {IO: "9"}


def test_a_refusal_is_in_the_brokers_words(admin: Admin, section: Kafka) -> None:
    admin.refuses = {None: IO}
    with pytest.raises(ValueError, match=r"refuse num.io.threads=9 as the cluster's default: not that"):
        kafka_dynamic.configure(section, {IO: "9"}, 1)


def test_brokers_that_do_not_take_it_are_waited_for(
    admin: Admin, section: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_dynamic._Client, "alter", lambda *_: "")
    with pytest.raises(TimeoutError, match=r"not all brokers have taken num\.io\.threads=9"):
        kafka_dynamic.configure(section, {IO: "9"}, 0)


def test_no_broker_answers(section: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "unreachable_nodes", lambda *_: {1: "refused", 2: "refused"})
    with pytest.raises(ValueError, match="none of them answers"):
        kafka_dynamic.configure(section, {IO: "9"}, 1)


def command(tmp_path: Path, *words: str) -> int:
    cluster = (f"--cluster={write(tmp_path, LAB)}", "--name=lab", "--inventory=/kit/inventories/here")
    return cli.main([words[0], *cluster, *words[1:]])


def test_the_decision_is_printed_for_a_program(
    admin: Admin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = {"wanted": {IO: "9"}, "differs": [IO]}
    given = {"properties": {"millrace-1": {"kafka@1": here, "kafka@2": here}}, "records": [{}]}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(given)))
    assert command(tmp_path, "dynamic") == 0
    assert json.loads(capsys.readouterr().out) == {
        "set": {IO: "9"},
        "delete": [],
        "settled": [["millrace-1", "kafka@1"], ["millrace-1", "kafka@2"]],
        "warnings": [],
        "records": [{IO: ["9"]}] * 3,
    }


def test_a_record_of_another_form_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"properties": {}, "records": [{"a": "b"}]}'))
    assert command(tmp_path, "dynamic") == 2
    assert "cannot be asked: JSONDecodeError" in capsys.readouterr().err


def test_the_command_sets_and_deletes(admin: Admin, tmp_path: Path) -> None:
    admin.default = {ISR: "2"}
    assert command(tmp_path, "configure", "--set", f"{IO}=9", "a=b=c", "--delete", ISR) == 0
    assert admin.default == {IO: "9", "a": "b=c"}


def test_a_refusal_fails_the_command(
    admin: Admin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.refuses = {None: IO}
    assert command(tmp_path, "configure", "--set", f"{IO}=9") == 2
    assert "the brokers refuse num.io.threads=9 as the cluster's default: not that" in capsys.readouterr().err
