"""Command lines that more than one measurement needs.

Belongs here: our own side, a shell around others. Does not belong here: a peer's own options.
"""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OURS = (sys.executable, "-m", "benchmarks.peers.ours")


def ours_env(root: Path, source: str) -> dict[str, str]:
    """Return the variables of `ours.py` that do not depend on the store."""
    return {"BENCH_SOURCE": source, "BENCH_LOCKS": str(root / "locks")}


def shell(*commands: Sequence[str | Path], out: Path | None = None) -> list[str]:
    """Return the command for a pipe of commands, or for one command into a file.

    Args:
        commands: Each with its arguments; the output of one is the input of the next.
        out: File that the last one writes to.
    """
    line = " | ".join(shlex.join(map(str, command)) for command in commands)
    if out is not None:
        line = f"{line} > {shlex.quote(str(out))}"
    # One command replaces the shell; a pipe fails when any of its commands does.
    return ["bash", "-c", f"exec {line}" if len(commands) == 1 else f"set -o pipefail; {line}"]
