#!/usr/bin/python3
"""Finds the lab's service, connects, and sends frames there and back.

Prints one line per step with its time; exits with 1 and a reason when anything is not as it must be.
"""

import argparse
import select
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

import dbus
from gi.repository import GLib
from gatt_common import ADAPTER, CHARACTERISTIC, DEVICE, NO_OPTIONS, fail, interface, managed_objects, say, system_bus
from lab_service import (
    GREETING, GREETING_UUID, NOTIFY_UUID, OPENING, OPENING_INTERVAL_SECONDS, SERVICE_UUID, WRITE_UUID, is_of_opening,
)  # fmt: skip

EXPECTED_MTU = 517
FRAME_BYTES = 495
FRAME_COUNT = 40
MAXIMUM_VALUE_BYTES = 512
ANSWER_SECONDS = 60
CONNECT_SECONDS = 40
CONNECT_TRIES = 3
LOST_SECONDS = 300  # whoever ends the link may have more to do first
Found = TypeVar("Found")


def eventually(seconds: float, what: str, state: Callable[[], Found | None]) -> Found:
    """The first result of `state` that is not None, with D-Bus signals served in between."""
    context, limit = GLib.MainContext.default(), time.monotonic() + seconds
    while (found := state()) is None:
        if time.monotonic() > limit:
            fail(f"waited in vain for {what}")
        while context.iteration(False):
            pass
        time.sleep(0.05)
    return found


