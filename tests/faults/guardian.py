#!/usr/bin/python3
"""Leaves nothing behind, whatever ends a test: a process of its own that outlives it.

`Guardian (directory)` starts it with a pipe; when the pipe closes, be it by SIGKILL of the test, every process that works
in that directory or was called with it is ended by its pid, and the directory is removed (unless CTAI_KEEP is set).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

PASSES = 50


def belongs(pid, directory):
    """Does the process run in the directory, or was it called with it?"""
    with contextlib.suppress(OSError):
        if os.readlink(f"/proc/{pid}/cwd").startswith(directory):
            return True
    for name in ("cmdline", "environ"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:
            if directory.encode() in file.read():
                return True
    return False


def processes_of(directory):
    """The processes of a test's own directory, but for this one."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and belongs(pid, directory)]


def end_all(directory):
    """Ends them, and those that they start meanwhile."""
    for _ in range(PASSES):
        left = processes_of(directory)
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return
        time.sleep(0.1)


def unmount_all(directory):
    """What was mounted there, in the test's own mount namespace."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        targets = [line.split()[1] for line in file]
    for target in reversed(targets):
        if target.startswith(directory + "/"):
            subprocess.run(["umount", "-l", target], stderr=subprocess.DEVNULL, check=False)


class Guardian:
    """Watches over a directory until `release`."""

    def __init__(self, directory):
        self._process = subprocess.Popen([sys.executable, os.path.abspath(__file__), directory], stdin=subprocess.PIPE,
                                         stdout=subprocess.DEVNULL, cwd="/", start_new_session=True)

    def release(self):
        """The test has ended: what is left is removed now."""
        self._process.stdin.close()
        self._process.wait()


def main():
    directory = sys.argv[1]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_all(directory)
    unmount_all(directory)
    if not os.environ.get("CTAI_KEEP"):
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
