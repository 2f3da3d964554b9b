"""Kafka: properties that running brokers take without a restart, as the cluster's default."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from smoke.services import kafka
from smoke.wait import wait_until

if TYPE_CHECKING:
    from smoke import cluster

UNITS = {
    "log.retention.ms": {"log.retention.minutes": 60_000, "log.retention.hours": 3_600_000},
    "log.roll.ms": {"log.roll.hours": 3_600_000},
    "log.roll.jitter.ms": {"log.roll.jitter.hours": 3_600_000},
}
"""Properties in milliseconds, each with those that say the same in another unit, and milliseconds of that: of
several the first wins. While brokers run they take the first alone."""
_IN_MS = {key: name for name, others in UNITS.items() for key in (name, *others)}


@dataclass(frozen=True)
class Broker:
    """What a broker's file is to have, and in what the broker runs with another."""

    wanted: Mapping[str, str]
    differs: tuple[str, ...] | None = ()
    """Keys; None where it has to be restarted anyway."""


@dataclass(frozen=True)
class Setting:
    """What a running broker reports of one property."""

    changeable: bool
    default: str | None = None
    """What was set as the cluster's default while brokers ran."""
    own: str | None = None
    """What was set for this broker alone while it ran."""


Record = Mapping[str, Collection[str]]
"""What the kit may have set: values by property."""
Reports = Mapping[int, Mapping[str, Setting]]
"""By running broker what it says of each property that is asked; one that it does not know is missing."""


@dataclass(frozen=True)
class Decision:
    """What is to be done with the cluster's defaults."""

    set: dict[str, str] = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)
    """After the roll: what a broker was started with would come back for a moment."""
    settled: list[int] = field(default_factory=list)
    """Brokers that need no restart for the properties that differ."""
    warnings: list[str] = field(default_factory=list)
    records: list[dict[str, list[str]]] = field(default_factory=list)
    """What may have been set by the kit: before the first is set, after it, and after the last is deleted."""


