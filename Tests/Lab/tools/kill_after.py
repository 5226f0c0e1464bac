#!/usr/bin/python3
"""Kills a process as soon as so many entries came to its store: what agents say of themselves comes later.

usage: kill_after.py STORE COUNT PROCESS
"""

import os
import signal
import sqlite3
import sys
import time

INTERVAL_SECONDS = 0.05


def main(path: str, count: str, process: str) -> None:
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def entries() -> int:
        return store.execute("SELECT entryCount FROM total WHERE scope = x''").fetchone()[0]

    enough = entries() + int(count)
    while entries() < enough:
        time.sleep(INTERVAL_SECONDS)
    os.kill(int(process), signal.SIGKILL)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
