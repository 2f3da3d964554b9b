"""The lab guide, typed command by command on the cluster: what is seen must be what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.live import CHECKOUT


def test_the_guide_runs_as_it_reads(tmp_path: Path) -> None:
    # The French guide has the same blocks: a unit test compares them.
    command = [sys.executable, "-m", "course", "guide", "run", "--cluster", "out/course/cluster.json"]
    # Its projects are built in the home of whoever types: nobody's own are to be built over.
    home = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(
        command, cwd=CHECKOUT, env=home, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert "each seen as shown" in done.stdout
    assert "left out" not in done.stdout
