"""Start one program, wait for it, write down what it took: a parent that is small itself.

A child begins with the peak memory of the process that started it (Linux keeps the larger of the
two over execve), so a 9 MB client that the benchmark itself starts would be seen with the
benchmark's 60 MB. This is run by `python -I -S` and imports almost nothing: about 9 MB, which is
the least that can be seen.

Arguments: the file to write to, the most seconds, then the program and its arguments. The file gets
one line: seconds from start to exit, CPU seconds and ru_maxrss in KiB, of the program and what it
waited for. A program that takes longer is killed, with what it started.
"""

from __future__ import annotations

import os
import signal
import sys
import time

if __name__ == "__main__":
    started = time.perf_counter()
    pid = os.posix_spawnp(sys.argv[3], sys.argv[3:], os.environ, setpgroup=0)

    def end(*_: object) -> None:
        """Kill the program's process group."""
        sys.stderr.write(f"\nkilled after {sys.argv[2]} s\n")
        os.killpg(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, end)
    signal.alarm(int(sys.argv[2]))
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    with open(sys.argv[1], "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is 1 MB more
        file.write(f"{seconds} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}\n")
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)
