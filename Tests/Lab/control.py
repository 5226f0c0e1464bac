#!/usr/bin/python3
"""Gives one command to a running part of the lab and prints the answer; exits with 1 when it is refused. A machine's
answer is when it was done, in seconds since 1970.

usage: control.py air SOCKET COMMAND…                  see air.py
       control.py machine SOCKET COMMAND [NAME=VALUE…]  QEMU's: set_link name=lan up=false, quit, stop, cont
"""

import json
import socket
import sys
import time

ANSWER_SECONDS = 60


def value(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text, text)


def main() -> int:
    if len(sys.argv) < 4 or sys.argv[1] not in ("air", "machine"):
        print(__doc__, file=sys.stderr)
        return 2
    _, kind, path, *words = sys.argv
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(path)
        stream = connection.makefile("rw")
        if kind == "air":
            print(" ".join(words), file=stream, flush=True)
            answer = stream.readline()
            if answer != "ok\n":
                print(answer, end="")
            return 1 if answer.startswith("error") or not answer else 0
        stream.readline()  # greeting
        arguments = {name: value(text) for name, _, text in (word.partition("=") for word in words[1:])}
        for command in ({"execute": "qmp_capabilities"}, {"execute": words[0], "arguments": arguments}):
            print(json.dumps(command), file=stream, flush=True)
            while "event" in (reply := json.loads(stream.readline())):
                pass
            if "error" in reply:
                print(f"error: {reply['error']['desc']}")
                return 1
        print(f"{time.time():.3f}")
        return 0


if __name__ == "__main__":
    sys.exit(main())
