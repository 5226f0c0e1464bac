#!/usr/bin/python3
"""Advertises the lab's service and sends back whatever is written to it. Prints "serving" when it is on the air."""

import argparse
import socket
from typing import Any

import dbus
import dbus.service
from gi.repository import GLib
from gatt_common import (
    ADVERTISEMENT, BLUEZ, CHARACTERISTIC, NO_OPTIONS, OBJECT_MANAGER, PROPERTIES, SERVICE, fail, interface, say, system_bus,
)  # fmt: skip
from lab_service import GREETING, GREETING_UUID, NOTIFY_UUID, SERVICE_UUID, WRITE_UUID

APPLICATION_PATH = "/lab"
SERVICE_PATH = "/lab/service"
MAXIMUM_VALUE_BYTES = 512


def packet_pair() -> tuple[socket.socket, socket.socket]:
    # A blocking descriptor in bluetoothd's hands can stop Bluetooth for the whole machine.
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)


class Echo:
    """Carries frames from the socket of the write characteristic to the one of the notify characteristic."""

    notifications: socket.socket | None = None

    def writes_acquired(self) -> socket.socket:
        own, theirs = packet_pair()
        GLib.io_add_watch(own.fileno(), GLib.IO_IN | GLib.IO_HUP, self.readable, own)
        return theirs

    def notifications_acquired(self) -> socket.socket:
        self.notifications, theirs = packet_pair()
        return theirs

    def readable(self, _fd: int, _condition: int, own: socket.socket) -> bool:
        frame = own.recv(MAXIMUM_VALUE_BYTES)
        if not frame:
            own.close()
            return False
        if self.notifications:
            try:
                self.notifications.send(frame)
            except OSError as error:
                say(f"frame not notified: {error}")
        return True


class Exported(dbus.service.Object):
    """A D-Bus object with the properties of one interface."""

    def __init__(self, bus: dbus.SystemBus, path: str, interface_name: str, values: dict[str, Any]) -> None:
        super().__init__(bus, path)
        self.path, self.interface_name, self.values = path, interface_name, values

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, _interface: str) -> dict[str, Any]:
        return self.values


class Advertisement(Exported):
    @dbus.service.method(ADVERTISEMENT)
    def Release(self) -> None:
        say("advertisement released")


class Characteristic(Exported):
    def __init__(
        self, bus: dbus.SystemBus, name: str, uuid: str, flags: list[str], values: dict[str, Any], echo: Echo
    ) -> None:
        properties = {
            "UUID": uuid,
            "Service": dbus.ObjectPath(SERVICE_PATH),
            "Flags": dbus.Array(flags, signature="s"),
            **values,
        }
        super().__init__(bus, f"{SERVICE_PATH}/{name}", CHARACTERISTIC, properties)
        self.echo = echo

    @dbus.service.method(CHARACTERISTIC, in_signature="a{sv}", out_signature="ay")
    def ReadValue(self, _options: dict[str, Any]) -> dbus.ByteArray:
        return dbus.ByteArray(GREETING)

    @dbus.service.method(CHARACTERISTIC, in_signature="a{sv}", out_signature="hq")
    def AcquireWrite(self, options: dict[str, Any]) -> tuple[dbus.types.UnixFd, int]:
        say(f"write acquired, MTU {int(options['mtu'])}")
        return dbus.types.UnixFd(self.echo.writes_acquired()), options["mtu"]

    @dbus.service.method(CHARACTERISTIC, in_signature="a{sv}", out_signature="hq")
    def AcquireNotify(self, options: dict[str, Any]) -> tuple[dbus.types.UnixFd, int]:
        say(f"notify acquired, MTU {int(options['mtu'])}")
        return dbus.types.UnixFd(self.echo.notifications_acquired()), options["mtu"]


class Application(dbus.service.Object):
    def __init__(self, bus: dbus.SystemBus, children: list[Exported]) -> None:
        super().__init__(bus, APPLICATION_PATH)
        self.children = children

    @dbus.service.method(OBJECT_MANAGER, out_signature="a{oa{sa{sv}}}")
    def GetManagedObjects(self) -> dict[str, dict[str, dict[str, Any]]]:
        return {dbus.ObjectPath(child.path): {child.interface_name: child.values} for child in self.children}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", default="hci0")
    adapter = f"/org/bluez/{parser.parse_args().adapter}"
    bus, echo, no = system_bus(), Echo(), dbus.Boolean(False)
    children: list[Exported] = [
        Exported(bus, SERVICE_PATH, SERVICE, {"UUID": SERVICE_UUID, "Primary": dbus.Boolean(True)}),
        Characteristic(bus, "greeting", GREETING_UUID, ["read"], {}, echo),
        Characteristic(bus, "write", WRITE_UUID, ["write-without-response"], {"WriteAcquired": no}, echo),
        Characteristic(bus, "notify", NOTIFY_UUID, ["notify"], {"NotifyAcquired": no}, echo),
    ]
    application = Application(bus, children)
    advertised = {"Type": "peripheral", "ServiceUUIDs": dbus.Array([SERVICE_UUID], signature="s")}
    advertisement = Advertisement(bus, "/lab/advertisement", ADVERTISEMENT, advertised)

    def refused(error: dbus.DBusException) -> None:
        fail(str(error))

    def registered() -> None:
        interface(bus, adapter, "org.bluez.LEAdvertisingManager1").RegisterAdvertisement(
            dbus.ObjectPath(advertisement.path), NO_OPTIONS, reply_handler=lambda: say("serving"), error_handler=refused
        )

    # bluetoothd calls back while it registers, so waiting for its answer here would be a deadlock.
    interface(bus, adapter, "org.bluez.GattManager1").RegisterApplication(
        dbus.ObjectPath(APPLICATION_PATH), NO_OPTIONS, reply_handler=registered, error_handler=refused
    )
    bus.watch_name_owner(BLUEZ, lambda owner: None if owner else fail("bluetoothd is gone"))
    assert application
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
