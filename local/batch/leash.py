"""Run a command that must not outlive its launcher: `python leash.py COMMAND…`.

The launcher holds the other end of our standard input. However it dies, kill -9 included, the
kernel closes that pipe; the command's whole process group is then killed, which to the rest of the
system looks like what it is: the loss of a host. A pipe does this on Linux and macOS alike, where
prctl(PR_SET_PDEATHSIG) exists only on the first and follows a thread, not a process.

Started with `start_new_session=True`, so that the process group is ours and a Ctrl-C at the
terminal reaches the launcher alone. Exits as a container would: the command's status, or 128 plus
the signal that ended it.
"""

import os
import signal
import subprocess
import sys
import threading

COMMAND_NOT_FOUND = 127


def _kill_group_when_launcher_dies() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(0, signal.SIGKILL)


def main(command: list[str]) -> int:
    # A handler rather than SIG_IGN: an ignored signal would stay ignored in the command.
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return COMMAND_NOT_FOUND
    threading.Thread(target=_kill_group_when_launcher_dies, daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    # Not sys.exit: it would wait for nothing useful, and the thread above sits in a read.
    os._exit(main(sys.argv[1:]))
