#!/usr/bin/env python3
"""screen.py FILE.png: a picture of the lines of standard input as a terminal shows them, light on dark.

Lines without block characters, such as the text below a QR code, are left out, as somebody who takes a picture would."""
import struct
import sys
import zlib

SCALE = 4
LIGHT = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1)}


def main():
    lines = [line.rstrip("\n") for line in sys.stdin]
    lines = [line for line in lines if line and all(character in "█▀▄ " for character in line)]
    width = max(map(len, lines), default=0)
    rows = b""
    for line in lines:
        for half in (0, 1):
            pixels = b"".join(
                (b"\xe6" if LIGHT.get(character, (0, 0))[half] else b"\x14") * SCALE for character in line.ljust(width))
            rows += (b"\0" + pixels) * SCALE

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width * SCALE, 2 * len(lines) * SCALE, 8, 0, 0, 0, 0)
    with open(sys.argv[1], "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


main()
