#!/usr/bin/python3
"""Records all HCI traffic of the kernel, as `btmon -w` does, into a file that `btmon -r` and Wireshark read.

usage: trace.py BTSNOOP

btmon also prints what it records, and on a busy guest loses most of a burst by that. This has a large buffer and does nothing else.
"""

import ctypes
import os
import socket
import struct
import sys
import time

HCI_DEV_NONE, HCI_CHANNEL_MONITOR = 0xFFFF, 2
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 64 << 20
MONITOR_FORMAT = 2001
FLUSH_SECONDS = 0.3  # what was recorded is written out by then
EPOCH_US = 0x00DCDDB30F2F8000  # btsnoop counts from the year 0


def main(path: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    monitor = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_RAW, socket.BTPROTO_HCI)
    monitor.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    # Python's own addresses of this family know neither the channel nor "no device".
    address = struct.pack("<HHH", socket.AF_BLUETOOTH, HCI_DEV_NONE, HCI_CHANNEL_MONITOR)
    if libc.bind(monitor.fileno(), address, len(address)):
        sys.exit(f"error: bind: {os.strerror(ctypes.get_errno())}")
    monitor.settimeout(FLUSH_SECONDS)
    with open(path, "wb", buffering=1 << 16) as file:
        file.write(struct.pack(">8sII", b"btsnoop\0", 1, MONITOR_FORMAT))
        flushed = time.monotonic()
        while True:
            if time.monotonic() - flushed >= FLUSH_SECONDS:
                file.flush()
                flushed = time.monotonic()
            try:
                packet = monitor.recv(65536)
            except TimeoutError:
                continue
            opcode, index, size = struct.unpack_from("<HHH", packet)
            stamp = time.time_ns() // 1000 + EPOCH_US
            file.write(struct.pack(">IIIIQ", size, size, index << 16 | opcode, 0, stamp) + packet[6 : 6 + size])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
