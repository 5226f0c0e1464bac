"""Uses the object that a test exports, as any Python program would. Prints one line for each thing that it did."""
import os

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
proxy = bus.get_object("org.example.Swift", "/org/example/Swift/thing")
thing = dbus.Interface(proxy, "org.example.Thing")
properties = dbus.Interface(proxy, "org.freedesktop.DBus.Properties")
manager = dbus.Interface(bus.get_object("org.example.Swift", "/org/example/Swift"), "org.freedesktop.DBus.ObjectManager")


def attempt(label, action):
    try:
        print(label, action(), flush=True)
    except dbus.DBusException as error:
        print(label, error.get_dbus_name(), flush=True)


changes = []
bus.add_signal_receiver(
    lambda interface, changed, invalidated: changes.append((str(interface), dict(changed), list(invalidated))),
    "PropertiesChanged", "org.freedesktop.DBus.Properties", path="/org/example/Swift/thing")

attempt("concat", lambda: thing.Concat("a", "b"))
attempt("fail", lambda: thing.Fail())
attempt("missing", lambda: thing.Missing())
attempt("types", lambda: proxy.get_dbus_method("Concat", "org.example.Thing")(dbus.UInt32(1), signature="u"))
attempt("undeclared", lambda: thing.Undeclared())
attempt("get", lambda: int(properties.Get("org.example.Thing", "Level")))
attempt("absent", lambda: properties.Get("org.example.Thing", "Absent"))
attempt("all", lambda: sorted(str(key) for key in properties.GetAll("org.example.Thing")))
attempt("readonly", lambda: properties.Set("org.example.Thing", "Name", "x"))
attempt("settype", lambda: properties.Set("org.example.Thing", "Level", "x"))
attempt("set", lambda: properties.Set("org.example.Thing", "Level", dbus.UInt32(9)))
attempt("managed", lambda: sorted(str(path) for path in manager.GetManagedObjects()))
attempt("ping", lambda: dbus.Interface(proxy, "org.freedesktop.DBus.Peer").Ping())
attempt("object", lambda: dbus.Interface(bus.get_object("org.example.Swift", "/nothing", introspect=False), "a.b").C())

reader, writer = os.pipe()
os.write(writer, b"through a pipe")
os.close(writer)
attempt("read", lambda: str(thing.Read(dbus.types.UnixFd(reader))))

received = thing.Socket()
descriptor = received.take()
os.write(descriptor, b"x" * 300)
os.close(descriptor)

context = GLib.MainContext.default()
while not changes:
    context.iteration(True)
print("changed", changes[0][0], int(changes[0][1]["Level"]), [str(name) for name in changes[0][2]], flush=True)
