#!/usr/bin/python
"""Have the JournalNode of this machine take part in the quorum, after a restart or with an empty disk."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

from ansible.module_utils.hadoop_jmx import bean
from ansible.module_utils.host_files import apply
from ansible.module_utils.host_install import make_directory
from ansible.module_utils.host_module import QuietModule, alone
from ansible.module_utils.host_units import UnitError, ensure_state

DOCUMENTATION = r"""
module: hdfs_journalnode
short_description: have the JournalNode of this machine take part in the quorum again
description:
  - A JournalNode that was restarted is left out until the next segment of edits begins, which takes minutes
    by upstream's defaults. Until then one less than it seems may be lost. This begins a segment, and waits
    until the active NameNode writes to this JournalNode. One that has taken edits since it was started is
    left alone.
  - One without a journal gets the identity of the others and the highest epoch that any of them promised, so
    that no NameNode which was fenced finds a majority with it. All others must answer and hold the journal,
    and one NameNode must be active. What was written before, the JournalNodes fetch from each other
    (dfs.journalnode.sync.interval).
options:
  nameservice: {description: name of the journal, type: str, required: true}
  directory: {description: where the journals lie, type: path, required: true}
  version:
    description: the file VERSION of the journal, as the others have it; needed where this one has none
    type: str
    default: ""
  address: {description: "host:port at which NameNodes reach this JournalNode", type: str, required: true}
  page: {description: "HTTP address (host:port) of this JournalNode", type: str, required: true}
  pages: {description: HTTP addresses of all JournalNodes, type: list, elements: str, required: true}
  namenodes: {description: HTTP addresses of all NameNodes, type: list, elements: str, required: true}
  environment: {description: environment of the command hdfs, type: dict, default: {}}
  user: {description: user of the daemon, type: str, default: hdfs}
  group: {description: its group, type: str, required: true}
  timeout: {description: seconds that all of it may take, type: int, default: 120}
attributes:
  check_mode: {support: none}
author: [Millrace]
"""

EXAMPLES = r"""
- name: journal | Have the JournalNode take part in the quorum
  hdfs_journalnode:
    nameservice: lab
    directory: /var/lib/hdfs/journal
    address: millrace-3:8485
    page: millrace-3:8480
    pages: [millrace-1:8480, millrace-2:8480, millrace-3:8480]
    namenodes: [millrace-1:9870, millrace-2:9870]
    group: hadoop
