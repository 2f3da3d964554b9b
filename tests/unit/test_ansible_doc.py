"""ansible-doc shows every filter, module and role of the kit."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.playbooks import CHECKOUT

FILTERS = CHECKOUT / "roles" / "common" / "filter_plugins"
NAMES = sorted(
    name
    for path in FILTERS.glob("*.py")
    for name in importlib.import_module(path.stem).FilterModule().filters()
)
MODULES = sorted(path.stem for path in CHECKOUT.glob("roles/*/library/*.py"))
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir() if path.is_dir())


def shown(*words: str, filters: Path = FILTERS) -> dict[str, Any]:
    """What ansible-doc --json prints for these words; what it says of a name that it cannot show fails."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-doc"), "--json", *words],
        cwd=CHECKOUT,
        env=os.environ
        | {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_FILTER_PLUGINS": str(filters)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def lacking(found: dict[str, Any]) -> list[str]:
    """Names without a description, of the plugin itself or of one of its options."""
    return [
        name
        for name, plugin in found.items()
        if not (plugin.get("doc") or {}).get("short_description")
        or not plugin["doc"].get("description")
        or not all(option.get("description") for option in plugin["doc"].get("options", {}).values())
        or not plugin.get("examples")
        or not plugin.get("return")
    ]


def test_every_filter_is_shown() -> None:
    found = shown("--type", "filter", *NAMES)
    assert sorted(found) == NAMES
    assert lacking(found) == []


def test_every_module_is_shown() -> None:
    found = shown(*MODULES)
    assert sorted(found) == MODULES
    assert lacking(found) == []


def test_every_role_is_shown() -> None:
    found = shown("--type", "role", "--roles-path", "roles", *ROLES)
    assert sorted(found) == ROLES
    assert all(
        entry.get("short_description") for role in found.values() for entry in role["entry_points"].values()
    )


def test_a_filter_without_a_description_is_found(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(
        "class FilterModule:\n    def filters(self):\n        return {'one': str, 'other': str}\n"
    )
    documented = {"name": "one", "author": "x", "short_description": "x", "description": ["x"]}
    (tmp_path / "one.yml").write_text(yaml.safe_dump({"DOCUMENTATION": documented}))
    assert lacking(shown("--type", "filter", "one", filters=tmp_path)) == ["one"]
    with pytest.raises(AssertionError, match="other"):
        shown("--type", "filter", "one", "other", filters=tmp_path)


def arguments(path: Path) -> tuple[str, set[str]]:
    """The name and the options that a file beside the filters documents."""
    documented = yaml.safe_load(path.read_text())["DOCUMENTATION"]
    return documented["name"], set(documented["options"]) - {"_input"}


@pytest.mark.parametrize("path", sorted(FILTERS.glob("*.yml")), ids=lambda path: path.stem)
def test_a_file_beside_the_filters_documents_one_of_them_and_all_its_arguments(path: Path) -> None:
    name, options = arguments(path)
    assert name == path.stem
    functions = [
        function
        for module in FILTERS.glob("*.py")
        for key, function in importlib.import_module(module.stem).FilterModule().filters().items()
        if key == name
    ]
    assert [set(list(function.__annotations__)[1:]) - {"return"} for function in functions] == [options]
