#!/usr/bin/env python3
"""A peer written from Docs/PROTOCOL.md alone, with other people's cryptography: hashlib, cryptography and noiseprotocol.

Reads one JSON object: host, port, workspace, presence, naming, content, seed (hexadecimal), and what to write. Dials an agent as
a member of the workspace, fetches everything, checks every id, signature and the root, decrypts the documents, and puts a
change of its own. Prints one JSON object. The section numbers are those of the document.
"""
import hashlib
import json
import os
import socket
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from noise.connection import Keypair, NoiseConnection


def H(data, size=32, key=b""):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def domain(text):
    return text.encode() + b"\0"


# 1. Conventions


def varint(value):
    for form, bits in enumerate((6, 14, 30, 62)):
        if value < 1 << bits:
            return (value | form << ((8 << form) - 2)).to_bytes(1 << form, "big")
    raise ValueError(value)


def prefixed(data):
    return varint(len(data)) + data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, count):
        if count > len(self.data) - self.at:
            raise ValueError("truncated")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count):
        return int.from_bytes(self.raw(count), "big")

    def varint(self):
        count = 1 << (self.data[self.at] >> 6)
        value = self.number(count) & ((1 << (8 * count - 2)) - 1)
        if varint(value) != self.data[self.at - count : self.at]:
            raise ValueError("not the shortest form")
        return value

    def prefixed(self):
        return self.raw(self.varint())

    def rest(self):
        return self.raw(len(self.data) - self.at)

    def is_at_end(self):
        return self.at == len(self.data)


# 3.3 XChaCha20-Poly1305 out of ChaCha20-Poly1305: HChaCha20 makes the key (draft-irtf-cfrg-xchacha)


def hchacha20(key, nonce):
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            value = state[z] ^ state[x]
            state[z] = (value << bits | value >> (32 - bits)) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(a, b, c, d)
    return struct.pack("<8I", *state[:4], *state[12:])


def xchacha(key, nonce):
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])), b"\0" * 4 + nonce[16:]


