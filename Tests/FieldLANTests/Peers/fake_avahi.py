"""Behaves like avahi-daemon on the session bus, as far as one service type goes, and does what a test tells it.

The test's own calls have the interface org.example.Fake.
"""
import struct
import sys

import dbus
import dbus.lowlevel
import dbus.mainloop.glib
from gi.repository import GLib

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
loop = GLib.MainLoop()
bus = dbus.SessionBus()

AVAHI = "org.freedesktop.Avahi"
SERVER, GROUP = AVAHI + ".Server", AVAHI + ".EntryGroup"
BROWSER, RESOLVER = AVAHI + ".ServiceBrowser", AVAHI + ".ServiceResolver"
RUNNING, ESTABLISHED, COLLISION = 2, 2, 3
SERVICE = 33

pending = {}  # group → records that were added since its last reset
published = {}  # group → those that were committed
peers = {}  # name → arguments of its Found signal after the name, type and domain
resolvers = {}  # path → name
browsers = []
refused = []  # names whose records are refused
resolver_limit = 1000  # resolvers at once, as avahi-daemon's objects-per-client-max
counter = 0


def reply(call, *arguments, signature=None):
    message = dbus.lowlevel.MethodReturnMessage(call)
    if arguments:
        message.append(*arguments, signature=signature)
    bus.send_message(message)


def fail(call, name, text):
    bus.send_message(dbus.lowlevel.ErrorMessage(call, name, text))


def emit(path, interface, member, *arguments, signature):
    signal = dbus.lowlevel.SignalMessage(path, interface, member)
    if arguments:
        signal.append(*arguments, signature=signature)
    bus.send_message(signal)


def new_path(kind):
    global counter
    counter += 1
    return f"/Client0/{kind}{counter}"


def item(path, member, name):
    emit(path, BROWSER, member, 2, 0, name, "_fieldsync._tcp", "local", 4, signature="iisssu")


def instances():
    """Names under which a service was published."""
    services = [record for records in published.values() for record in records if record[1] == SERVICE]
    return sorted(name.split(".")[0] for name, _, _ in services)


def found(path, name):
    address, port, text = peers[name]
    emit(path, RESOLVER, "Found", 2, 0, name, "_fieldsync._tcp", "local", "pc.local", 0, address, dbus.UInt16(port),
         dbus.Array(text, signature="ay"), dbus.UInt32(4), signature="iissssisqaayu")  # fmt: skip


def server(call, member, arguments):
    if member == "GetState":
        reply(call, RUNNING, signature="i")
    elif member == "GetHostNameFqdn":
        reply(call, "pc.local", signature="s")
    elif member == "EntryGroupNew":
        path = new_path("EntryGroup")
        pending[path] = []
        reply(call, dbus.ObjectPath(path), signature="o")
    elif member == "ServiceBrowserNew":
        path = new_path("ServiceBrowser")
        browsers.append(path)
        reply(call, dbus.ObjectPath(path), signature="o")
        for name in [*peers, *instances()]:
            item(path, "ItemNew", name)
    elif member == "ServiceResolverNew":
        if len(resolvers) >= resolver_limit:
            return fail(call, AVAHI + ".TooManyObjectsError", "Too many objects")
        path = new_path("ServiceResolver")
        resolvers[path] = str(arguments[2])
        reply(call, dbus.ObjectPath(path), signature="o")
        if resolvers[path] in peers:
            found(path, resolvers[path])
    else:
        fail(call, "org.freedesktop.DBus.Error.UnknownMethod", member)


def group(call, path, member, arguments):
    if member == "AddRecord":
        name, kind = str(arguments[3]), int(arguments[5])
        if name.split(".")[0] in refused:
            return fail(call, AVAHI + ".CollisionError", "Local name collision")
        if int(arguments[2]) & 64:  # an update of what is published
            published[path] = [record for record in published.get(path, []) if record[1] != kind]
            published[path].append((name, kind, bytes(arguments[7])))
        else:
            pending[path].append((name, kind, bytes(arguments[7])))
        reply(call)
    elif member == "Commit":
        published[path] = pending[path]
        reply(call)
        emit(path, GROUP, "StateChanged", ESTABLISHED, "", signature="is")
        for browser in browsers:
            for name, kind, _ in pending[path]:
                if kind == SERVICE:
                    item(browser, "ItemNew", name.split(".")[0])
    elif member == "Reset":
        pending[path] = []
        published.pop(path, None)
        reply(call)
    else:
        fail(call, "org.freedesktop.DBus.Error.UnknownMethod", member)


def fake(call, member, arguments):
    global resolver_limit
    if member == "Published":
        return reply(call, dbus.Array(instances(), signature="s"), signature="as")
    if member == "Ports":
        services = [record for records in published.values() for record in records if record[1] == SERVICE]
        ports = [struct.unpack_from(">H", data, 4)[0] for _, _, data in services]
        return reply(call, dbus.Array(ports, signature="q"), signature="aq")
    if member == "Collide":  # somebody on the network has had the name for longer
        for path in list(published):
            published.pop(path)
            emit(path, GROUP, "StateChanged", COLLISION, AVAHI + ".CollisionError", signature="is")
    elif member == "Resolvers":
        return reply(call, len(resolvers), signature="u")
    elif member == "LimitResolvers":
        resolver_limit = int(arguments[0])
    elif member == "Refuse":
        refused.append(str(arguments[0]))
    elif member == "Peer":
        name, address, port, text = arguments
        peers[str(name)] = (str(address), int(port), [bytes(string) for string in text])
        for browser in browsers:
            item(browser, "ItemNew", str(name))
    elif member == "Gone":
        peers.pop(str(arguments[0]), None)
        for browser in browsers:
            item(browser, "ItemRemove", str(arguments[0]))
    elif member == "Nonsense":  # signals that no avahi-daemon would send
        for path in browsers or ["/"]:
            emit(path, BROWSER, "ItemNew", "not an interface", signature="s")
            emit(path, BROWSER, "ItemRemove", 2, 0, signature="ii")
            emit(path, RESOLVER, "Found", 2, 0, "short", signature="iis")
            emit(path, RESOLVER, "Found", 2, 0, "kinds", "", "", "", 0, 5, "port", "text", 0, signature="iissssiissi")
            emit(path, GROUP, "StateChanged", "three", signature="s")
            emit("/", SERVER, "StateChanged", signature=None)
    reply(call)


def handle(_, message):
    if not isinstance(message, dbus.lowlevel.MethodCallMessage):
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    interface, member, path = message.get_interface(), message.get_member(), message.get_path()
    arguments = message.get_args_list()
    try:
        if interface == SERVER:
            server(message, member, arguments)
        elif interface == GROUP:
            group(message, path, member, arguments)
        elif interface == RESOLVER:
            if member == "Free":
                resolvers.pop(path, None)
            reply(message)
        elif interface == "org.example.Fake":
            fake(message, member, arguments)
        else:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    except Exception as error:
        print(repr(error), file=sys.stderr, flush=True)
        fail(message, "org.example.Fake.Mistake", repr(error))
    return dbus.lowlevel.HANDLER_RESULT_HANDLED


bus.add_message_filter(handle)
bus.request_name(AVAHI)
print("ready")
sys.stdout.flush()
loop.run()
