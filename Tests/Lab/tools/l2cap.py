#!/usr/bin/python3
"""An L2CAP connection-oriented channel over LE: a server that sends everything back, and a client that checks it.

usage: l2cap.py serve OWN-ADDRESS          prints "listening"
       l2cap.py call OWN-ADDRESS ADDRESS
"""

import ctypes
import errno
import os
import select
import socket
import struct
import sys
import time

PSM = 0x80
BDADDR_LE_PUBLIC = 1
SOL_BLUETOOTH, BT_RCVMTU = 274, 13
PACKET_BYTES = 1974
PACKET_COUNT = 50
WINDOW = 8
WAIT_SECONDS = 40

libc = ctypes.CDLL(None, use_errno=True)


def address(text: str, psm: int) -> bytes:
    """A sockaddr_l2, with the address type that Python's own sockets leave out."""
    device = bytes.fromhex(text.replace(":", ""))[::-1]
    return struct.pack("<HH6sHBx", socket.AF_BLUETOOTH, psm, device, 0, BDADDR_LE_PUBLIC)


def channel(own: str, psm: int) -> socket.socket:
    made = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_SEQPACKET, socket.BTPROTO_L2CAP)
    made.setblocking(False)  # a blocking recv holds up the whole adapter
    if libc.bind(made.fileno(), own_address := address(own, psm), len(own_address)):
        sys.exit(f"error: bind: {os.strerror(ctypes.get_errno())}")
    made.setsockopt(SOL_BLUETOOTH, BT_RCVMTU, struct.pack("<H", 65535))  # after bind, which makes it an LE socket
    return made


def wait(waiting: socket.socket, event: int) -> None:
    poll = select.poll()
    poll.register(waiting, event)
    if not poll.poll(WAIT_SECONDS * 1000):
        sys.exit("error: waited in vain for the channel")


def receive(channel: socket.socket) -> bytes:
    wait(channel, select.POLLIN)
    return channel.recv(65535)


def send(channel: socket.socket, packet: bytes) -> None:
    wait(channel, select.POLLOUT)
    channel.send(packet)


def serve(own: str) -> None:
    listening = channel(own, PSM)
    listening.listen(1)
    print("listening", flush=True)
    wait(listening, select.POLLIN)
    # Not accept(), which makes a Python object of an address that it cannot read.
    accepted = socket.socket(
        fileno=libc.accept4(listening.fileno(), None, None, socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    )
    while packet := receive(accepted):
        send(accepted, packet)


def call(own: str, peer: str) -> None:
    started = time.monotonic()
    calling = channel(own, 0)
    peer_address = address(peer, PSM)
    if libc.connect(calling.fileno(), peer_address, len(peer_address)) and ctypes.get_errno() != errno.EINPROGRESS:
        sys.exit(f"error: connect: {os.strerror(ctypes.get_errno())}")
    wait(calling, select.POLLOUT)
    if code := calling.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        sys.exit(f"error: connect: {os.strerror(code)}")
    print(f"connected in {time.monotonic() - started:.1f} s", flush=True)
    packets = [index.to_bytes(2, "big") + bytes(PACKET_BYTES - 2) for index in range(PACKET_COUNT)]
    started = time.monotonic()
    for index in range(PACKET_COUNT + WINDOW):
        if index < PACKET_COUNT:
            send(calling, packets[index])
        if index >= WINDOW and (packet := receive(calling)) != packets[index - WINDOW]:
            sys.exit(f"error: packet {index - WINDOW} came back as {len(packet)} other bytes")
    rate = PACKET_COUNT * PACKET_BYTES / (time.monotonic() - started) / 1000
    print(f"{PACKET_COUNT} packets of {PACKET_BYTES} bytes there and back, {rate:.0f} kB/s")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", own]:
            serve(own)
        case ["call", own, peer]:
            call(own, peer)
        case _:
            sys.exit(__doc__)
