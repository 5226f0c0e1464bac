"""A D-Bus service on the session bus for the tests: echoes, fails, stays silent, passes file descriptors."""
import os

import dbus
import dbus.lowlevel
import dbus.mainloop.glib
from gi.repository import GLib

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
loop = GLib.MainLoop()
bus = dbus.SessionBus()


def emit(path, interface, member, *arguments, signature=None):
    signal = dbus.lowlevel.SignalMessage(path, interface, member)
    signal.append(*arguments, signature=signature)
    bus.send_message(signal)


def reply(call, *arguments, signature):
    message = dbus.lowlevel.MethodReturnMessage(call)
    message.append(*arguments, signature=signature)
    bus.send_message(message)


def handle(_, call):
    if call.get_type() != dbus.lowlevel.MESSAGE_TYPE_METHOD_CALL or call.get_interface() != "org.example.Echo":
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    member, arguments = call.get_member(), call.get_args_list()
    if member == "Echo":
        reply(call, *arguments, signature=call.get_signature() or None)
    elif member == "Describe":
        # What an independent implementation understood.
        reply(call, call.get_signature(), " ".join(str(argument) for argument in arguments), signature="ss")
    elif member == "Fail":
        bus.send_message(dbus.lowlevel.ErrorMessage(call, "org.example.Error.Broken", "as you wished"))
    elif member == "Silence":
        pass
    elif member == "ReadDescriptor":
        with os.fdopen(arguments[0].take(), "rb") as file:
            reply(call, dbus.ByteArray(file.read()), signature="ay")
    elif member == "OpenDescriptor":
        reader, writer = os.pipe()
        os.write(writer, bytes(arguments[0]))
        os.close(writer)
        reply(call, dbus.types.UnixFd(reader), signature="h")
        os.close(reader)
    elif member == "Emit":
        for number in range(int(arguments[0])):
            emit("/org/example/Echo", "org.example.Echo", "Tick", dbus.UInt32(number), signature="u")
        reply(call, signature=None)
    elif member == "Quit":
        reply(call, signature=None)
        bus.flush()
        loop.quit()
    else:
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    return dbus.lowlevel.HANDLER_RESULT_HANDLED


bus.add_message_filter(handle)
bus.request_name("org.example.Echo")
print("ready", flush=True)
loop.run()
