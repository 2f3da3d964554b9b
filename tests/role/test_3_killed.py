"""kill -9: systemd starts it again, it is right, and holds what it held."""

from __future__ import annotations

from smoke.wait import wait_until
from tests.live import Site


def test_a_killed_daemon_comes_back(site: Site, machine: str, unit: str) -> None:
    before = site.units()[machine, unit]
    site.host(machine).check_output(f"kill -9 {before.pid}")

    def back() -> bool:
        now = site.units()[machine, unit]
        return now.active and now.invocation != before.invocation

    wait_until(back, 60, f"{unit} on {machine} was not started again")
    site.check()


def test_data_still_goes_in_and_comes_out(site: Site) -> None:
    if site.units():
        assert site.smoke("--records", "500")["ok"]
