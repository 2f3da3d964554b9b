"""What a smoke run leaves: smoke.json, JUnit XML, a line on the terminal."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smoke.checks import Result


def document(run: str, started: str, seconds: float, mode: str, results: Sequence[Result]) -> dict[str, Any]:
    """The content of smoke.json. `started` is ISO 8601, `mode` full or quick."""
    return {
        "run": run,
        "started": started,
        "seconds": round(seconds, 1),
        "mode": mode,
        "ok": bool(results) and all(result.ok for result in results),
        "checks": [
            {
                "name": result.name,
                "ok": result.ok,
                "seconds": result.seconds,
                "facts": result.facts,
                "evidence": list(result.evidence),
            }
            for result in results
        ],
    }


def junit(smoke: dict[str, Any]) -> str:
    """The same as JUnit XML: one suite, one case a check."""
    checks = smoke["checks"]
    failures = sum(not check["ok"] for check in checks)
    suite = ET.Element(
        "testsuite",
        name="millrace smoke",
        timestamp=smoke["started"],
        time=str(smoke["seconds"]),
        tests=str(len(checks)),
        failures=str(failures),
        errors="0",
    )
    for check in checks:
        case = ET.SubElement(
            suite, "testcase", classname="smoke", name=check["name"], time=str(check["seconds"])
        )
        if check["ok"]:
            ET.SubElement(case, "system-out").text = _printable(check["facts"])
        else:
            failure = ET.SubElement(case, "failure", message=_printable(check["facts"]))
            failure.text = _printable("\n".join(check["evidence"]))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold; a journal may well hold them."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def verdict(smoke: dict[str, Any]) -> str:
    """The last line of a run."""
    found = "passed" if smoke["ok"] else "FAILED"
    return f"smoke {found}: run {smoke['run']}, {smoke['mode']}, {smoke['seconds']:.1f} s"