def padded_size(size):
    if size <= 1:
        return size
    exponent = size.bit_length() - 1
    unit = 1 << max(0, exponent - exponent.bit_length())
    return -(-size // unit) * unit


def pad(content):
    return content + b"\x80" + bytes(padded_size(len(content) + 1) - len(content) - 1)


def unpad(padded):
    content = padded.rstrip(b"\0")
    if content[-1:] != b"\x80" or padded_size(len(content)) != len(padded):
        raise ValueError("wrong padding")
    return content[:-1]


class Workspace:
    def __init__(self, settings):
        self.id, self.presence, self.naming, self.content = (
            bytes.fromhex(settings[name]) for name in ("workspace", "presence", "naming", "content")
        )

    # 2. Names

    def database(self, name):
        return H(domain("fieldsync name 1") + b"\x01" + name.encode(), 16, self.naming)

    def document(self, name, database):
        return H(domain("fieldsync name 1") + b"\x02" + database + name.encode(), 16, self.naming)

    # 3. Entries

    def additional_data(self, header):
        kind = header["kind"]
        scope = b"" if kind == 6 else header["database"] + header["document"]
        return domain("fieldsync payload 1") + self.id + bytes([kind]) + scope

    def open(self, header, payload):
        cipher, nonce = xchacha(self.content, payload[:24])
        return unpad(cipher.decrypt(nonce, payload[24:], self.additional_data(header)))

    def seal(self, header, content):
        nonce = os.urandom(24)
        cipher, short_nonce = xchacha(self.content, nonce)
        return nonce + cipher.encrypt(short_nonce, pad(content), self.additional_data(header))

    def entry_id(self, header_bytes):
        return H(domain("fieldsync entry id 1") + self.id + header_bytes)


# 3.1 Header


def write_header(header, payload_hash, payload_size):
    return (
        bytes([1, header["kind"]]) + header["database"] + header["document"] + header["author"]
        + struct.pack(">Q", header["sequence"]) + header["previous"] + struct.pack(">I", header["epoch"])
        + payload_hash + struct.pack(">IB", payload_size, len(header["dependencies"])) + b"".join(header["dependencies"])
    )


# 3.4 Entries on the wire


class EntryRun:
    """Reads the entries of one direction of a stream."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.chains, self.documents, self.ids = [], [], []  # in the order in which they came; no table is ever full here
        self.ends = {}
        self.last = self.last_document = self.last_epoch = None

    def read(self, body):
        reader = Reader(body)
        flags = reader.number(1)
        header = {"kind": flags & 7}
        header |= self.read_chain(reader, flags)
        if header["kind"] == 1:
            header["epoch"] = 0
        else:
            header["epoch"] = self.last_epoch = self.last_epoch if flags & 0x10 else reader.varint()
        if header["kind"] in (1, 6):
            header["document"] = bytes(16)
        elif flags & 0x20:
            header["document"] = self.last_document
        else:
            slot = reader.varint()
            header["document"] = self.documents[slot - 1] if slot else reader.raw(16)
        if flags & 0x80:
            header["dependencies"] = [self.ids[-1]]
        else:
            places = reader.varint()
            header["dependencies"] = [self.ids[-place] if (place := reader.varint()) else reader.raw(32) for _ in range(places)]
        content_hash = header["content hash"] = reader.raw(32) if flags & 0x40 else None
        size = reader.varint()
        signature = reader.raw(64)
        payload = None if flags & 0x40 else reader.raw(size)
        header_bytes = write_header(header, content_hash or H(payload), size)
        identifier = self.workspace.entry_id(header_bytes)
        Ed25519PublicKey.from_public_bytes(header["author"]).verify(
            signature, domain("fieldsync entry signature 1") + identifier
        )
        self.note(header, identifier)
        return identifier, header, payload

    def read_chain(self, reader, flags):
        if flags & 8:
            chain = self.last
            return self.following(chain)
        reference = reader.varint()
        if reference == 0:
            chain = (reader.raw(32), reader.raw(16))
            if chain in self.chains:
                raise ValueError("a chain that is known")
        else:
            chain = self.chains[(reference - 1) // 2]
            if reference % 2:
                return self.following(chain)
        sequence = reader.number(8)
        previous = bytes(32) if sequence == 1 else reader.raw(32)
        return {"author": chain[0], "database": chain[1], "sequence": sequence, "previous": previous}

    def following(self, chain):
        sequence, identifier = self.ends[chain]
        return {"author": chain[0], "database": chain[1], "sequence": sequence + 1, "previous": identifier}

    def note(self, header, identifier):
        chain = (header["author"], header["database"])
        if chain not in self.chains:
            self.chains.append(chain)
        self.ends[chain] = (header["sequence"], identifier)
        self.last = chain
        if header["kind"] not in (1, 6):
            if header["document"] not in self.documents:
                self.documents.append(header["document"])
            self.last_document = header["document"]
        self.ids.append(identifier)


def write_entry(workspace, identity, header, content):
    """The first entry of a run, with sequence 1 and without dependencies."""
    payload = workspace.seal(header, content)
    identifier = workspace.entry_id(write_header(header, H(payload), len(payload)))
    return (
        bytes([header["kind"]]) + varint(0) + header["author"] + header["database"] + struct.pack(">Q", 1)
        + varint(header["epoch"]) + varint(0) + header["document"] + varint(0) + varint(len(payload))
        + identity.sign(domain("fieldsync entry signature 1") + identifier) + payload
    )


# 5. Documents


def read_value(reader):
    kind = reader.number(1)
    if kind <= 2:
        return (None, False, True)[kind]
    if kind == 3:
        return struct.unpack(">q", reader.raw(8))[0]
    if kind == 4:
        return struct.unpack(">d", reader.raw(8))[0]
    if kind == 5:
        return reader.prefixed().decode()
    if kind == 6:
        return hashlib.sha256(reader.prefixed()).hexdigest()
    if kind == 7:
        name, size = reader.prefixed().decode(), reader.varint()
        return [name, size] + [reader.raw(32).hex() for _ in range(-(-size // 65535))]
    raise ValueError(f"value of type {kind}")


def read_change(content):
    reader = Reader(content)
    version, name, clock = reader.number(1), reader.prefixed().decode(), reader.varint()
    fields = {}
    for _ in range(reader.varint()):
        operation, field = reader.number(1), reader.prefixed().decode()
        fields[field] = read_value(reader) if operation == 1 else None
    return version, name, clock, fields


def write_change(name, clock, field, text):
    operation = b"\x01" + prefixed(field.encode()) + b"\x05" + prefixed(text.encode())
    return b"\x01" + prefixed(name.encode()) + varint(clock) + varint(1) + operation


# 7.2 Roots


def set_digest(identifiers):
    lanes = [0] * 1024
    for identifier in identifiers:
        stream = Cipher(algorithms.ChaCha20(identifier, bytes(16)), None).encryptor().update(bytes(2048))
        lanes = [(lane + value) & 0xFFFF for lane, value in zip(lanes, struct.unpack("<1024H", stream))]
    return H(struct.pack("<1024H", *lanes))


class Session:
    """6. Session, as the initiator. One exchange at a time; what the peer opens is read meanwhile."""

    def __init__(self, host, port, workspace, identity):
        self.socket = socket.create_connection((host, port), timeout=20)
        self.next_stream = 1
        self.inputs = {}  # stream → bytes not read yet
        self.ended = set()
        self.received_since_credit = {}
        self.peer_state = None
        self.handshake(workspace, identity)

    # 8.1 TCP

    def send_message(self, data):
        self.socket.sendall(struct.pack(">I", len(data)) + data)

    def receive_message(self):
        def exactly(count):
            data = b""
            while len(data) < count:
                piece = self.socket.recv(count - len(data))
                if not piece:
                    raise EOFError("the agent ended the connection")
                data += piece
            return data

        return exactly(struct.unpack(">I", exactly(4))[0])

    # 6.1 Handshake

    def handshake(self, workspace, identity):
        noise = NoiseConnection.from_name(b"Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b")
        noise.set_as_initiator()
        noise.set_psks(workspace.presence)
        noise.set_prologue(domain("fieldsync session 1") + workspace.id + b"\x01")
        noise.set_keypair_from_private_bytes(Keypair.STATIC, os.urandom(32))
        noise.start_handshake()
        symmetric = noise.noise_protocol.handshake_state.symmetric_state
        own_key = identity.public_key().public_bytes_raw()
        hashes = []
        encrypt_and_hash, decrypt_and_hash = symmetric.encrypt_and_hash, symmetric.decrypt_and_hash

        def encrypt(plaintext):  # the proof is over the hash at its own place
            if plaintext == b"proof":
                plaintext = own_key + identity.sign(domain("fieldsync identity proof 1") + b"\x01" + symmetric.h)
            return encrypt_and_hash(plaintext)

        def decrypt(ciphertext):
            hashes.append(symmetric.h)
            return decrypt_and_hash(ciphertext)

        symmetric.encrypt_and_hash, symmetric.decrypt_and_hash = encrypt, decrypt
        first = noise.write_message(b"")
        self.send_message(first)
        second = self.receive_message()
        proof = bytes(noise.read_message(second))
        self.peer = proof[:32]
        Ed25519PublicKey.from_public_bytes(self.peer).verify(
            proof[32:], domain("fieldsync identity proof 1") + b"\x02" + hashes[-1]
        )
        third = noise.write_message(b"proof")
        self.send_message(third)
        self.sizes = [len(first), len(second), len(third)]
        self.noise, self.hash = noise, noise.get_handshake_hash()

    # 6.2 Packets

    def send_packet(self, frames):
        self.send_message(self.noise.encrypt(frames))

    def receive_packet(self):
        reader = Reader(bytes(self.noise.decrypt(self.receive_message())))
        while not reader.is_at_end():
            kind = reader.number(1)
            if kind in (0, 1, 7):
                stream, data = reader.varint(), reader.prefixed()
                self.inputs[stream] = self.inputs.get(stream, b"") + data
                self.give_credit(stream, len(data))
                if kind != 0:
                    self.ended.add(stream)
                if stream % 2 == 0:
                    self.read_peer_stream(stream)
            elif kind == 2:
                reader.varint(), reader.varint()
            elif kind == 3:
                raise RuntimeError(f"stream {reader.varint()} was reset with {reader.varint()}")
            elif kind == 4:
                raise EOFError(f"the agent closed the session with {reader.varint()}")
            elif kind == 5:
                self.send_packet(b"\x06" + reader.raw(8))
            elif kind == 6:
                reader.raw(8)
            else:
                raise ValueError(f"frame type {kind}")

    def give_credit(self, stream, count):
        owed = self.received_since_credit.get(stream, 0) + count
        if owed >= 32768 and stream not in self.ended:
            self.send_packet(b"\x02" + varint(stream) + varint(owed))
            owed = 0
        self.received_since_credit[stream] = owed

    # 6.3 Messages

    def next_message(self, stream):
        """(type, body), or nothing yet."""
        reader = Reader(self.inputs.get(stream, b""))
        try:
            message = Reader(reader.prefixed())
        except (ValueError, IndexError):
            return None
        self.inputs[stream] = reader.rest()
        return message.varint(), message.rest()

    def read_peer_stream(self, stream):
        while (message := self.next_message(stream)) is not None:
            if message[0] == 2:
                self.peer_state = self.read_state(message[1])

    @staticmethod
    def read_state(body):
        reader = Reader(body)
        state = {"epoch": reader.number(8), "arrival": reader.varint(), "count": reader.varint(), "root": reader.raw(16)}
        return state | {"through": reader.varint(), "exact": reader.number(1), "wanted": reader.varint()}

    @staticmethod
    def read_greeting(reader):
        """7.4; without the move's body."""
        greeting = {"epoch": reader.number(8), "arrival": reader.varint(), "count": reader.varint()}
        return greeting | {"half": reader.raw(8), "form": reader.number(1)}

    def send(self, frame, messages):
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        data = b"".join(prefixed(varint(kind) + body) for kind, body in messages)
        self.send_packet(frame + varint(stream) + prefixed(data))
        return stream

    def ask(self, *messages):
        """6.4: one exchange; all messages of the answer."""
        stream = self.send(b"\x01", messages)
        answers = []
        while True:
            message = self.next_message(stream)
            if message is not None:
                answers.append(message)
            elif stream in self.ended:
                return answers
            else:
                self.receive_packet()

    def root(self, identifiers):
        data = domain("fieldsync session root 1") + struct.pack(">Q", len(identifiers)) + set_digest(identifiers)
        return H(data, 16, self.hash)


def fetch_contents(session, heads):
    """Payloads by entry id: each whole, and then once more from its middle."""
    payloads = {}
    for have in (lambda payload: b"", lambda payload: payload[: len(payload) // 2]):
        items = b""
        for identifier, _, _ in heads:
            prefix = have(payloads.get(identifier, b""))
            items += identifier + varint(len(prefix)) + (H(prefix)[:8] if prefix else b"")
        current = size = None
        got = {}
        for kind, body in session.ask((32, varint(len(heads)) + items)):
            reader = Reader(body)
            if kind == 33:
                current, offset, size = heads[reader.varint()][0], reader.varint(), reader.varint()
                got[current] = payloads.get(current, b"")[:offset]
            else:
                assert kind == 34, kind
                got[current] += reader.prefixed()
        for identifier, header, _ in heads:
            assert payloads.setdefault(identifier, got[identifier]) == got[identifier]
    for identifier, header, _ in heads:
        if H(payloads[identifier]) != header["content hash"]:
            raise ValueError("another payload")
    return payloads


def main():
    settings = json.load(sys.stdin)
    workspace = Workspace(settings)
    identity = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(settings["seed"]))
    session = Session(settings["host"], settings["port"], workspace, identity)

    # 7.3: hello, without the ladder and with no first move, and the agent's own
    greeting = bytes(8) + varint(0) + varint(0) + session.root([])[:8] + b"\x00"
    (kind, body), = session.ask((1, varint(1) + varint(0) + greeting))
    assert kind == 1, kind
    reader = Reader(body)
    announced = {"version": reader.varint(), "capabilities": reader.varint()} | session.read_greeting(reader)
    assert announced["form"] == 10 and reader.raw(1) == b"\x01", "undecided: no ladder"

    scan = b"\x80" + varint(1000)
    identifiers = []
    for kind, body in session.ask((18, scan)):
        assert kind == 19, kind
        reader = Reader(body)
        reader.number(8), reader.varint(), reader.number(1)
        for _ in range(reader.varint()):
            identifiers.append(reader.raw(32))
            reader.number(1), reader.varint(), reader.varint()

    def read_entries(run, answers):
        """Entries, with the payloads of large ones asked for by themselves."""
        entries = [run.read(body) for kind, body in answers if kind == 21]
        heads = [entry for entry in entries if entry[2] is None]
        payloads = fetch_contents(session, heads)
        return [(entry[0], entry[1], payloads[entry[0]] if entry[2] is None else entry[2]) for entry in entries]

    entries = read_entries(EntryRun(workspace), session.ask((20, varint(4096) + varint(len(identifiers)) + b"".join(identifiers))))

    # 6.4: a pull by somebody who has nothing brings the same
    pulled = session.ask((35, varint(1 << 20) + b"\x01" + varint(0) + scan))
    listed = [Reader(body[8:]) for kind, body in pulled if kind == 19]
    assert all((page.varint(), page.number(1), page.varint())[2] == 0 for page in listed)
    run = EntryRun(workspace)
    pulled = [run.read(body) for kind, body in pulled if kind == 21]
    assert sorted((entry[0], entry[2]) for entry in pulled) == sorted((entry[0], entry[2]) for entry in entries)

    database = workspace.database(settings["database"])
    documents = {}
    for _, header, payload in entries:
        if header["kind"] == 2 and header["database"] == database:
            _, name, _, fields = read_change(workspace.open(header, payload))
            assert workspace.document(name, database) == header["document"]
            documents[name] = fields

    header = {
        "kind": 2, "database": database, "document": workspace.document(settings["document"], database),
        "author": identity.public_key().public_bytes_raw(), "sequence": 1, "previous": bytes(32), "epoch": 1,
        "dependencies": [],
    }
    change = write_change(settings["document"], 1, "text", settings["text"])
    outcomes = session.ask((30, b""), (21, write_entry(workspace, identity, header, change)))
    session.send_packet(b"\x04" + varint(0))

    print(json.dumps({
        "peer": session.peer.hex(),
        "handshake": session.sizes,
        "version": announced.get("version"),
        "entries": len(entries),
        "fetchedAll": [entry[0] for entry in entries] == identifiers,
        "rootIsEqual": announced["count"] == len(identifiers) and session.root(identifiers)[8:] == announced["half"],
        "documents": documents,
        "outcomes": [body.hex() for _, body in outcomes],
    }))


if __name__ == "__main__":
    try:
        main()
    except InvalidSignature:
        sys.exit("a signature is not valid")
