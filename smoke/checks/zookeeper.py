"""A znode written on one server is read on every other."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from smoke.services.zookeeper import client
from smoke.verdict import Finding

if TYPE_CHECKING:
    from smoke.checks import Run
    from smoke.cluster import ZooKeeper, ZooKeeperServer


def check(run: Run, section: ZooKeeper) -> dict[str, Finding]:
    """Write on the first server, read on the others, delete on the last."""
    servers = section.servers
    path, value = f"/{run.name}", run.id.encode()
    with ExitStack() as stack:
        clients = []
        for server in servers:
            clients.append(client(server))
            stack.callback(clients[-1].close)
            stack.callback(clients[-1].stop)
        writer, others = clients[0], clients[1:]
        run.cleanup(f"znode {path}", lambda: _remove(servers, path))
        writer.create(path, value)
        evidence = []
        for server, reader in zip(servers[1:], others, strict=True):
            reader.sync(path)
            got, _ = reader.get(path) if reader.exists(path) else (None, None)
            if got != value:
                evidence.append(f"{server.host}:{server.port} reads {got!r}, written {value!r}")
        clients[-1].delete(path)
        writer.sync(path)
        if writer.exists(path):
            evidence.append(
                f"{path} was deleted on {servers[-1].host} and is still there on {servers[0].host}"
            )
    facts = f"written on {servers[0].host}, read on {len(others)} others, deleted"
    return {
        "zookeeper": Finding(
            facts if others else "written, read and deleted on the one server", tuple(evidence)
        )
    }


def _remove(servers: tuple[ZooKeeperServer, ...], path: str) -> None:
    zookeeper = client(*servers)
    try:
        if zookeeper.exists(path):
            zookeeper.delete(path)
    finally:
        zookeeper.stop()
        zookeeper.close()
