#!/usr/bin/env python3
"""A device of nobody's, on an independent Bluetooth stack: it knows the published service and no workspace's key.

Finds FieldSync's service on the air, reads INFO, subscribes a TX slot, opens a frame link over the slot, and sends a
first session message made without the key. It succeeds when it is refused as a stranger is: the message is taken,
nothing is said, and the link is closed. It fails when anything of the session comes back.

usage: stranger.py PORT     PORT: a UNIX socket of air.py; run by the lab's own Python environment
"""

import asyncio
import dataclasses
import os
import secrets
import struct
import sys

from central import Central, Failure, say

TAIL = "4c4e-9d3c-2f6a0b1e5c5c"
SLOT_COUNT = 3

FIND_SECONDS = 60
OPEN_INTERVAL_SECONDS = 1
OPEN_DEADLINE_SECONDS = 30
REFUSAL_DEADLINE_SECONDS = 60  # over the session's own handshake deadline

# The first message of Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b: an ephemeral key and the tag that proves the workspace's
# key.
FIRST_MESSAGE_BYTES = 32 + 16


def uuid(number: int) -> str:
    return f"f1e1d5bc-{number:04x}-{TAIL}"


SERVICE = uuid(0x0001)
INFO = uuid(0x0002)
CONTROL = uuid(0x0003)
RX_SLOTS = [uuid(0x0010 + slot) for slot in range(SLOT_COUNT)]  # to the peripheral
TX_SLOTS = [uuid(0x0020 + slot) for slot in range(SLOT_COUNT)]  # from the peripheral


@dataclasses.dataclass
class Info:
    """What INFO tells the one who reads it."""

    LAYOUT = struct.Struct(">BBHB")  # version, capabilities, L2CAP PSM (0: none), slot for this reader
    NO_SLOT = 0xFF

    version: int
    capabilities: int
    psm: int
    slot: int

    @classmethod
    def decode(cls, value: bytes) -> "Info":
        if len(value) < cls.LAYOUT.size:
            raise Failure(f"INFO of {len(value)} bytes: {value.hex()}")
        return cls(*cls.LAYOUT.unpack_from(value))


