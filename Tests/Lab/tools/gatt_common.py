"""bluetoothd's D-Bus interface, as much of it as gatt_server.py and gatt_client.py share."""

import sys
import time
from typing import Any, NoReturn

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

NO_OPTIONS = dbus.Dictionary({}, signature="sv")

start = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - start:7.3f} {text}", flush=True)


def fail(text: str) -> NoReturn:
    say(f"error: {text}")
    sys.exit(1)


def system_bus() -> dbus.SystemBus:
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    return dbus.SystemBus()


def interface(bus: dbus.SystemBus, path: str, name: str) -> dbus.Interface:
    return dbus.Interface(bus.get_object(BLUEZ, path, introspect=False), name)


def managed_objects(bus: dbus.SystemBus) -> dict[str, dict[str, dict[str, Any]]]:
    return interface(bus, "/", OBJECT_MANAGER).GetManagedObjects()
