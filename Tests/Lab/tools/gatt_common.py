"""The lab's own GATT service, spoken by gatt_server.py and gatt_client.py through bluetoothd's D-Bus interface."""

import sys
import time
from typing import Any

import dbus
import dbus.mainloop.glib

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
ADVERTISEMENT = "org.bluez.LEAdvertisement1"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"

SERVICE_UUID = "1ab00001-5c0a-4c4e-9d3c-2f6a0b1e5c5c"
GREETING_UUID = "1ab00002-5c0a-4c4e-9d3c-2f6a0b1e5c5c"  # read: GREETING
WRITE_UUID = "1ab00003-5c0a-4c4e-9d3c-2f6a0b1e5c5c"  # write without response: comes back on NOTIFY_UUID
NOTIFY_UUID = "1ab00004-5c0a-4c4e-9d3c-2f6a0b1e5c5c"
GREETING = b"the lab is on the air"
NO_OPTIONS = dbus.Dictionary({}, signature="sv")

start = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - start:7.3f} {text}", flush=True)


def fail(text: str) -> None:
    say(f"error: {text}")
    sys.exit(1)


def system_bus() -> dbus.SystemBus:
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    return dbus.SystemBus()


def interface(bus: dbus.SystemBus, path: str, name: str) -> dbus.Interface:
    return dbus.Interface(bus.get_object(BLUEZ, path, introspect=False), name)


def managed_objects(bus: dbus.SystemBus) -> dict[str, dict[str, dict[str, Any]]]:
    return interface(bus, "/", OBJECT_MANAGER).GetManagedObjects()
