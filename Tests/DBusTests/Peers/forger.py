"""Sends a signal that looks like the echo service's, to one connection and to all. Argument: the connection's name."""
import sys

import dbus
import dbus.lowlevel

bus = dbus.SessionBus()
for destination in (sys.argv[1], None):
    signal = dbus.lowlevel.SignalMessage("/org/example/Echo", "org.example.Echo", "Tick")
    if destination:
        signal.set_destination(destination)
    signal.append(dbus.UInt32(666), signature="u")
    bus.send_message(signal)
bus.flush()
# A round trip through the bus: what was sent before has been passed on.
bus.get_object("org.freedesktop.DBus", "/org/freedesktop/DBus").GetId(dbus_interface="org.freedesktop.DBus")
print("sent", flush=True)
