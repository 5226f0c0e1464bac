#!/usr/bin/env python3
"""Looks for words in files, and in the memory of processes: exit code 1 when one is found.

  canaries.py WORDS FILE…             WORDS: a file with one word a line
  canaries.py WORDS --process PID     everything that the process can write to
"""
import pathlib
import sys


def memory(process):
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb") as pages:
        for line in maps:
            span, mode = line.split()[:2]
            if not mode.startswith("rw"):
                continue
            start, end = (int(edge, 16) for edge in span.split("-"))
            try:
                pages.seek(start)
                yield span, pages.read(end - start)
            except (OSError, ValueError):  # guard pages, and what the kernel keeps to itself
                continue


def contents(arguments):
    if arguments[0] == "--process":
        yield from memory(int(arguments[1]))
        return
    for argument in arguments:
        path = pathlib.Path(argument)
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                yield str(file), file.read_bytes()


def main():
    words = [word.encode() for word in pathlib.Path(sys.argv[1]).read_text().split()]
    total = 0
    found = []
    for name, data in contents(sys.argv[2:]):
        total += len(data)
        found += [f"{word.decode()} in {name}" for word in words if word in data]
    print(f"{len(words)} words in {total} bytes: {len(found)} found")
    for line in found:
        print(line)
    sys.exit(1 if found or not total else 0)


main()
