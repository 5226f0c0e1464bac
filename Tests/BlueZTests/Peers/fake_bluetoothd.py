"""Behaves like bluetoothd on the session bus, as far as D-Bus goes, and does what a test tells it.

The test's own calls have the interface org.example.Fake. Descriptors are real socket pairs. Two arguments are a member
whose first call fails, and the error's name.
"""
import os
import socket
import sys

import dbus
import dbus.lowlevel
import dbus.mainloop.glib
from gi.repository import GLib

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
loop = GLib.MainLoop()
bus = dbus.SessionBus()

OM = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
SERVICE, CHARACTERISTIC = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"
TREE = "a{oa{sa{sv}}}"

objects = {
    "/org/bluez": {"org.bluez.AgentManager1": {}},
    "/org/bluez/hci0": {
        ADAPTER: {
            "Address": "00:AA:01:00:00:42", "AddressType": "public", "Powered": dbus.Boolean(True),
            "Discovering": dbus.Boolean(False), "Roles": dbus.Array(["central", "peripheral"], signature="s"),
        },
        "org.bluez.GattManager1": {},
        "org.bluez.LEAdvertisingManager1": {},
    },
}
calls = []
failures = {sys.argv[1]: (sys.argv[2], "as told")} if len(sys.argv) > 2 else {}
applications = {}
advertisements = {}
unplugged = {}
sockets = {}
values = {}  # path → what ReadValue answers
awaited = set()  # members whose next call waits for its answer
held = {}  # member → such a call


def reply(call, *arguments, signature=None):
    message = dbus.lowlevel.MethodReturnMessage(call)
    message.append(*arguments, signature=signature)
    bus.send_message(message)


def fail(call, name, text):
    bus.send_message(dbus.lowlevel.ErrorMessage(call, name, text))


def emit(path, interface, member, *arguments, signature):
    signal = dbus.lowlevel.SignalMessage(path, interface, member)
    signal.append(*arguments, signature=signature)
    bus.send_message(signal)


def set_property(path, interface, name, value):
    objects[path][interface][name] = value
    emit(path, PROPERTIES, "PropertiesChanged", interface, {name: value}, [], signature="sa{sv}as")


def add(path, interfaces):
    objects.setdefault(path, {}).update(interfaces)
    emit("/", OM, "InterfacesAdded", path, interfaces, signature="oa{sa{sv}}")


def ask(call, destination, path, interface, member, arguments, signature, then):
    """Calls an object of an application, and passes an error on to who asked for it."""
    def failed(error):
        fail(call, error.get_dbus_name(), error.get_dbus_message() or "")
    bus.call_async(destination, path, interface, member, signature, arguments, then, failed, timeout=10)


def tree_of(call, sender, root, then):
    ask(call, sender, root, OM, "GetManagedObjects", (), "", then)


def fake(call, member, a):
    path = a[0] if a else None
    if member == "Add":
        add(str(path), a[1])
        reply(call)
    elif member == "Remove":
        for interface in a[1]:
            objects.get(str(path), {}).pop(str(interface), None)
        emit("/", OM, "InterfacesRemoved", path, a[1], signature="oas")
        reply(call)
    elif member == "Unplug":
        unplugged[str(path)] = objects.pop(str(path))
        applications.clear()
        advertisements.clear()
        emit("/", OM, "InterfacesRemoved", path, list(unplugged[str(path)]), signature="oas")
        reply(call)
    elif member == "Plug":
        interfaces = unplugged.pop(str(path))
        interfaces[ADAPTER]["Powered"], interfaces[ADAPTER]["Discovering"] = a[1], dbus.Boolean(False)
        add(str(path), interfaces)
        reply(call)
    elif member == "Set":
        set_property(str(path), str(a[1]), str(a[2]), a[3])
        reply(call)
    elif member == "Invalidate":
        emit(path, PROPERTIES, "PropertiesChanged", a[1], {}, [a[2]], signature="sa{sv}as")
        reply(call)
    elif member == "Fail":
        failures[str(a[0])] = (str(a[1]), str(a[2]))
        reply(call)
    elif member == "Hold":
        awaited.add(str(a[0]))
        reply(call)
    elif member == "Answer":
        # An error's name and text, or nothing when the call is to succeed.
        waiting = held.pop(str(a[0]))
        if str(a[1]):
            fail(waiting, str(a[1]), str(a[2]))
        else:
            reply(waiting)
        reply(call)
    elif member == "Value":
        values[str(path)] = bytes(a[1])
        reply(call)
    elif member == "Calls":
        reply(call, dbus.Array(calls, signature="s"), signature="as")
    elif member == "Tree":
        reply(call, applications[str(path)][1], signature=TREE)
    elif member == "Advertised":
        reply(call, advertisements[str(path)][1], signature="a{sv}")
    elif member == "Release":
        sender, _ = advertisements.pop(str(path))
        ask(call, sender, path, "org.bluez.LEAdvertisement1", "Release", (), "", lambda: reply(call))
    elif member == "PeerReads":
        ask(call, owner_of(path), path, CHARACTERISTIC, "ReadValue", (a[1],), "a{sv}",
            lambda value: reply(call, value, signature="ay"))
    elif member == "PeerWrites":
        ask(call, owner_of(path), path, CHARACTERISTIC, "WriteValue", (a[1], a[2]), "aya{sv}", lambda: reply(call))
    elif member == "Acquire":
        # AcquireWrite or AcquireNotify of our application's characteristic; the socket stays here.
        def acquired(descriptor, mtu):
            raw = descriptor.take()
            kept = socket.socket(fileno=raw)
            facts = (kept.type == socket.SOCK_SEQPACKET, not os.get_blocking(raw), int(mtu))
            kept.settimeout(10)
            sockets[str(path)] = kept
            reply(call, *facts, signature="bbu")
        ask(call, owner_of(path), path, CHARACTERISTIC, str(a[1]), (a[2],), "a{sv}", acquired)
    elif member == "SocketSend":
        for datagram in a[1]:
            sockets[str(path)].send(bytes(datagram))
        reply(call)
    elif member == "SocketReceive":
        datagrams = []
        while len(datagrams) < int(a[1]):
            datagrams.append(dbus.ByteArray(sockets[str(path)].recv(1024)))
        reply(call, datagrams, signature="aay")
    elif member == "SocketClose":
        sockets.pop(str(path)).close()
        reply(call)
    else:
        return False
    return True


