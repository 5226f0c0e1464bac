#!/usr/bin/python3
"""What a trace of the kernel (`guest_starts --trace`) says of a link: frames and bytes, and how long they would take.

usage: airtime.py BTSNOOP [--interval MILLISECONDS]

Prints JSON. Counted are the frames of this project's links in both directions, as one adapter sent and received them: packets of
L2CAP channels, and values of ATT writes and notifications.

`airtime` is a model of the largest transfer in one direction over a channel: from its first full frame to its last, on a radio
with data length extension (251 bytes in a link-layer packet) at 1M and at 2M, in connection events of the interval. A packet
that is answered by an empty one takes T(n) + 150 + T(0) + 150 us, with T(n) = 8 (10 + n) us at 1M and 4 (11 + n) at 2M; an event
takes what fits, and what came in it is answered in the next. A frame waits for what it needs: the link's window (16 frames, one
more for each that was acknowledged, up to the credit), an acknowledgement for what it acknowledges, the receiver's other frames
for all that had come before them, and the sender for those that it had had: for the session's credit (short frames) when it is 64 KiB
ahead of what it was given for, for requests (longer ones) at once. Both ends' adapters, hci0 and hci1, are in the trace. `share`
compares with the limit: packets of 1,974 bytes without a pause, as many of their segments in an event as fit.
"""

import argparse
import json
import struct
import sys
from collections import deque
from dataclasses import dataclass, field

OPEN, OPEN_ACK, DATA, ACK, CLOSE = range(1, 6)
FRAME_OVERHEAD = 10
FULL_FRAME = 1974
SEGMENT = 247
HEADER = 4
SPACE_US = 150
WINDOW_START, WINDOW_CEILING = 16, 96
CREDIT = 65536
CREDIT_FRAME = 60  # bytes: the session's own, or a notice; a request names something by a hash of 32
MESSAGE = 8192
SIGNALS, ATTRIBUTES, ENHANCED_ATTRIBUTES = 5, 4, 0x27
PHYS = {"1M": lambda count: 8 * (10 + count), "2M": lambda count: 4 * (11 + count)}


@dataclass
class Frame:
    sent: bool  # by the adapter whose trace it is
    bearer: str
    data: bytes

    @property
    def kind(self) -> int:
        return self.data[0] & 15

    @property
    def sequence(self) -> int:
        return struct.unpack_from(">H", self.data, 4)[0]

    @property
    def is_resent(self) -> bool:
        return self.kind == DATA and bool(self.data[1] & 0x10)


@dataclass
class Link:
    """One connection: packets that are not complete, and the channels that were opened."""

    partial: dict[bool, bytes] = field(default_factory=dict)
    asked: dict[tuple[bool, int], tuple[int, int]] = field(default_factory=dict)
    channels: dict[tuple[bool, int], int] = field(default_factory=dict)  # (sent, channel id) → PSM
    segments: dict[tuple[bool, int], tuple[int, bytes]] = field(default_factory=dict)


def records(path: str):
    """(adapter, opcode, data) of each record."""
    with open(path, "rb") as file:
        magic, _, kind = struct.unpack(">8sII", file.read(16))
        if magic != b"btsnoop\0" or kind != 2001:
            sys.exit(f"error: {path} is no trace of the kernel")
        while len(head := file.read(24)) == 24:
            _, size, flags, _, _ = struct.unpack(">IIIIQ", head)
            yield flags >> 16, flags & 0xFFFF, file.read(size)


def frames(path: str, of_adapter: int = 0) -> list[Frame]:
    """As one of the adapters sent and received them."""
    found: list[Frame] = []
    links: dict[int, Link] = {}
    for adapter, opcode, data in records(path):
        if adapter != of_adapter or opcode not in (4, 5) or len(data) < 4:
            continue
        sent = opcode == 4
        handle, _ = struct.unpack_from("<HH", data)
        link = links.setdefault(handle & 0xFFF, Link())
        if handle >> 12 & 3 != 1:
            link.partial[sent] = b""
        packet = link.partial.get(sent, b"") + data[4:]
        link.partial[sent] = packet
        if len(packet) < HEADER or len(packet) < HEADER + (size := struct.unpack_from("<H", packet)[0]):
            continue
        channel = struct.unpack_from("<H", packet, 2)[0]
        take(link, sent, channel, packet[HEADER : HEADER + size], found)
        link.partial[sent] = b""
    return found


def take(link: Link, sent: bool, channel: int, body: bytes, found: list[Frame]) -> None:
    if channel == SIGNALS:
        signal(link, sent, body)
    elif channel == ATTRIBUTES:
        attribute(sent, body, found)
    elif (sent, channel) in link.channels:
        if (sent, channel) not in link.segments:
            link.segments[sent, channel] = (struct.unpack_from("<H", body)[0], b"")
            body = body[2:]
        size, packet = link.segments[sent, channel]
        packet += body
        if len(packet) < size:
            link.segments[sent, channel] = (size, packet)
            return
        del link.segments[sent, channel]
        if link.channels[sent, channel] == ENHANCED_ATTRIBUTES:
            attribute(sent, packet, found)
        else:
            add(sent, "l2cap", packet, found)


