"""What Hadoop's daemons say of themselves: the beans of their page /jmx (upstream's JMXJsonServlet)."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any

# The cluster's own machines are asked directly, whatever proxy the session has.
OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

#: Seconds that an answer may take.
TIMEOUT = 10


def bean(address: str, service: str, name: str) -> dict[str, Any]:
    """The attributes of a bean of the daemon at host:port.

    Raises OSError where nobody answers, ValueError where the answer is not JSON, LookupError where the daemon
    has no such bean.
    """
    query = urllib.parse.quote(f"Hadoop:service={service},name={name}", safe=":=,")
    with OPEN(f"http://{address}/jmx?qry={query}", timeout=TIMEOUT) as answer:
        return dict(json.load(answer)["beans"][0])
