"""Every public variable is in defaults and argument specs: typed, described, with its unit and default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT, finish, start

ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir())
TYPES = {"str", "int", "bool", "list", "dict", "path", "float", "raw"}
#: The second paragraph of a description.
UPSTREAM = re.compile(r"Upstream's L\([^(),]+,https://[^(),\s]+\)\.")
#: Ends of names, or names, of what upstream has a page of.
UPSTREAMS = (
    "_overrides",
    "_heap",
    "_options",
    "_version",
    "_port",
    "_replication",
    "_factor",
    "_replicas",
    "_memory",
)
#: A word that a description must have, by the end of the name: the unit of the value.
UNITS = {"_heap": "C(1g)", "_memory": "MB", "_timeout": "Seconds"}

Spec = dict[str, Any]


def literal(value: Any) -> bool:
    """Whether a spec states the default: no template, and no mapping with keys, which nobody repeats."""
    return "{{" not in str(value) and not (isinstance(value, dict) and value)


def described(option: Spec) -> tuple[str, list[str]]:
    """The description of an option, and the paragraphs after its first."""
    description = option.get("description") or ""
    return (description, []) if isinstance(description, str) else (description[0], description[1:])


def option_faults(name: str, option: Spec) -> list[str]:
    """What one option lacks, its own options included."""
    faults = []
    description, more = described(option)
    if option.get("type") not in TYPES:
        faults.append(f"{name} has no type")
    if option.get("type") == "list" and option.get("elements") not in TYPES:
        faults.append(f"{name} has no elements")
    if option.get("elements") == "dict" and not option.get("options"):
        faults.append(f"{name} does not say what its elements have")
    # A sentence may begin with a name in its own letters.
    if not (re.match("[A-Z0-9]", description) and description.endswith(".")):
        faults.append(f"{name} is not described in a sentence")
    if len(more) > 1 or (more and not UPSTREAM.fullmatch(more[0])):
        faults.append(f"{name} has another paragraph than the link to upstream")
    # What a machine has is nothing of upstream's.
    if not more and name.endswith(UPSTREAMS) and "." not in name and not name.startswith("common_machine_"):
        faults.append(f"{name} has no link to upstream")
    for end, word in UNITS.items():
        if name.endswith(end) and word not in description:
            faults.append(f"{name} does not say {word}")
    for inner, suboption in option.get("options", {}).items():
        faults += option_faults(f"{name}.{inner}", suboption)
    return faults


def default_faults(name: str, option: Spec, defaults: Spec) -> list[str]:
    """How an option and the defaults differ."""
    if option.get("required"):
        return [f"{name} is required and has a default"] if name in defaults else []
    if name not in defaults:
        return [f"{name} is not in the defaults"]
    if "default" not in option:
        said = "default" in described(option)[0] and not literal(defaults[name])
        return [] if said else [f"{name} does not state its default"]
    return [f"{name} has another default"] if option["default"] != defaults[name] else []


def faults(defaults: Spec, entry_points: dict[str, Spec]) -> list[str]:
    """How the defaults of a role and its argument specs differ, and what the specs lack."""
    found: list[str] = []
    options: dict[str, Spec] = {}
    for entry, spec in entry_points.items():
        found += [
            f"{entry} has no {key}" for key in ("short_description", "description") if not spec.get(key)
        ]
        for name, option in spec.get("options", {}).items():
            if options.setdefault(name, option) != option:
                found.append(f"{name} differs between entry points")
    found += [f"{name} is not in the specs" for name in defaults if name not in options]
    for name, option in options.items():
        found += option_faults(name, option) + default_faults(name, option, defaults)
    return found


def read(role: str) -> tuple[Spec, dict[str, Spec]]:
    """Defaults and entry points of a role."""
    files = (CHECKOUT / "roles" / role / path for path in ("defaults/main.yml", "meta/argument_specs.yml"))
    defaults, specs = (yaml.safe_load(path.read_text()) for path in files)
    return defaults, specs["argument_specs"]


@pytest.mark.parametrize("role", ROLES)
def test_specs_and_defaults_say_the_same(role: str) -> None:
    assert faults(*read(role)) == []


@pytest.mark.parametrize("role", ROLES)
def test_public_variables_carry_the_roles_name(role: str) -> None:
    # What belongs to the inventory as a whole is declared by the role that all others depend on.
    own = {"millrace_cache", "stack_name", "stack_note", "accept_risk", "remove_data"}
    whole = own if role == "common" else set()
    assert [name for name in read(role)[0] if not name.startswith(f"{role}_") and name not in whole] == []


@pytest.mark.parametrize("role", ROLES)
def test_every_entry_point_can_be_called(role: str) -> None:
    verbs = {path.stem for path in (CHECKOUT / "roles" / role / "tasks").glob("*.yml")}
    entries = set(read(role)[1])
    # A role without tasks is there for its variables.
    assert entries <= (verbs or {"variables"})
    if read(role)[0]:
        assert ({"preflight"} if role == "common" else {"main"} & verbs) <= entries


def called(playbook: str) -> set[tuple[str, str]]:
    """Roles with the file of their tasks that a playbook, or a file of tasks, calls."""
    return set(re.findall(r"name: (\w+)(?:, |\n +)tasks_from: (\w+)", playbook))


def reads(role: str, verb: str) -> set[str]:
    """The variables of a role that one of its files of tasks names."""
    words = set(re.findall(r"\w+", (CHECKOUT / "roles" / role / "tasks" / f"{verb}.yml").read_text()))
    return words & set(read(role)[0])


def test_what_playbooks_call_has_an_entry_where_it_reads_variables_of_its_role() -> None:
    files = [*CHECKOUT.glob("playbooks/**/*.yml"), CHECKOUT / "site.yml"]
    calls = sorted(set().union(*(called(path.read_text()) for path in files)))
    assert {("hdfs", "directories"), ("kafka", "stop"), ("lab", "down")} <= set(calls)
    assert [f"{role} {verb}" for role, verb in calls if reads(role, verb) and verb not in read(role)[1]] == []


OPTION = {"type": "int", "default": 1, "description": "Number of them."}
SOUND = {"main": {"short_description": "x", "description": "y", "options": {"a": OPTION}}}


def planted(**changes: Any) -> dict[str, Spec]:
    """Return a spec whose option has these changes; None removes a key."""
    option = {key: value for key, value in (OPTION | changes).items() if value is not None}
    return {"main": SOUND["main"] | {"options": {"a": option}}}


def test_a_sound_pair_has_no_fault() -> None:
    assert faults({"a": 1}, SOUND) == []
    words = "Number of them, by default that of others."
    assert faults({"a": "{{ b }}"}, planted(default=None, description=words)) == []
    assert faults({"a": {"b": 1}}, planted(type="dict", default=None, description=words)) == []
    assert faults({"a": 1}, planted(description=["Number.", "Upstream's L(x y,https://x.org/y#z)."])) == []
    assert faults({}, planted(required=True, default=None)) == []


@pytest.mark.parametrize(
    ("defaults", "specs", "fault"),
    [
        ({"a": 1, "b": 2}, SOUND, "b is not in the specs"),
        ({}, SOUND, "a is not in the defaults"),
        ({"a": 2}, SOUND, "a has another default"),
        ({"a": 1}, planted(default="1"), "a has another default"),
        ({"a": 1}, planted(default=None), "a does not state its default"),
        ({"a": []}, planted(type="list", elements="str", default=None), "a does not state its default"),
        ({"a": 1}, planted(required=True), "a is required and has a default"),
        ({"a": 1}, planted(type=None), "a has no type"),
        ({"a": 1}, planted(type="integer"), "a has no type"),
        ({"a": 1}, planted(type="list"), "a has no elements"),
        ({"a": 1}, planted(description=None), "a is not described in a sentence"),
        ({"a": 1}, planted(description="number of them."), "a is not described in a sentence"),
        ({"a": 1}, planted(description="Number of them"), "a is not described in a sentence"),
        ({"a": "{{ b }}"}, planted(default=None), "a does not state its default"),
        (
            {"a": 1},
            planted(description=["Number.", "See https://x.org."]),
            "a has another paragraph than the link to upstream",
        ),
        (
            {"a": []},
            planted(type="list", elements="dict", default=[]),
            "a does not say what its elements have",
        ),
        (
            {"a": 1},
            planted(options={"b": {"type": "str", "description": "no"}}),
            "a.b is not described in a sentence",
        ),
        ({"a": 1}, SOUND | {"preflight": planted(type="str")["main"]}, "a differs between entry points"),
        ({"a": 1}, {"main": SOUND["main"] | {"description": ""}}, "main has no description"),
    ],
)
def test_each_planted_fault_is_found(defaults: Spec, specs: dict[str, Spec], fault: str) -> None:
    assert faults(defaults, specs) == [fault]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a_port", "a_port has no link to upstream"),
        ("a_timeout", "a_timeout does not say Seconds"),
    ],
)
def test_a_unit_and_a_link_are_asked_for_by_the_name(name: str, fault: str) -> None:
    assert option_faults(name, OPTION) == [fault]


INVENTORIES = sorted(
    path.parent for path in CHECKOUT.glob("**/group_vars") if ".venv" not in path.parts and path.is_dir()
)


def strangers(inventory: Path, declared: set[str]) -> list[str]:
    """Variables of an inventory that nothing reads: no role declares them, no other line of it has them."""
    files = [yaml.safe_load(path.read_text()) or {} for path in sorted(inventory.glob("group_vars/**/*.yml"))]
    read_here = " ".join(str(value) for variables in files for value in variables.values())
    return [
        name
        for variables in files
        for name in variables
        if name not in declared
        and not name.startswith(("ansible_", "__", "scenario_"))
        and not re.search(rf"\b{name}\b", read_here)
    ]


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_variable_of_an_inventory_is_known(inventory: Path) -> None:
    declared = {name for role in ROLES for spec in read(role)[1].values() for name in spec.get("options", {})}
    assert strangers(inventory, declared) == []


def test_a_misspelt_variable_of_an_inventory_is_found(tmp_path: Path) -> None:
    (tmp_path / "group_vars" / "all").mkdir(parents=True)
    lines = "kafka_heep: 1g\nkafka_heap: '{{ size }}'\nsize: 1g\nansible_user: root\n__own: 1\n"
    (tmp_path / "group_vars" / "all" / "a.yml").write_text(lines)
    (tmp_path / "group_vars" / "empty.yml").write_text("# Nothing.\n")
    assert strangers(tmp_path, {"kafka_heap"}) == ["kafka_heep"]


def test_a_wrong_value_on_the_command_line_is_refused_by_name(tmp_path: Path) -> None:
    words = ("--extra-vars", "smoke_mode=fast", "--limit", "millrace-1")
    run = start(tmp_path, "--inventory", "inventories/lab", "playbooks/preflight.yml", *words)
    output = finish(run)
    assert run.returncode == 2
    assert "smoke_mode is 'fast': give one of full, quick, auto" in " ".join(output.split())
    assert not (tmp_path / "cluster.json").exists()
