"""The command: which measurements, how often, where."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    addresses,
    agents,
    api,
    catalog,
    day,
    days,
    demo,
    download,
    export,
    load,
    memory,
    object_storage,
    processing,
    profiles,
    publish,
    start,
    up,
    warm,
)
from benchmarks.measure import MeasurementError
from benchmarks.project import Setup
from benchmarks.report import machine
from benchmarks.rounds import tell
from userprofile_assets.errors import UserProfileError

_MEASUREMENTS = {
    "day": day.measure,
    "range": days.measure,
    "memory": memory.measure,
    "export": export.measure,
    "download": download.measure,
    "load": load.measure,
    "start": start.measure,
    "up": up.measure,
    "warm": warm.measure,
    "s3a": object_storage.measure,
    "demo": demo.measure,
    "processing": processing.measure,
    "profiles": profiles.measure,
    "agents": agents.measure,
    "addresses": addresses.measure,
    "catalog": catalog.measure,
    "publish": publish.measure,
    "api": api.measure,
}


def main() -> int:
    """Measure and print; return 1 if a measurement could not be made, whatever the goals say."""
    options = _parser().parse_args()
    if platform.system() != "Linux":
        tell("error: memory is read from /proc, which only Linux has")
        return 2
    if options.single and options.name not in {None, "range"}:
        tell("error: --single belongs to range")
        return 2
    if options.rows and options.name not in {None, "api", "export", "processing", "publish"}:
        tell("error: --rows belongs to api, export, processing and publish")
        return 2
    if options.size and options.name not in {None, "download"}:
        tell("error: --size belongs to download")
        return 2
    # Servers and temporary files are removed after SIGTERM as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = [options.name] if options.name else list(_MEASUREMENTS)
    place = Path(tempfile.mkdtemp(prefix="userprofile-benchmarks-"))
    failed = False
    print(f"Measured {machine()}", flush=True)
    try:
        for name in names:
            root = place / name
            root.mkdir()
            setup = Setup(
                root=root,
                archives=place / "archives",
                quick=options.quick,
                asked_rounds=options.rounds,
                single=options.single,
                rows=options.rows,
                mebibytes=options.size,
            )
            tell(f"{name}, in {root}")
            load_before = os.getloadavg()[0]
            try:
                report = _MEASUREMENTS[name](setup)
            except (MeasurementError, UserProfileError) as error:
                tell(f"error: {name}: {error}")
                failed = True
                continue
            report.add(
                f"Load average {load_before:.1f} before, {os.getloadavg()[0]:.1f} after, "
                "the measurement's own included."
            )
            print(f"\n{report.text(_command(name, options))}", flush=True)
            if not options.keep:
                shutil.rmtree(root)
    except KeyboardInterrupt:
        tell("interrupted")
        return 130
    finally:
        if options.keep:
            tell(f"kept: {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure time and memory; prints Markdown."
    )
    parser.add_argument("name", nargs="?", choices=list(_MEASUREMENTS), help="one; else all")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--rounds", type=_positive, help="rounds after the warm-up")
    parser.add_argument("--keep", action="store_true", help="keep the temporary directory")
    parser.add_argument("--single", action="store_true", help="range: also as a run for each day")
    parser.add_argument(
        "--rows",
        type=_positive,
        help="export: rows, above 5,000,000 only our side, for its memory; processing: lines; "
        "api, publish: users of a day",
    )
    parser.add_argument("--size", type=_positive, metavar="MIB", help="download: size of the log")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("write 1 or more")
    return number


def _command(name: str, options: argparse.Namespace) -> str:
    words = ["python -m benchmarks", name]
    if options.quick:
        words.append("--quick")
    if options.rounds:
        words.append(f"--rounds {options.rounds}")
    if options.single and name == "range":
        words.append("--single")
    if options.rows and name in {"api", "export", "processing", "publish"}:
        words.append(f"--rows {options.rows}")
    if options.size and name == "download":
        words.append(f"--size {options.size}")
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