def in_milliseconds(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties, with those of UNITS by the name that brokers take while they run.

    >>> in_milliseconds({"log.retention.hours": "2", "num.io.threads": "8"})
    {'num.io.threads': '8', 'log.retention.ms': '7200000'}
    """
    found = {key: value for key, value in properties.items() if key not in _IN_MS}
    for name, others in UNITS.items():
        factors = {name: 1, **others}
        key = next((key for key in factors if key in properties), None)
        if key and properties[key].removeprefix("-").isdecimal():
            # A negative one means without end.
            found[name] = str(max(int(properties[key]) * factors[key], -1))
    return found


def merged(records: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """What all machines have of the record: one may have come later, or a run ended between them.

    records: a list in JSON by property. Raises ValueError for another form.
    """
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for key, values in record.items():
            found.setdefault(key, {}).update(dict.fromkeys(json.loads(values)))
    return {key: list(values) for key, values in found.items()}


def asked(brokers: Mapping[int, Broker], record: Record) -> list[str]:
    """The properties that brokers are asked about: those that differ, and those that the kit has set."""
    return sorted(
        {*record, *(_IN_MS.get(key, key) for each in brokers.values() for key in each.differs or ())}
    )


def decide(
    brokers: Mapping[int, Broker], record: Record, reports: Reports, refused: Collection[str] = ()
) -> Decision:
    """What of the brokers' files is set as the cluster's default, and which brokers need no restart for it.

    brokers: all of the cluster
    refused: properties that brokers do not take as the cluster's default

    What somebody else has set is named and left, and is no reason to restart: a restart does not help.
    """
    wanted = {number: in_milliseconds(broker.wanted) for number, broker in brokers.items()}
    common: dict[str, str] = {}
    foreign: dict[str, str] = {}
    for key in asked(brokers, record):
        values = {here.get(key) for here in wanted.values()}
        value = values.pop() if len(values) == 1 else None
        said = [here[key] for here in reports.values() if key in here]
        others = {each.default for each in said if each.default is not None} - {value, *record.get(key, ())}
        taken = len(said) == len(reports) and all(each.changeable for each in said) and key not in refused
        if others:
            foreign[key] = min(others)
        elif value is not None and taken:
            common[key] = value
    own = {
        number: {
            key: each.own for key, each in here.items() if each.own not in (None, wanted[number].get(key))
        }
        for number, here in reports.items()
    }
    differs = {
        number: {_IN_MS.get(key, key) for key in broker.differs}
        for number, broker in brokers.items()
        if number in reports and broker.differs is not None
    }
    settled = [n for n, keys in differs.items() if keys <= common.keys() | foreign.keys() | own[n].keys()]
    needed = set(record).union(*(differs[number] for number in settled))

    def stands(key: str, value: str) -> bool:
        recorded = {value, *record.get(key, ())} == {value}
        return recorded and all(here[key].default == value for here in reports.values())

    setting = {key: value for key, value in common.items() if key in needed and not stands(key, value)}
    delete = sorted(record.keys() - common.keys() - foreign.keys())
    warnings = [
        _named(f"{key}={value} as the cluster's default", "--entity-default", key, wanted.values())
        for key, value in foreign.items()
    ]
    warnings += [
        _named(f"{key}={value} for broker {number}", f"--entity-name {number}", key, [wanted[number]])
        for number, here in own.items()
        for key, value in here.items()
    ]
    return Decision(setting, delete, settled, warnings, _records(record, setting, delete))


def _records(
    record: Record, setting: Mapping[str, str], delete: Collection[str]
) -> list[dict[str, list[str]]]:
    before = {
        key: list(dict.fromkeys([*record.get(key, ()), *([setting[key]] if key in setting else [])]))
        for key in sorted({*record, *setting})
    }
    between = before | {key: [value] for key, value in setting.items()}
    return [before, between, {key: values for key, values in between.items() if key not in delete}]


def _named(what: str, entity: str, key: str, wanted: Iterable[Mapping[str, str]]) -> str:
    values = {here.get(key) for here in wanted}
    value = values.pop() if len(values) == 1 else None
    change = f"--delete-config {key}" if value is None else f"--add-config {key}={value}"
    return (
        f"{what} was set while the brokers ran, and not by the kit: it wins over their files and is left "
        "alone. To have what the inventory says: "
        f"kafka-configs.sh --bootstrap-server HOST:PORT --alter --entity-type brokers {entity} {change}"
    )


def plan(section: cluster.Kafka, brokers: Mapping[int, Broker], record: Record) -> Decision:
    """Ask the running brokers and decide; nothing is changed. Without all brokers' files nothing is decided.

    Raises KafkaError and OSError.
    """
    if missing := {broker.id for broker in section.brokers} - brokers.keys():
        return Decision(warnings=[_unknown(missing, record)] if record else [])
    keys = asked(brokers, record)
    if not keys:
        return Decision(settled=[number for number, each in brokers.items() if each.differs is not None])
    with _Client(section) as client:
        reports = client.reports(keys)
        if not reports:
            return Decision()
        decision = decide(brokers, record, reports)
        refused = [key for key, value in decision.set.items() if client.refusal({key: value}, list(reports))]
        decision = decide(brokers, record, reports, refused)
        if client.refusal(decision.set, list(reports)):
            # Each for itself they would be taken, together they are not.
            decision = decide(brokers, record, reports, [*refused, *decision.set])
        return decision


def configure(section: cluster.Kafka, wanted: Mapping[str, str | None], timeout: float) -> None:
    """Set properties as the cluster's default, or delete them (None), and wait until all brokers say so.

    Raises KafkaError, OSError, ValueError with what the brokers refuse, and TimeoutError.
    """
    with _Client(section) as client:
        if why := client.alter(wanted):
            raise ValueError(f"the brokers refuse {_shown(wanted)} as the cluster's default: {why}")

        def taken() -> bool:
            reports = client.reports(wanted).values()
            return bool(reports) and all(here[key].default == wanted[key] for here in reports for key in here)

        wait_until(taken, timeout, f"not all brokers have taken {_shown(wanted)} as the cluster's default")


def _unknown(missing: Collection[int], record: Record) -> str:
    return (
        f"{', '.join(record)}: what the kit has set while the brokers ran stays as it is, since the files of "
        f"broker {', '.join(map(str, sorted(missing)))} are not known: run again with all machines"
    )


def _shown(wanted: Mapping[str, str | None]) -> str:
    return ", ".join(key if value is None else f"{key}={value}" for key, value in wanted.items())


class _Client:
    """Those brokers that answer. Raises KafkaError and OSError."""

    def __init__(self, section: cluster.Kafka, timeout: float = 3.0) -> None:
        # A closed port fails at once, for which the client's constructor would wait.
        unreachable = kafka.unreachable_nodes(section, timeout)
        self._brokers = tuple(broker for broker in section.brokers if broker.id not in unreachable)
        self._section = replace(section, brokers=self._brokers)
        self._timeout = timeout
        self._admin: Any = None

    def __enter__(self) -> Self:
        if self._brokers:
            self._admin = kafka.Kafka(self._section, timeout=self._timeout).admin()
        return self

    def __exit__(self, *_: object) -> None:
        if self._admin:
            self._admin.close()

    def reports(self, keys: Iterable[str]) -> dict[int, dict[str, Setting]]:
        """What each broker says of the properties."""
        names = list(keys)
        found = {}
        for broker in self._brokers:
            resource = ConfigResource(ConfigResourceType.BROKER, str(broker.id), names)
            try:
                said = self._admin.describe_configs([resource], include_synonyms=True, config_filter="all")
            except (KafkaError, OSError):
                continue  # it is restarted, or its gate says what is wrong
            found[broker.id] = {
                key: setting(key, each) for key, each in said["broker"][str(broker.id)].items()
            }
        return found

    def refusal(self, wanted: Mapping[str, str], brokers: Iterable[int]) -> str:
        """Why one of the brokers would not take the properties as the cluster's default, if one would not."""
        answers = (self.alter(wanted, node=number, validate=True) for number in brokers)
        return next(filter(None, answers), "") if wanted else ""

    def alter(
        self, wanted: Mapping[str, str | None], *, node: int | None = None, validate: bool = False
    ) -> str:
        """Set (or delete: None) as the cluster's default; why that is refused, empty when it is not."""
        if not self._brokers:
            return "none of them answers"
        changes = {
            key: (AlterConfigOp.DELETE, None) if value is None else (AlterConfigOp.SET, value)
            for key, value in wanted.items()
        }
        # The client's own method takes no name that is empty, which is the cluster's default (KIP-226).
        resource = ConfigResource(ConfigResourceType.BROKER, "", changes)
        request = self._admin._alter_configs_request([resource], validate, incremental=True)

        async def send() -> Any:
            return await self._admin._manager.send(request, node_id=node)

        (answer,) = self._admin._manager.run(send).responses
        return answer.error_message or f"error {answer.error_code}" if answer.error_code else ""


def setting(key: str, said: Mapping[str, Any]) -> Setting:
    """What a broker says of a property, from its entry of DescribeConfigs with synonyms."""
    values = {each["source"]: each["value"] for each in said["synonyms"] if each["name"] == key}
    return Setting(
        not said["read_only"] and not said["is_sensitive"],
        values.get("DYNAMIC_DEFAULT_BROKER_CONFIG"),
        values.get("DYNAMIC_BROKER_CONFIG"),
    )
