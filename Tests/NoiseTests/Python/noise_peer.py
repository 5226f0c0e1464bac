"""A Noise peer for tests: the PyPI package `noiseprotocol`, driven by one JSON object a line on standard input.

Every request is answered by one line. All bytes are in hexadecimal.
"""

import json
import sys

try:
    from noise.connection import Keypair, NoiseConnection
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit(1)


def start(request):
    connection = NoiseConnection.from_name(request["name"].encode())
    if request["role"] == "initiator":
        connection.set_as_initiator()
    else:
        connection.set_as_responder()
    connection.set_prologue(bytes.fromhex(request["prologue"]))
    if request.get("static"):
        connection.set_keypair_from_private_bytes(Keypair.STATIC, bytes.fromhex(request["static"]))
    if request.get("remoteStatic"):
        connection.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, bytes.fromhex(request["remoteStatic"]))
    if request.get("presharedKeys"):
        connection.set_psks(psks=[bytes.fromhex(key) for key in request["presharedKeys"]])
    connection.start_handshake()
    return connection


def answer(connection, request):
    data = bytes.fromhex(request.get("bytes", ""))
    operation = request["operation"]
    if operation == "write":
        return connection.write_message(data)
    if operation == "read":
        return connection.read_message(data)
    if operation == "encrypt":
        return connection.encrypt(data)
    if operation == "decrypt":
        return connection.decrypt(data)
    if operation == "rekey":
        connection.rekey_inbound_cipher()
        connection.rekey_outbound_cipher()
        return b""
    if operation == "hash":
        return connection.get_handshake_hash()
    raise ValueError("unknown operation " + operation)


connection = None
print(json.dumps({"bytes": ""}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        if request["operation"] == "start":
            connection = start(request)
            result = b""
        else:
            result = answer(connection, request)
        print(json.dumps({"bytes": bytes(result).hex()}), flush=True)
    except Exception as error:
        print(json.dumps({"error": type(error).__name__}), flush=True)
