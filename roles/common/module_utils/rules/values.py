"""Values against the types that argument specs declare, wherever they come from: YAML, INI or -e.

Text that says a number or a truth is one, as INI files and -e give them. Nothing else is guessed: a number in
the place of text (a version 3.10 is 3.1) or text in the place of a list would be used as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .forms import shown
from .model import Inventory, Refusal
from .names import nearest

TRUTHS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
Spec = Mapping[str, Any]


class UnfitError(ValueError):
    """A value that is not of its declared type; the text says what it is and what to give."""


def converted(name: str, value: Any, spec: Spec) -> Any:
    """The value in its declared type.

    name: the variable, or the place in it, as the error names it
    spec: an option of argument specs: type, choices, elements, options

    Raises UnfitError for a value that is of another type or none of the choices.

    >>> converted("smoke_records", "100", {"type": "int"}), converted("x", "no", {"type": "bool"})
    (100, False)
    """
    convert = CONVERSIONS.get(spec.get("type", "str"))
    result = convert(name, value) if convert else value
    choices = spec.get("choices")
    if choices and result not in choices:
        raise UnfitError(f"{name} is '{result}': give one of {', '.join(map(str, choices))}")
    if isinstance(result, list):
        each = {"type": spec.get("elements", "raw"), "options": spec.get("options")}
        return [converted(f"{name}[{place}]", item, each) for place, item in enumerate(result)]
    if isinstance(result, dict) and spec.get("options"):
        return _with_options(name, result, spec["options"])
    return result


def _with_options(name: str, given: dict[str, Any], options: Mapping[str, Spec]) -> dict[str, Any]:
    keys = ", ".join(options)
    for key in given:
        if key not in options:
            near = nearest(str(key), options)
            raise UnfitError(f"{name} has {key}: {f'write {near}' if near else f'the keys are {keys}'}")
    for key, option in options.items():
        if option.get("required") and key not in given:
            raise UnfitError(f"{name} has no {key}: give it, the keys are {keys}")
    return {key: converted(f"{name}.{key}", value, options[key]) for key, value in given.items()}


def _whole(name: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    try:
        if isinstance(value, str):
            return int(value)
    except ValueError:
        pass
    raise UnfitError(f"{name} is {_said(value)}: give a whole number")


def _number(name: str, value: Any) -> float:
    try:
        if not isinstance(value, bool):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise UnfitError(f"{name} is {_said(value)}: give a number")


def _truth(name: str, value: Any) -> bool:
    found = TRUTHS.get(str(value).lower()) if isinstance(value, (bool, int, str)) else None
    if found is None:
        raise UnfitError(f"{name} is {_said(value)}: give true or false")
    return found


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float)) and not name.endswith("]"):
        # A version 3.10 would have become 3.1, an octal mode another number, a yes a truth.
        kind = "truth" if isinstance(value, bool) else "number"
        raise UnfitError(f"{name} is the {kind} {value}: write it in quotes")
    if isinstance(value, (int, float)):
        # Among words of a command, which are joined as text.
        return str(value)
    raise UnfitError(f"{name} is {_said(value)}: give text")


def _list(name: str, value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise UnfitError(f"{name} is {_said(value)}: give a list{_json(name, value, '[...]')}")


def _dict(name: str, value: Any) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise UnfitError(f"{name} is {_said(value)}: give keys with values{_json(name, value, '{...}')}")


CONVERSIONS = {
    "int": _whole,
    "float": _number,
    "bool": _truth,
    "str": _text,
    "path": _text,
    "list": _list,
    "dict": _dict,
}


def _said(value: Any) -> str:
    """The value as a person wrote it, a kind of thing where it is long."""
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return f"keys with values ({', '.join(map(str, value))})" if value else "keys without any"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return f"'{shown(value)}'"


def _json(name: str, value: Any, form: str) -> str:
    """How to give it on the command line, for text, which is what -e NAME=VALUE makes of everything."""
    return (
        f", with -e as JSON: -e '{{\"{name}\": {form}}}'"
        if isinstance(value, str) and "[" not in name
        else ""
    )


def unfit(values: Mapping[str, Any], options: Mapping[str, Spec]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values in their types by variable, and by variable why others cannot be used.

    values: those that are given; required ones that are missing are refused, too
    """
    fit: dict[str, Any] = {}
    why: dict[str, str] = {}
    for name, option in options.items():
        if name not in values:
            if option.get("required"):
                why[name] = f"{name} is not set: give {_wanted(option)}{_meaning(option)}"
            continue
        try:
            fit[name] = converted(name, values[name], option)
        except UnfitError as error:
            why[name] = str(error)
    return fit, why


def _wanted(option: Spec) -> str:
    """What is to be given, by the type of an option."""
    words = {"int": "a whole number", "bool": "true or false", "list": "a list", "dict": "keys with values"}
    return words.get(str(option.get("type")), "text")


def _meaning(option: Spec) -> str:
    description = option.get("description", "")
    # A second paragraph leads to upstream's documentation.
    described = str(description if isinstance(description, str) else description[0]).strip()
    return f" ({described[:1].lower()}{described[1:].rstrip('.')})" if described else ""


def unfit_values(inventory: Inventory) -> Iterator[Refusal]:
    """Values that are not of the type their role declares."""
    for machine, why in inventory.unfit.items():
        for variable, text in why.items():
            yield Refusal(text, variable, hosts=(machine,))
