"""Whether the daemons of a host can use the names of the cluster's machines."""

from __future__ import annotations

import socket


def address(name: str) -> str | None:
    """The IPv4 address that a daemon of this host takes for a name: the first. None when there is none."""
    try:
        return str(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        return None


def name_faults(addresses: dict[str, str | None]) -> list[str]:
    """Why daemons of this host could not use the names, given what address each has here; a sentence each."""
    unknown = [name for name, found in addresses.items() if found is None]
    faults = []
    if unknown:
        faults.append(
            f"this machine has no address of {', '.join(unknown)}: "
            "give every machine of the cluster the names of all, by DNS or in its /etc/hosts"
        )
    if len(addresses) > 1:
        faults += [
            f"this machine finds {name} at {found}, where daemons would listen for this machine only: in its "
            f"/etc/hosts remove the line '{found} {name}', or write the address by which others reach {name}"
            for name, found in addresses.items()
            if found and found.startswith("127.")
        ]
    return faults
