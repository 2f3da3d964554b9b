"""Stands for the module service_state: keeps on the controller what it would bring a host to."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

PLUGIN = Path(__file__).parents[3] / "roles/common/action_plugins/service_state.py"
spec = importlib.util.spec_from_file_location("real_service_state", PLUGIN)
assert spec
assert spec.loader
real = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real)


class ActionModule(real.ActionModule):  # type: ignore[name-defined,misc]
    """Renders as the kit does; writes each service as JSON to $MILLRACE_RENDERED/<host>/<service>.json."""

    def _execute_module(self, *, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        directory = Path(os.environ["MILLRACE_RENDERED"], task_vars["inventory_hostname"])
        directory.mkdir(parents=True, exist_ok=True)
        for service in module_args["services"]:
            (directory / f"{service['name']}.json").write_text(json.dumps(service), encoding="utf-8")
        return {"changed": False, "services": {}}
