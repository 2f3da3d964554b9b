"""A module whose arguments are nobody's to read in the machine's log."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule


class QuietModule(AnsibleModule):  # type: ignore[misc]
    """Logs nothing on the machine, whatever the configuration says; its results are shown as ever.

    AnsibleModule(no_log=True) would not do: the controller always sends _ansible_no_log (the task's no_log,
    or no_target_syslog), and what it sends replaces that argument.
    """

    def log(self, msg: Any, log_args: dict[str, Any] | None = None) -> None:
        """Stand for the function by which everything is logged, "Invoked with" too."""
