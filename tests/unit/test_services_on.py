"""What of services' values a machine is brought to."""

from __future__ import annotations

from typing import Any

from services_on import DATA, READ, FilterModule, services_on


class Never(dict[str, Any]):
    """A value that has also what no machine needs: to make it is an error."""

    def __getitem__(self, key: str) -> Any:
        assert key in {*READ, *DATA, "hosts", "data"}, key
        return super().__getitem__(key)


def test_only_what_the_module_reads_is_made() -> None:
    data = Never(stores=[1], settings={}, facts={"a": 1}, rule="kafka_data", arguments={})
    kafka = Never(name="kafka", hosts=["a"], units=[], data=data, endpoints=[], memory=[], describes={})
    java = Never(name="java", hosts=["a", "b"], paths={})
    assert services_on([java, kafka], "a") == [
        {"name": "java", "paths": {}},
        {"name": "kafka", "units": [], "data": {"stores": [1], "settings": {}, "facts": {"a": 1}}},
    ]
    assert services_on([java, kafka], "b") == [{"name": "java", "paths": {}}]
    assert services_on([java, kafka], "c") == []


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"services_on": services_on}
