"""Write docs/roles: a page for each role, from its argument specs, defaults, values and example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = CHECKOUT / "docs" / "roles"
EXAMPLES = CHECKOUT / "docs" / "examples"
#: Defaults that are longer stand in their file alone.
WIDTH = 60
#: Of a service's value: a title, a key and what of its entries is shown.
PARTS = (
    ("Users", "users", "name"),
    ("Links", "links", "path"),
    ("Files", "templates", "dest"),
    ("Units", "units", "name"),
)

INDEX = """\
# Roles

Each page lists what a role takes, and what of upstream that sets. `make docs` makes the pages, from
`meta/argument_specs.yml`, `defaults/main.yml` and `vars/main.yml` of the roles; `ansible-doc -t role -r roles
kafka` shows the same.

{roles}

## A role alone

A playbook of another project can use a role alone. With this checkout in its directory `millrace`, it needs
an `ansible.cfg`

```ini
[defaults]
roles_path = millrace/roles
```

an inventory, here `hosts.yml` with one machine, which Ansible enters as root,

```yaml
{inventory}```

and the playbook of the page, and is run by the kit's own Ansible:

```
millrace/bootstrap
millrace/.venv/bin/ansible-playbook -i hosts.yml kafka.yml
```

The roles bring their plugins along, and judge input, machines and data as `site.yml` does, before anything is
put on a machine. Then they copy the tarballs, write files, start what is stopped, and restart what runs with
older files, one machine at a time between gates. They lock nothing: two runs at once are yours to avoid.
Plan and reports lie in `millrace/out/own`, by the name of the cluster.
"""


def read(role: str, path: str) -> dict[str, Any]:
    """A file of a role, or nothing where it has none."""
    file = CHECKOUT / "roles" / role / path
    return (yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None) or {}


def markdown(text: str) -> str:
    """Text of a description in Ansible's markup as Markdown, for a cell of a table.

    >>> markdown("C(a|b), see L(page,https://x.org)")
    '`a\\|b`, see [page](https://x.org)'
    """
    text = re.sub(r"\b[CO]\(((?:[^()]|\([^()]*\))*)\)", r"`\1`", text.strip())
    text = re.sub(r"\bL\(([^(),]+),\s*([^()]+)\)", r"[\1](\2)", text)
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Text as it is written, for a cell of a table."""
    return f"`{text}`".replace("|", "\\|")


def default(role: str, name: str, option: dict[str, Any], defaults: dict[str, Any]) -> str:
    """The default of an option, as its file has it."""
    if option.get("required"):
        return "required"
    if name not in defaults:
        return ""
    value = defaults[name]
    text = value if isinstance(value, str) and value else json.dumps(value)
    return f"[in its file](../../roles/{role}/defaults/main.yml)" if len(text) > WIDTH else code(text)


def row(name: str, option: dict[str, Any], default: str) -> str:
    """The line of an option in the table."""
    described = option["description"]
    what, *upstream = [described] if isinstance(described, str) else described
    kind = f"list of {option['elements']}" if option["type"] == "list" else option["type"]
    if choices := option.get("choices"):
        what += f" One of {', '.join(code(each or json.dumps(each)) for each in choices)}."
    link = "".join(upstream).removeprefix("Upstream's ").removesuffix(".")
    return f"| {code(name)} | {kind} | {default} | {markdown(what)} | {markdown(link)} |"


def table(role: str, options: dict[str, Any]) -> Iterator[str]:
    """The lines of the table of an entry point."""
    defaults = read(role, "defaults/main.yml")
    yield "| variable | type | default | what it is | upstream |"
    yield "|---|---|---|---|---|"
    for name, option in options.items():
        yield row(name, option, default(role, name, option, defaults))
        for key, inner in option.get("options", {}).items():
            yield row(f"{name}[].{key}", inner, "required" if inner.get("required") else "")


def installs(role: str) -> Iterator[str]:
    """What a service has on a machine, as far as its value says it without a template."""
    values = read(role, "vars/main.yml")
    service = values.get(f"{role}_service", {})
    for title, part, key in PARTS:
        entries = service.get(part, [])
        names = [each[key] for each in entries if "{{" not in each[key]] if isinstance(entries, list) else []
        if part == "units":
            names = names or list(values.get(f"__{role}_daemons", {}))
        if names:
            yield f"- {title}: {', '.join(map(code, names))}"
    if commands := service.get("commands"):
        yield f"- Commands, with links in `/usr/local/bin`: those of {', '.join(map(code, commands))}"


def entry_points(role: str) -> Iterator[str]:
    """The lines of all entry points; a variable stands where it comes first."""
    shown: set[str] = set()
    for entry, spec in read(role, "meta/argument_specs.yml")["argument_specs"].items():
        described = spec["description"]
        text = described if isinstance(described, str) else " ".join(described)
        options = spec.get("options", {})
        if above := [code(name) for name in options if name in shown]:
            text += f" It takes {', '.join(above)}, as above."
        yield from ["", f"## {entry}", "", f"{spec['short_description']}. {markdown(text)}"]
        if new := {name: option for name, option in options.items() if name not in shown}:
            yield from ["", *table(role, new)]
        shown |= set(options)


def alone(role: str) -> Iterator[str]:
    """The lines about a playbook that uses the role and no other service."""
    yield from ["", "## Alone", ""]
    example = EXAMPLES / f"{role}.yml"
    if example.exists():
        text = example.read_text(encoding="utf-8")
        yield "From another project, as [the first page](README.md#a-role-alone) says:"
        yield from ["", "```yaml", *text.splitlines(), "```"]
    else:
        yield "It is there for the kit's other roles and its playbooks, not to be used by itself."


def page(role: str) -> str:
    """The page of a role."""
    meta = read(role, "meta/main.yml")
    lines = [f"# {role}", "", f"{meta['galaxy_info']['description']}."]
    if needs := [each["role"] for each in meta["dependencies"]]:
        lines += ["", f"It depends on {', '.join(f'[{each}]({each}.md)' for each in needs)}."]
    if there := list(installs(role)):
        lines += ["", "## On a machine", "", *there]
    return "\n".join([*lines, *entry_points(role), *alone(role), ""])


def pages() -> dict[str, str]:
    """All pages by file name."""
    roles = {
        path.name: read(path.name, "meta/main.yml")["galaxy_info"]["description"]
        for path in sorted((CHECKOUT / "roles").iterdir())
    }
    index = INDEX.format(
        roles="\n".join(f"- [{role}]({role}.md): {text}" for role, text in roles.items()),
        inventory=(EXAMPLES / "hosts.yml").read_text(encoding="utf-8"),
    )
    return {"README.md": index} | {f"{role}.md": page(role) for role in roles}


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for old in PAGES.glob("*.md"):
        old.unlink()
    for file, text in pages().items():
        (PAGES / file).write_text(text, encoding="utf-8")