def owner_of(path):
    return next(sender for sender, tree in applications.values() if path in tree)


def bluez(call, path, interface, member, a):
    calls.append(" ".join([path, member] + [str(argument) for argument in a]))
    if member in awaited:
        awaited.remove(member)
        held[member] = call
    elif member in failures:
        fail(call, *failures.pop(member))
    elif (interface, member) == (OM, "GetManagedObjects"):
        reply(call, dbus.Dictionary(objects, signature="oa{sa{sv}}"), signature=TREE)
    elif path not in objects:
        fail(call, "org.freedesktop.DBus.Error.UnknownObject", "no such object")
    elif (interface, member) == (PROPERTIES, "Set"):
        set_property(path, str(a[0]), str(a[1]), a[2])
        reply(call)
    elif member in ("SetDiscoveryFilter", "RemoveDevice", "WriteValue"):
        reply(call)
    elif member in ("StartDiscovery", "StopDiscovery"):
        set_property(path, ADAPTER, "Discovering", dbus.Boolean(member == "StartDiscovery"))
        reply(call)
    elif member == "Connect":
        set_property(path, DEVICE, "Connected", dbus.Boolean(True))
        reply(call)
        set_property(path, DEVICE, "ServicesResolved", dbus.Boolean(True))
    elif member == "Disconnect":
        set_property(path, DEVICE, "ServicesResolved", dbus.Boolean(False))
        set_property(path, DEVICE, "Connected", dbus.Boolean(False))
        reply(call)
    elif member == "ReadValue":
        reply(call, dbus.ByteArray(values.get(path, b"\x01\x02\x03")), signature="ay")
    elif member in ("AcquireWrite", "AcquireNotify"):
        kept, given = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept.settimeout(10)
        sockets[path] = kept
        reply(call, dbus.types.UnixFd(given), dbus.UInt16(517), signature="hq")
        given.close()
    elif member == "RegisterApplication":
        def registered(tree):
            applications[str(a[0])] = (call.get_sender(), tree)
            reply(call)
        tree_of(call, call.get_sender(), a[0], registered)
    elif member == "UnregisterApplication":
        del applications[str(a[0])]
        reply(call)
    elif member == "RegisterAdvertisement":
        if str(a[0]) in advertisements:
            return fail(call, "org.bluez.Error.AlreadyExists", "Already Exists")

        def advertised(properties):
            advertisements[str(a[0])] = (call.get_sender(), properties)
            reply(call)
        ask(call, call.get_sender(), a[0], PROPERTIES, "GetAll", ("org.bluez.LEAdvertisement1",), "s", advertised)
    elif member == "UnregisterAdvertisement":
        del advertisements[str(a[0])]
        reply(call)
    else:
        fail(call, "org.freedesktop.DBus.Error.UnknownMethod", member)


def updated(interface, changed, invalidated, path=None):
    if path in advertisements:
        calls.append(" ".join([path, "changed", *changed]))
        advertisements[path][1].update(changed)


def handle(_, call):
    if call.get_type() != dbus.lowlevel.MESSAGE_TYPE_METHOD_CALL:
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    interface, member, arguments = str(call.get_interface()), str(call.get_member()), call.get_args_list()
    try:
        if interface == "org.example.Fake":
            if not fake(call, member, arguments):
                fail(call, "org.freedesktop.DBus.Error.UnknownMethod", member)
        elif interface.startswith("org.bluez.") or interface in (OM, PROPERTIES):
            bluez(call, str(call.get_path()), interface, member, arguments)
        else:
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    except Exception as error:
        print(repr(error), file=sys.stderr, flush=True)
        fail(call, "org.example.Fake.Mistake", repr(error))
    return dbus.lowlevel.HANDLER_RESULT_HANDLED


bus.add_message_filter(handle)
bus.add_signal_receiver(updated, "PropertiesChanged", PROPERTIES, path_keyword="path")
bus.request_name("org.bluez")
print("ready", flush=True)
loop.run()
