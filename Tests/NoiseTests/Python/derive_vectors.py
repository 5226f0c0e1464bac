"""Derives Vectors/noiseprotocol.json with the PyPI package `noiseprotocol`, which shares no code with this project.

    python3 derive_vectors.py > ../Vectors/noiseprotocol.json

The format is that of the cacophony project's vectors. Keys are hashes of their names, so a run gives the same file.
"""

import hashlib
import json
import warnings

from noise.connection import Keypair, NoiseConnection

warnings.simplefilter("ignore")

PATTERNS = [
    "N", "K", "Xpsk1", "NN", "NK", "NXpsk2", "XN", "XK", "XX", "XXpsk0", "XXpsk3", "XXpsk0+psk3",
    "KNpsk0", "KK", "KXpsk2", "IN", "IK", "IKpsk1+psk2", "IX",
]
ONE_WAY = {"N", "K", "X"}
PAYLOADS = [b"", b"second", b"the third payload", bytes(range(64)), b"5", b""]


def secret(name):
    return hashlib.sha256(name.encode()).digest()


def key_pair(connection, secret_bytes):
    return connection.noise_protocol.dh_fn.klass.from_private_bytes(secret_bytes)


def vector(pattern, hash_name):
    name = f"Noise_{pattern}_25519_ChaChaPoly_{hash_name}"
    psks = [secret(f"psk {i}") for i in range(pattern.count("psk"))]
    prologue = name.encode()
    record = {"protocol_name": name, "init_prologue": prologue.hex(), "resp_prologue": prologue.hex()}
    one_way = pattern.rstrip("psk+0123") in ONE_WAY
    sides = {}
    for side in ("init", "resp"):
        connection = NoiseConnection.from_name(name.encode())
        connection.set_prologue(prologue)
        connection.set_as_initiator() if side == "init" else connection.set_as_responder()
        if psks:
            connection.set_psks(psks=psks)
            record[f"{side}_psks"] = [psk.hex() for psk in psks]
        needed = connection.noise_protocol.pattern.get_required_keypairs(side == "init")
        other = "resp" if side == "init" else "init"
        if "s" in needed:
            connection.set_keypair_from_private_bytes(Keypair.STATIC, secret(f"{side} static"))
            record[f"{side}_static"] = secret(f"{side} static").hex()
        if "rs" in needed:
            public = key_pair(connection, secret(f"{other} static")).public_bytes
            connection.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, public)
            record[f"{side}_remote_static"] = public.hex()
        if side == "init" or not one_way:
            connection.set_keypair_from_private_bytes(Keypair.EPHEMERAL, secret(f"{side} ephemeral"))
            record[f"{side}_ephemeral"] = secret(f"{side} ephemeral").hex()
        connection.start_handshake()
        sides[side] = connection
    messages = []
    for index, payload in enumerate(PAYLOADS):
        writer, reader = (sides["init"], sides["resp"]) if one_way or index % 2 == 0 else (sides["resp"], sides["init"])
        if writer.handshake_finished:
            ciphertext = writer.encrypt(payload)
            assert reader.decrypt(bytes(ciphertext)) == payload
        else:
            ciphertext = writer.write_message(payload)
            assert reader.read_message(bytes(ciphertext)) == payload
        messages.append({"payload": payload.hex(), "ciphertext": bytes(ciphertext).hex()})
    assert sides["init"].get_handshake_hash() == sides["resp"].get_handshake_hash()
    record["handshake_hash"] = sides["init"].get_handshake_hash().hex()
    record["messages"] = messages
    return record


vectors = [vector(pattern, hash_name) for pattern in PATTERNS for hash_name in ("SHA256", "BLAKE2b")]
print(json.dumps({"vectors": vectors}, indent=1))