"""

RETURN = r"""
joined: {description: whether it had no journal and got one, returned: always, type: bool}
epoch: {description: the promised epoch that it got, returned: when it joined, type: int}
aside: {description: unfinished segments that were renamed, returned: always, type: list, elements: str}
"""

UNIT = "hdfs-journalnode"
#: What the active NameNode says of its JournalNodes (upstream's QuorumOutputStream and IPCLoggerChannel).
SEGMENT = re.compile(r"beginning at txid (\d+)")
WRITTEN = re.compile(r"(\S+) \(Written txid (\d+)")
LEFT_OUT = re.compile(r"(\S+) \(Written txid [^,]*will try to re-sync on next segment")


class JournalError(Exception):
    """What must be otherwise before the journal is whole, in words."""


def taking_part(status: str) -> set[str]:
    """Addresses of the JournalNodes that have confirmed edits of the segment that is being written.

    status: the attribute NameJournalStatus of the active NameNode, a list in JSON
    """
    found: set[str] = set()
    for journal in json.loads(status):
        stream = journal.get("stream", "")
        if segment := SEGMENT.search(stream):
            confirmed = {place for place, txid in WRITTEN.findall(stream) if int(txid) >= int(segment[1])}
            found |= confirmed - set(LEFT_OUT.findall(stream))
    return found


def segment(status: str) -> int:
    """The transaction with which the segment begins that the active NameNode writes; 0 where it says none."""
    found = [SEGMENT.search(journal.get("stream", "")) for journal in json.loads(status)]
    return max((int(each[1]) for each in found if each), default=0)


def move_aside(directory: str, begins: int) -> list[str]:
    """Rename segments that this JournalNode had begun and was not there to finish; their names.

    begins: the transaction with which the segment that is being written begins: a majority has finished all
        before it

    JournalNodes fetch what they missed from each other, and then refuse to list their segments, since one is
    there twice: no NameNode could read them. By this name upstream's FileJournalManager takes a segment for
    stale, and removes it in time.
    """
    names = sorted(
        name
        for name in os.listdir(directory)
        if (match := re.fullmatch(r"edits_inprogress_(\d+)", name)) and int(match[1]) < begins
    )
    for name in names:
        os.rename(f"{directory}/{name}", f"{directory}/{name}.stale")
    return names


def ask(address: str, service: str, name: str) -> dict[str, Any]:
    """A bean. Raises JournalError where it cannot be had."""
    try:
        found: dict[str, Any] = bean(address, service, name)
    except (OSError, ValueError, LookupError) as error:
        why = f"no bean {name}" if isinstance(error, LookupError) else str(error)
        raise JournalError(f"the {service} at {address} does not answer: {why}") from error
    return found


def epoch_of(page: str, nameservice: str) -> int:
    """The epoch that a JournalNode has promised; -1 of one without the journal. Raises JournalError."""
    return int(ask(page, "JournalNode", f"Journal-{nameservice}").get("LastPromisedEpoch", -1))


def active_journals(namenodes: list[str]) -> str:
    """The NameJournalStatus of the one NameNode that is active. Raises JournalError."""
    said = []
    for namenode in namenodes:
        try:
            if (state := ask(namenode, "NameNode", "NameNodeStatus")["State"]) == "active":
                return str(ask(namenode, "NameNode", "NameNodeInfo")["NameJournalStatus"])
            said.append(f"{namenode} is {state}")
        except JournalError as error:
            said.append(str(error))
    raise JournalError(f"no NameNode is active: {', '.join(said)}")


def highest_epoch(others: list[str], nameservice: str) -> int:
    """The highest epoch that the others promised.

    Hadoop makes this page anew every ten seconds. What is missing is no danger to the others, who are a
    majority without this one, and the segment that is begun next brings the writer's epoch here. Every
    majority that a NameNode found has one of the others in it, as long as all of them are asked. Raises
    JournalError where one of them has no journal, or is silent.
    """
    epochs = {page: epoch_of(page, nameservice) for page in others}
    if empty := [page for page, epoch in epochs.items() if epoch < 0]:
        raise JournalError(f"the JournalNodes at {', '.join(empty)} have no journal {nameservice} either")
    return max(epochs.values())


def write(directory: str, version: str, epoch: int, user: str, group: str) -> None:
    """Make the journal. VERSION comes last: by it the JournalNode, and the plan of the next run, know one."""
    owned = {"owner": user, "group": group}
    for path, mode in (
        (directory, "0750"),
        (f"{directory}/current", "0700"),
        (f"{directory}/current/paxos", "0700"),
    ):
        make_directory({"path": path, "mode": mode, **owned}, check=False)
    for name, text in (("last-promised-epoch", f"{epoch}\n"), ("VERSION", version.rstrip("\n") + "\n")):
        apply({"path": f"{directory}/current/{name}", "content": text, "mode": "0640", **owned}, check=False)


def await_it(condition: Callable[[], bool], deadline: float) -> None:
    """Poll until it is so. Raises JournalError with the last reason, or that there was none."""
    why = JournalError(f"{UNIT} takes part in no segment of edits")
    while True:
        try:
            if condition():
                return
        except JournalError as error:
            why = error
        if time.monotonic() > deadline:
            raise why
        time.sleep(0.2)


def own_addresses(address: str) -> set[str]:
    """This JournalNode as the NameNode writes it: IP address and port."""
    host, _, port = address.rpartition(":")
    found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    return {f"{each[4][0]}:{port}" for each in found} | {address}


def begin_segment(user: str, environment: dict[str, str]) -> None:
    """Have the active NameNode begin a segment of edits. Raises JournalError."""
    argv = ["runuser", "-u", user, "--", "/opt/hadoop/bin/hdfs", "dfsadmin", "-rollEdits"]
    done = subprocess.run(
        argv,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise JournalError(
            f"hdfs dfsadmin -rollEdits ended with {done.returncode}: {(done.stderr or done.stdout)[-500:]}"
        )


def take_part(arguments: dict[str, Any]) -> dict[str, Any]:
    """Join where there is no journal, and be written to.

    Raises JournalError, OSError or UnitError.
    """
    deadline = time.monotonic() + arguments["timeout"]
    nameservice, page, namenodes = arguments["nameservice"], arguments["page"], arguments["namenodes"]
    result: dict[str, Any] = {"joined": False}
    directory = os.path.join(arguments["directory"], nameservice)
    if not os.path.exists(f"{directory}/current/VERSION"):
        if not arguments["version"]:
            raise JournalError(f"{directory} has no journal, and no other JournalNode's VERSION was given")
        found: dict[str, int] = {}

        def others_stand() -> bool:
            active_journals(namenodes)
            found["epoch"] = highest_epoch([each for each in arguments["pages"] if each != page], nameservice)
            return True

        await_it(others_stand, deadline)
        ensure_state([{"name": UNIT}], "stopped", check=False)
        write(directory, arguments["version"], found["epoch"], arguments["user"], arguments["group"])
        ensure_state([{"name": UNIT}], "started", check=False)
        result |= {"joined": True, **found}
    own = own_addresses(arguments["address"])

    def takes_part() -> bool:
        return bool(own & taking_part(active_journals(namenodes)))

    def in_step() -> bool:
        try:
            # A JournalNode that was restarted takes nothing before the next segment.
            taken = ask(page, "JournalNode", f"Journal-{nameservice}").get("BatchesWritten", 0)
            return bool(taken) and takes_part()
        except JournalError:
            return False

    def begun() -> bool:
        # A NameNode that has nothing to write does not see that a JournalNode was restarted.
        active_journals(namenodes)
        begin_segment(arguments["user"], arguments["environment"])
        return True

    begins = result["joined"] or not in_step()
    if begins:
        await_it(begun, deadline)
        await_it(takes_part, deadline)
    aside = move_aside(f"{directory}/current", segment(active_journals(namenodes)))
    return result | {"changed": begins or bool(aside), "aside": aside}


def main() -> None:
    """Run as an Ansible module."""
    text, texts = {"type": "str", "required": True}, {"type": "list", "elements": "str", "required": True}
    module = QuietModule(
        argument_spec={
            "nameservice": text,
            "directory": {"type": "path", "required": True},
            "version": {"type": "str", "default": ""},
            "address": text,
            "page": text,
            "pages": texts,
            "namenodes": texts,
            "environment": {"type": "dict", "default": {}},
            "user": {"type": "str", "default": "hdfs"},
            "group": text,
            "timeout": {"type": "int", "default": 120},
        }
    )
    alone(module)
    try:
        result = take_part(module.params)
    except (JournalError, OSError, ValueError, UnitError) as error:
        module.fail_json(
            msg=f"{UNIT} does not take part in the quorum: {error}. A JournalNode joins while all others "
            "answer and one NameNode is active: see to that, and run again"
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
