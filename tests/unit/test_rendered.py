"""The lookup gives the same text as ansible.builtin.template, for every template of the roles' form."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.playbooks import run_local

TEMPLATE = """{{ header | comment }}
{{ settings | to_properties }}
{# said to nobody #}
{% for word in words %}
word {{ word }}
{% endfor %}
"""


def test_same_text_as_the_builtin_lookup(tmp_path: Path) -> None:
    (tmp_path / "it.j2").write_text(TEMPLATE)
    texts = {
        name: f"{{{{ lookup('{name}', '{tmp_path}/it.j2') }}}}"
        for name in ("rendered", "ansible.builtin.template")
    }
    copy = {"dest": str(tmp_path / "answer"), "content": "{{ texts | to_json }}", "mode": "0644"}
    play = {
        "vars": {
            "header": "by the test",
            "settings": {"b": True, "a": [1, 2]},
            "words": ["x", "y"],
            "texts": texts,
        },
        "tasks": [{"ansible.builtin.copy": copy}],
    }
    run_local(tmp_path, play)
    answer = json.loads((tmp_path / "answer").read_text())
    assert answer["rendered"] == answer["ansible.builtin.template"]
    assert answer["rendered"] == "#\n# by the test\n#\na=1,2\nb=true\n\nword x\nword y\n"