def crc32c(data: bytes) -> int:
    """Castagnoli, as in RFC 3720 section 12.1."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


@dataclasses.dataclass
class Frame:
    """One datagram of a link: a header of 6 bytes, a body, a check sum of both."""

    HEADER = struct.Struct(">BBHH")  # version and type, flags and stream, session, sequence
    PARAMETERS = struct.Struct(">BHHI")  # the body of OPEN: version, largest frame, window in frames, largest message
    ACKNOWLEDGEMENT = struct.Struct(">QH")  # the body of ACK: bitmap, credit in frames
    CHECK_SUM = struct.Struct(">I")
    VERSION = 1
    OPEN, OPEN_ACK, DATA, ACK, CLOSE = 1, 2, 3, 4, 5
    FIRST, LAST, ACK_REQ = 0x80, 0x40, 0x20
    NAMES = {OPEN: "OPEN", OPEN_ACK: "OPEN_ACK", DATA: "DATA", ACK: "ACK", CLOSE: "CLOSE"}

    type: int
    session: int
    sequence: int
    body: bytes
    flags: int = 0

    def encoded(self) -> bytes:
        content = self.HEADER.pack(self.VERSION << 4 | self.type, self.flags, self.session, self.sequence) + self.body
        return content + self.CHECK_SUM.pack(crc32c(content))

    @classmethod
    def decode(cls, datagram: bytes) -> "Frame":
        content, trailer = datagram[: -cls.CHECK_SUM.size], datagram[-cls.CHECK_SUM.size :]
        if len(content) < cls.HEADER.size or crc32c(content) != cls.CHECK_SUM.unpack(trailer)[0]:
            raise Failure(f"not a frame: {datagram.hex()}")
        version_and_type, flags, session, sequence = cls.HEADER.unpack_from(content)
        if version_and_type >> 4 != cls.VERSION or version_and_type & 0x0F not in cls.NAMES:
            raise Failure(f"a frame of another version or type: {datagram.hex()}")
        return cls(version_and_type & 0x0F, session, sequence, content[cls.HEADER.size :], flags)


class Stranger:
    def __init__(self, central: Central) -> None:
        self.central = central
        self.session = secrets.randbelow(1 << 16)
        self.largest_frame = 0

    async def attach(self) -> None:
        """Finds the service, reads INFO and takes the slot that it names."""
        await self.central.connect((await self.central.find(SERVICE, FIND_SECONDS)).address)
        service = await self.central.service(SERVICE)
        self.central.characteristic(service, CONTROL)  # is there, and a stranger needs nothing of it
        value = bytes(await self.central.characteristic(service, INFO).read_value())
        info = Info.decode(value)
        say(f"INFO {value.hex()}: {info}")
        if not 0 <= info.slot < SLOT_COUNT:
            raise Failure("INFO names no slot")
        self.incoming = await self.central.notifications(self.central.characteristic(service, TX_SLOTS[info.slot]))
        self.outgoing = self.central.characteristic(service, RX_SLOTS[info.slot])
        self.largest_frame = min(self.central.peer.connection.att_mtu - 3, 495)
        say(f"subscribed TX slot {info.slot}")

    async def send(self, frame: Frame) -> None:
        await self.outgoing.write_value(frame.encoded(), with_response=False)

    async def receive(self, seconds: float) -> Frame | None:
        """The next frame of this session; None when the link is gone. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                datagram = asyncio.ensure_future(self.incoming.get())
                gone = asyncio.ensure_future(self.central.disconnected.wait())
                done, pending = await asyncio.wait({datagram, gone}, return_when=asyncio.FIRST_COMPLETED)
                for task in pending:
                    task.cancel()
                if datagram not in done:
                    return None
                frame = Frame.decode(bytes(datagram.result()))
                if frame.session == self.session:  # notifications may be for others
                    say(f"received {Frame.NAMES[frame.type]}, {len(frame.body)} bytes")
                    return frame

    async def open(self) -> None:
        """OPEN until OPEN_ACK: bluetoothd may mangle the first frame on a slot."""
        parameters = Frame.PARAMETERS.pack(1, self.largest_frame, 16, 1 << 20)
        for _ in range(OPEN_DEADLINE_SECONDS // OPEN_INTERVAL_SECONDS):
            await self.send(Frame(Frame.OPEN, self.session, 0, parameters))
            try:
                answer = await self.receive(OPEN_INTERVAL_SECONDS)
            except TimeoutError:
                continue
            if answer is None:
                raise Failure("disconnected instead of OPEN_ACK")
            if answer.type == Frame.OPEN_ACK:
                say(f"open, the peer takes {Frame.PARAMETERS.unpack(answer.body)}")
                return
            raise Failure(f"{Frame.NAMES[answer.type]} instead of OPEN_ACK")
        raise Failure("no OPEN_ACK")

    async def is_refused(self) -> None:
        """Sends a first message that no key made, and waits for the link to end without an answer."""
        message = secrets.token_bytes(FIRST_MESSAGE_BYTES)
        await self.send(Frame(Frame.DATA, self.session, 0, message, Frame.FIRST | Frame.LAST | Frame.ACK_REQ))
        say(f"sent a first message of {len(message)} bytes")
        async with asyncio.timeout(REFUSAL_DEADLINE_SECONDS):
            while (frame := await self.receive(REFUSAL_DEADLINE_SECONDS)) is not None:
                if frame.type == Frame.DATA:
                    raise Failure(f"a stranger was answered: {frame.body.hex()}")
                if frame.type == Frame.CLOSE:
                    break
        say("refused")


async def main(port: str) -> None:
    stranger = Stranger(await Central.at(port))
    try:
        await stranger.attach()
        await stranger.open()
        await stranger.is_refused()
    except TimeoutError:
        raise Failure("the peer neither answered nor ended the link") from None
    await stranger.central.disconnect()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1]))
    except Failure as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        os._exit(1)  # bumble leaves tasks behind that would wait for the link