def signal(link: Link, sent: bool, body: bytes) -> None:
    code, identifier, _ = struct.unpack_from("<BBH", body)
    if code in (0x14, 0x17):  # a request for one channel, or for several
        psm = struct.unpack_from("<H", body, 4)[0]
        sources = body[6:8] if code == 0x14 else body[12:]
        for index in range(len(sources) // 2):
            source = struct.unpack_from("<H", sources, 2 * index)[0]
            link.asked[sent, identifier << 8 | index] = (psm, source)
    elif code in (0x15, 0x18):
        result = struct.unpack_from("<H", body, 12 if code == 0x15 else 10)[0]
        targets = body[4:6] if code == 0x15 else body[12:]
        for index in range(len(targets) // 2):
            target = struct.unpack_from("<H", targets, 2 * index)[0]
            psm, source = link.asked.pop((not sent, identifier << 8 | index), (0, 0))
            if psm and target and result == 0:
                # Who asked sends to the target, who answered to the source.
                for key in ((not sent, target), (sent, source)):
                    link.channels[key] = psm
                    link.segments.pop(key, None)


def attribute(sent: bool, body: bytes, found: list[Frame]) -> None:
    if len(body) > 3 and body[0] in (0x52, 0x12, 0x1B):  # write command, write request, notification
        add(sent, "gatt", body[3:], found)
    elif body[:1] == b"\x23":  # several notifications: a handle, a length and a value each
        rest = body[1:]
        while len(rest) > 4:
            size = struct.unpack_from("<H", rest, 2)[0]
            add(sent, "gatt", rest[4 : 4 + size], found)
            rest = rest[4 + size :]


def add(sent: bool, bearer: str, data: bytes, found: list[Frame]) -> None:
    if len(data) >= FRAME_OVERHEAD and data[0] >> 4 == 1 and OPEN <= data[0] & 15 <= CLOSE:
        found.append(Frame(sent, bearer, data))


def airtime_us(size: int, phy) -> list[int]:
    """Of each link-layer packet that a channel's packet of `size` bytes takes, with its half of the exchange."""
    rest, costs = size + 2, []
    while rest > 0:
        costs.append(phy(min(rest, SEGMENT) + HEADER) + SPACE_US)
        rest -= SEGMENT
    return costs


def limit(phy, interval_us: int) -> float:
    """Bytes a second of full packets, one after the other."""
    costs = [cost + phy(0) + SPACE_US for cost in airtime_us(FULL_FRAME, phy)]
    segments = interval_us // costs[0]
    return segments * FULL_FRAME / len(costs) / interval_us * 1e6


@dataclass
class Transfer:
    """The largest transfer over channels: all frames between its first and its last full one."""

    sent: list[Frame]  # by its sender
    answers: list[Frame]  # by its receiver
    answers_had: list[int]  # for each frame that was sent, how many answers its sender had had
    sent_had: list[int]  # for each answer, how many frames its sender had had


def bulk(path: str) -> Transfer | None:
    views = [[frame for frame in frames(path, adapter) if frame.bearer == "l2cap"] for adapter in (0, 1)]
    full = [[i for i, frame in enumerate(view) if frame.sent and len(frame.data) == FULL_FRAME] for view in views]
    sender = 0 if len(full[0]) >= len(full[1]) else 1
    if not full[sender]:
        return None
    first, last = full[sender][0], full[sender][-1]
    view, other = views[sender][first : last + 1], views[1 - sender]
    before = [sum(frame.sent == sent for frame in views[sender][:first]) for sent in (True, False)]
    result = Transfer([], [], [], [])
    for frame in view:
        if frame.sent:
            result.sent.append(frame)
            result.answers_had.append(len(result.answers))
        else:
            result.answers.append(frame)
    had = answered = 0
    for frame in other:
        if not frame.sent:
            had += 1
            continue
        answered += 1
        if before[1] < answered <= before[1] + len(result.answers):
            result.sent_had.append(max(0, had - before[0]))
    if len(result.sent_had) < len(result.answers):
        sys.exit("error: the two adapters' records differ: some are missing")
    return result


class Air:
    """Frames of both sides on the modelled air, each as soon as the trace's rules let it go."""

    def __init__(self, transfer: Transfer, phy):
        self.phy = phy
        self.on_air: dict[bool, deque[int]] = {True: deque(), False: deque()}
        self.arrived: list[tuple[bool, Frame, int, int, int, int]] = []
        # Of each frame: how many data frames and bytes of the sender stand before it, and how many data frames and requests
        # of the receiver. Sequence numbers only count.
        self.queues: dict[bool, deque[tuple[Frame, int, int, int, int]]] = {True: deque(), False: deque()}
        data = [(frame.kind == DATA and not frame.is_resent, len(frame.data)) for frame in transfer.sent]
        counts, sizes = [0], [0]
        for is_new, size in data:
            counts.append(counts[-1] + is_new)
            sizes.append(sizes[-1] + is_new * size)
        replies, requests = [0], [0]
        for frame in transfer.answers:
            replies.append(replies[-1] + (frame.kind == DATA and not frame.is_resent))
            requests.append(requests[-1] + self.is_request(frame))
        first = next(frame.sequence for frame in transfer.sent if frame.kind == DATA)
        for index, frame in enumerate(transfer.sent):
            had = transfer.answers_had[index]
            self.queues[True].append((frame, counts[index], sizes[index], replies[had], requests[had]))
        for index, frame in enumerate(transfer.answers):
            had = transfer.sent_had[index]
            number = counts[had]
            if frame.kind == ACK:
                number += ((frame.sequence - first - number + 0x8000) & 0xFFFF) - 0x8000
            self.queues[False].append((frame, number, sizes[had], replies[index + 1], requests[index + 1]))
        self.window, self.acknowledged, self.edge = WINDOW_START, 0, WINDOW_START
        self.arrived_count = self.arrived_size = self.granted_size = self.heard = self.answered = 0

    @staticmethod
    def is_request(frame: Frame) -> bool:
        return frame.kind == DATA and not frame.is_resent and len(frame.data) > CREDIT_FRAME

    def is_done(self) -> bool:
        return not self.queues[True]

    def may_go(self, side: bool) -> bool:
        if self.on_air[side]:
            return True
        if not self.queues[side]:
            return False
        frame, number, size, replies, requests = self.queues[side][0]
        if side:
            if frame.kind == DATA and not frame.is_resent:
                within_window = number < min(self.acknowledged + self.window, self.edge)
                within_credit = size < self.granted_size + CREDIT or replies <= self.heard
                if not within_window or not within_credit or requests > self.answered:
                    return False
        elif frame.kind == ACK and number > self.arrived_count or frame.kind == DATA and size > self.arrived_size:
            return False
        self.on_air[side].extend(airtime_us(len(frame.data), self.phy))
        return True

    def take_in(self) -> None:
        """What arrived in an event is answered in the next one at the earliest."""
        for side, frame, number, size, replies, requests in self.arrived:
            if side:
                if frame.kind == DATA and not frame.is_resent:
                    self.arrived_count, self.arrived_size = number + 1, size + len(frame.data)
            elif frame.kind == ACK:
                self.window = min(WINDOW_CEILING, self.window + max(0, number - self.acknowledged))
                self.acknowledged = max(self.acknowledged, number)
                self.edge = max(self.edge, number + struct.unpack_from(">H", frame.data, 14)[0])
            else:
                self.granted_size = max(self.granted_size, size - MESSAGE)
                self.heard, self.answered = replies, requests
        self.arrived = []

    def exchange(self, left_us: int) -> int:
        """A packet from each side: how long it takes, or 0 when neither has one or there is no time."""
        empty = self.phy(0) + SPACE_US
        sides = [side for side in (True, False) if self.may_go(side)]
        cost = sum(self.on_air[side][0] for side in sides) + empty * (2 - len(sides))
        if not sides or cost > left_us:
            return 0
        for side in sides:
            self.on_air[side].popleft()
            if not self.on_air[side]:
                self.arrived.append((side, *self.queues[side].popleft()))
        return cost

    def duration_us(self, interval_us: int) -> int:
        """How long it takes until the sender's last frame has arrived."""
        event = 0
        while True:
            now, end = event, event + interval_us
            while cost := self.exchange(end - now):
                now += cost
                if self.is_done():
                    return now
            if now == event and not self.arrived:
                sys.exit("error: the trace's frames wait for each other")
            self.take_in()
            event = end


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("trace")
    parser.add_argument("--interval", type=float, default=50)
    options = parser.parse_args()
    found = frames(options.trace)
    report = {}
    for bearer in ("l2cap", "gatt"):
        of_bearer = [frame for frame in found if frame.bearer == bearer]
        report[bearer] = {
            "frames": len(of_bearer),
            "bytes": sum(len(frame.data) for frame in of_bearer),
            "acknowledgements": sum(frame.kind == ACK for frame in of_bearer),
            "resent": sum(frame.is_resent for frame in of_bearer),
            "resentBytes": sum(len(frame.data) for frame in of_bearer if frame.is_resent),
            "largest": max((len(frame.data) for frame in of_bearer), default=0),
        }
    if (transfer := bulk(options.trace)) is not None:
        size = sum(len(frame.data) - FRAME_OVERHEAD for frame in transfer.sent if frame.kind == DATA)
        report["airtime"] = {"bytes": size, "interval": options.interval}
        for name, phy in PHYS.items():
            interval_us = round(options.interval * 1000)
            rate = size / Air(transfer, phy).duration_us(interval_us) * 1e6
            most = limit(phy, interval_us)
            report["airtime"][name] = {
                "kB/s": round(rate / 1000, 1),
                "limit kB/s": round(most / 1000, 1),
                "share": round(rate / most, 4),
            }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