class Client:
    def __init__(self, adapter: str, find_seconds: float) -> None:
        self.bus = system_bus()
        self.adapter = f"/org/bluez/{adapter}"
        self.find_seconds = find_seconds
        self.device = ""
        self.incoming: socket.socket | None = None

    def objects_with(self, interface_name: str, uuid: str, below: str) -> list[str]:
        found = []
        for path, interfaces in managed_objects(self.bus).items():
            values = interfaces.get(interface_name, {})
            if path.startswith(below + "/") and uuid in (values.get("UUID"), *values.get("UUIDs", [])):
                found.append(str(path))
        return found

    def find(self) -> None:
        adapter = interface(self.bus, self.adapter, ADAPTER)
        for path in self.objects_with(DEVICE, SERVICE_UUID, self.adapter):
            adapter.RemoveDevice(dbus.ObjectPath(path))  # what an earlier run left says nothing about the air now
        wanted = {"Transport": "le", "DuplicateData": True, "UUIDs": dbus.Array([SERVICE_UUID], signature="s")}
        adapter.SetDiscoveryFilter(dbus.Dictionary(wanted, signature="sv"))
        adapter.StartDiscovery()
        found = eventually(
            self.find_seconds,
            "the advertisement",
            lambda: self.objects_with(DEVICE, SERVICE_UUID, self.adapter) or None,
        )
        self.device = found[0]
        adapter.StopDiscovery()
        say(f"found {self.device}")

    def property(self, name: str) -> Any:
        return managed_objects(self.bus).get(self.device, {}).get(DEVICE, {}).get(name)

    def connect(self) -> None:
        device = interface(self.bus, self.device, DEVICE)
        for last in (False,) * (CONNECT_TRIES - 1) + (True,):
            try:
                device.Connect(timeout=CONNECT_SECONDS)
                break
            except dbus.DBusException as error:  # a connection may fail; that all of them do is a fault
                say(f"not connected: {error}")
                if last:
                    fail("no connection")
        say("connected")
        eventually(ANSWER_SECONDS, "the services", lambda: True if self.property("ServicesResolved") else None)
        say("services resolved")

    def characteristic(self, uuid: str) -> dbus.Interface:
        paths = self.objects_with(CHARACTERISTIC, uuid, self.device)
        if not paths:
            fail(f"no characteristic {uuid}")
        return interface(self.bus, paths[0], CHARACTERISTIC)

    def read_greeting(self) -> None:
        value = bytes(self.characteristic(GREETING_UUID).ReadValue(NO_OPTIONS))
        if value != GREETING:
            fail(f"read {value!r}")
        say("read the greeting")

    def echo(self) -> None:
        notify_fd, notify_mtu = self.characteristic(NOTIFY_UUID).AcquireNotify(NO_OPTIONS)
        write_fd, write_mtu = self.characteristic(WRITE_UUID).AcquireWrite(NO_OPTIONS)
        if (notify_mtu, write_mtu) != (EXPECTED_MTU, EXPECTED_MTU):
            fail(f"MTU {int(notify_mtu)} and {int(write_mtu)}, not {EXPECTED_MTU}")
        say(f"acquired both, MTU {EXPECTED_MTU}")
        self.incoming = socket.socket(fileno=notify_fd.take())
        outgoing = socket.socket(fileno=write_fd.take())
        self.open(outgoing)
        frames = [index.to_bytes(2, "big") + bytes(FRAME_BYTES - 2) for index in range(FRAME_COUNT)]
        started = time.monotonic()
        for first in range(0, FRAME_COUNT, 8):
            self.exchange(outgoing, frames[first : first + 8])
        rate = FRAME_COUNT * FRAME_BYTES / (time.monotonic() - started) / 1000
        say(f"{FRAME_COUNT} frames of {FRAME_BYTES} bytes there and back, {rate:.0f} kB/s")

    def open(self, outgoing: socket.socket) -> None:
        """Writes the opening until it comes back as it was sent."""
        limit = time.monotonic() + ANSWER_SECONDS
        sent_count = 0
        while time.monotonic() < limit:
            outgoing.send(OPENING)
            sent_count += 1
            while (frame := self.next_frame(OPENING_INTERVAL_SECONDS)) is not None:
                if frame == OPENING:
                    say(f"opened; sent {sent_count} times")
                    return
                if not is_of_opening(frame):
                    fail(f"{frame[:16].hex()}… ({len(frame)} bytes) came back of the opening")
        fail(f"the opening, sent {sent_count} times, did not come back")

    def exchange(self, outgoing: socket.socket, frames: list[bytes]) -> None:
        for frame in frames:
            outgoing.send(frame)
        missing = set(frames)  # a set: with several ATT channels, bluetoothd reorders
        while missing:
            frame = self.next_frame(ANSWER_SECONDS)
            if frame is None:
                fail(f"{len(missing)} of {len(frames)} frames did not come back")
            if is_of_opening(frame):
                continue  # a late one
            if frame not in missing:
                fail(f"{frame[:16].hex()}… ({len(frame)} bytes) came back and was not sent")
            missing.remove(frame)

    def next_frame(self, seconds: float, may_end: bool = False) -> bytes | None:
        """None when nothing came in time; b"" at the link's end."""
        if not select.select([self.incoming], [], [], seconds)[0]:
            return None
        return self.incoming.recv(MAXIMUM_VALUE_BYTES) or (b"" if may_end else fail("the link went"))

    def wait_until_lost(self) -> None:
        say("waiting for the link to go")
        eventually(LOST_SECONDS, "the link to go", lambda: None if self.property("Connected") else True)
        while self.incoming and (frame := self.next_frame(ANSWER_SECONDS, may_end=True)) != b"":
            if frame is None or not is_of_opening(frame):
                fail("the notify descriptor did not end with the link")
        say("lost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", default="hci0")
    parser.add_argument("--find-seconds", type=float, default=30)
    parser.add_argument("--read-only", action="store_true", help="do not acquire the characteristics that carry frames")
    parser.add_argument("--until-lost", action="store_true", help="then wait for the link to go")
    options = parser.parse_args()
    client = Client(options.adapter, options.find_seconds)
    client.find()
    client.connect()
    client.read_greeting()
    if not options.read_only:
        client.echo()
    if options.until_lost:
        client.wait_until_lost()


if __name__ == "__main__":
    main()
