#!/usr/bin/python3
"""An L2CAP connection-oriented channel over LE: a server that sends everything back, and a client that checks it.

usage: l2cap.py serve OWN-ADDRESS          prints "listening"
       l2cap.py call OWN-ADDRESS ADDRESS
       l2cap.py occupy OWN-ADDRESS         takes every PSM that a program may listen on; prints "occupied"
       l2cap.py traps OWN-ADDRESS ADDRESS  says what this kernel does that a product has to know
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
SOL_BLUETOOTH, BT_RCVMTU, BT_MODE = 274, 13, 15
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


def occupy(own: str) -> None:
    taken = [channel(own, psm) for psm in range(0x80, 0x100)]
    for holder in taken:
        holder.listen(1)
    print("occupied", flush=True)
    select.poll().poll()


def traps(own: str, peer: str) -> None:
    bound = channel(own, 0)
    try:
        bound.getsockopt(SOL_BLUETOOTH, BT_MODE)
        print("BT_MODE: known")
    except OSError as error:
        print(f"BT_MODE: {errno.errorcode[error.errno]}")
    unbound = socket.socket(socket.AF_BLUETOOTH, socket.SOCK_SEQPACKET, socket.BTPROTO_L2CAP)
    unbound.setblocking(False)
    peer_address = address(peer, PSM)
    if libc.connect(unbound.fileno(), peer_address, len(peer_address)) and ctypes.get_errno() != errno.EINPROGRESS:
        print(f"unbound: {errno.errorcode[ctypes.get_errno()]}")
        return
    poll = select.poll()
    poll.register(unbound, select.POLLOUT)
    print("unbound: connects or fails at once" if poll.poll(5000) else "unbound: hangs")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", own]:
            serve(own)
        case ["call", own, peer]:
            call(own, peer)
        case ["occupy", own]:
            occupy(own)
        case ["traps", own, peer]:
            traps(own, peer)
        case _:
            sys.exit(__doc__)
