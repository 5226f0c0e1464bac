#!/usr/bin/env python3
"""One virtual air: Bluetooth LE controllers, one per port, that hear each other.

usage: air.py FOLDER PORT…      run by the lab's own Python environment

Makes two kinds of UNIX socket. FOLDER/air-PORT is that port's controller, HCI over H4: a guest's serial port, or
another Bluetooth host such as stranger.py, connects to it and gets a controller fresh from power-on, with an address
that stays (F0:00:00:00:00:00 for the first port, F0:01:01:01:01:01 for the second, …). FOLDER/air takes a command per
line (see control.py):

  cut [A B]        nothing passes, between two ports or at all; links die of their supervision timeout
  restore [A B]    everything passes again
  loss P           each packet is lost with probability P; data is then sent again, as by a real link layer
  delay SECONDS    between a data packet's sending and its arrival
  rate BITS        per second and direction; 0 for no limit
  links PORT       the names of the ports that it is linked to, sorted
  carries BYTES SECONDS  waits until so much more data has arrived, over any link; says when, in seconds since 1970
  state            everything, with the bytes that each end of a link sent, as JSON
"""

import asyncio
import collections
import contextlib
import dataclasses
import json
import logging
import pathlib
import random
import sys
import time

import bumble.controller
from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import InvalidPacketError, PhysicalTransport
from bumble.link import LocalLink
from bumble.transport.common import PacketParser

SUPERVISION_SECONDS = 0.42  # Linux's default
RETRANSMISSION_SECONDS = 0.0075  # the shortest connection interval
LINK_LAYER_PAYLOAD = 251  # with data length extension
ADVERTISING_UNIT_MILLISECONDS = 0.625


@dataclasses.dataclass
class AirConnection(Connection):
    """One end of a link. What its host sends takes time on the air, and is confirmed when it arrived."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.waiting: collections.deque[hci.HCI_AclDataPacket] = collections.deque()
        self.flying: collections.deque[hci.HCI_AclDataPacket] = collections.deque()
        self.on_air = False
        self.sent_bytes = 0

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        self.waiting.append(packet)
        self.pump()

    def pump(self) -> None:
        air: Air = self.link
        while self.waiting and not self.on_air and air.reaches(self.controller, self.peer_address):
            packet = self.waiting.popleft()
            self.flying.append(packet)
            if seconds := air.seconds_on_air(len(packet.data)):
                self.on_air = True
                asyncio.get_running_loop().call_later(seconds, self.sent)
            else:
                self.fly()

    def sent(self) -> None:
        self.on_air = False
        self.fly()
        self.pump()

    def fly(self) -> None:
        air: Air = self.link
        if air.delay_seconds:
            asyncio.get_running_loop().call_later(air.delay_seconds, self.arrive)
        else:
            self.arrive()

    def arrive(self) -> None:
        air: Air = self.link
        packet = self.flying.popleft()  # in order, whichever timer it was
        if self.controller.le_connections.get(self.peer_address) is self:
            self.sent_bytes += len(packet.data)
            air.has_carried(len(packet.data))
            super().on_hci_acl_data_packet(packet)


class AirController(Controller):
    """bumble's controller with what BlueZ, or a cut link, asks for beyond it."""

    link: "Air"

    def __init__(self, name: str, host: "Port", air: "Air", address: str) -> None:
        super().__init__(name, host_sink=host, link=air, public_address=address)
        # With extended advertising, BlueZ advertises from an address that bumble's link does not know. With either
        # feature, Linux waits for the enhanced form of the connection complete event, which bumble does not send, and
        # holds up all other commands meanwhile.
        self.le_features &= ~(hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LL_PRIVACY)
        self.le_acl_data_packet_length = LINK_LAYER_PAYLOAD
        self.supported_max_tx_octets = self.supported_max_rx_octets = LINK_LAYER_PAYLOAD
        self.reported: set[tuple[hci.Address, bytes]] = set()

    def power_off(self) -> None:
        """Off the air without a word: peers notice by their supervision timeout."""
        self.le_legacy_advertiser.stop()
        self.le_scan_enable = False
        self.pending_le_connection = None
        peers = list(self.le_connections)
        self.le_connections.clear()
        self.link.supervise(peers)

    def on_hci_reset_command(self, command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        self.power_off()
        return super().on_hci_reset_command(command)

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        if self.le_connections.get(connection.peer_address) is connection:
            super().on_le_disconnected(connection, reason)

    def on_hci_le_set_advertising_parameters_command(
        self, command: hci.HCI_LE_Set_Advertising_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        result = super().on_hci_le_set_advertising_parameters_command(command)
        advertiser = self.le_legacy_advertiser  # which takes milliseconds
        advertiser.advertising_interval_min = round(command.advertising_interval_min * ADVERTISING_UNIT_MILLISECONDS)
        return result

    def on_hci_le_set_scan_enable_command(
        self, command: hci.HCI_LE_Set_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        self.reported.clear()
        return super().on_hci_le_set_scan_enable_command(command)

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        report = hci.HCI_LE_Advertising_Report_Event
        key = (pdu.advertiser_address, pdu.data)
        if self.le_scan_enable and not (self.filter_duplicates and key in self.reported):
            self.reported.add(key)
            reports = [(report.EventType.ADV_IND, pdu.data)]
            if self.le_scan_type:  # active
                reports.append((report.EventType.SCAN_RSP, self.link.scan_response(pdu.advertiser_address)))
            for event_type, data in reports:
                address = pdu.advertiser_address
                self.send_hci_packet(report([report.Report(event_type, address.address_type, address, data, -50)]))
        if self.pending_le_connection and self.pending_le_connection.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def create_le_connection(self, peer_address: hci.Address) -> None:
        if peer_address in self.le_connections:
            self.refuse_pending(hci.HCI_ErrorCode.CONNECTION_ALREADY_EXISTS_ERROR)
        else:
            super().create_le_connection(peer_address)

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        if packet.initiator_address not in self.le_connections:
            super().on_le_connect_ind(packet)

    def on_hci_le_create_connection_cancel_command(
        self, command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        if not self.pending_le_connection:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        asyncio.get_running_loop().call_soon(self.refuse_pending, hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR)
        return super().on_hci_le_create_connection_cancel_command(command)

    def refuse_pending(self, status: hci.HCI_ErrorCode) -> None:
        if not (pending := self.pending_le_connection):
            return
        self.pending_le_connection = None
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=status, connection_handle=0, role=hci.Role.CENTRAL, peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address, connection_interval=0, peripheral_latency=0, supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )  # fmt: skip


class Air(LocalLink):
    def __init__(self) -> None:
        super().__init__()
        self.cuts: set[frozenset[str]] = set()
        self.all_cut = False
        self.loss = 0.0
        self.delay_seconds = 0.0
        self.bits_per_second = 0.0
        self.carried_bytes = 0
        self.watchers: list[tuple[int, asyncio.Future[float]]] = []

    def has_carried(self, byte_count: int) -> None:
        self.carried_bytes += byte_count
        for limit, watcher in self.watchers:
            if limit <= self.carried_bytes and not watcher.done():
                watcher.set_result(time.time())

    async def carries(self, byte_count: int, seconds: float) -> str:
        entry = (self.carried_bytes + byte_count, asyncio.get_running_loop().create_future())
        self.watchers.append(entry)
        try:
            return f"{await asyncio.wait_for(entry[1], seconds):.3f}"
        except asyncio.TimeoutError:
            return f"error: no {byte_count} bytes in {seconds} s"
        finally:
            self.watchers.remove(entry)

    def passes(self, one: Controller, other: Controller) -> bool:
        return not self.all_cut and frozenset((one.name, other.name)) not in self.cuts

    def reaches(self, sender: Controller, peer: hci.Address) -> bool:
        receiver = self.find_le_controller(peer)
        return receiver is not None and self.passes(sender, receiver)

    def seconds_on_air(self, byte_count: int) -> float:
        seconds = byte_count * 8 / self.bits_per_second if self.bits_per_second else 0.0
        while random.random() < self.loss:
            seconds += RETRANSMISSION_SECONDS
        return seconds

    def scan_response(self, advertiser: hci.Address) -> bytes:
        controller = self.find_le_controller(advertiser)
        return controller.le_legacy_advertiser.scan_response_data if controller else b""

    def send_acl_data(
        self, sender_controller: Controller, destination_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        # By the address that the link has, not by the controller's random one as LocalLink does: BlueZ connects with
        # public ones.
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection and receiver and connection.self_address in receiver.le_connections:
            receiver.on_link_acl_data(connection.self_address, transport, data)

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        heard = [c for c in self.controllers if c is not sender_controller and self.passes(sender_controller, c)]
        if isinstance(packet, ll.ConnectInd):
            # At once, so that two that dial each other in the same moment get one link.
            for controller in heard:
                controller.on_ll_advertising_pdu(packet)
            if not any(packet.initiator_address in c.le_connections for c in heard):
                asyncio.get_running_loop().call_soon(self.not_established, sender_controller, packet.advertiser_address)
            return
        for controller in heard:
            if random.random() >= self.loss:
                asyncio.get_running_loop().call_soon(controller.on_ll_advertising_pdu, packet)

    def not_established(self, initiator: Controller, advertiser: hci.Address) -> None:
        if connection := initiator.le_connections.get(advertiser):
            reason = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
            initiator.on_le_disconnected(connection, reason)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        sender = self.find_le_controller(sender_address)
        receiver = self.find_le_controller(receiver_address)
        if sender and receiver and self.passes(sender, receiver):
            asyncio.get_running_loop().call_soon(receiver.on_ll_control_pdu, sender_address, packet)
        else:
            self.supervise([sender_address, receiver_address])

    def supervise(self, addresses: list[hci.Address] | None = None) -> None:
        """Ends, after the supervision timeout, links (of `addresses`, or all) whose other end is not heard then."""
        asyncio.get_running_loop().call_later(SUPERVISION_SECONDS, self.time_out, addresses)

    def time_out(self, addresses: list[hci.Address] | None) -> None:
        for controller in list(self.controllers):
            for connection in list(controller.le_connections.values()):
                ends = (connection.self_address, connection.peer_address)
                if addresses is not None and not any(address in addresses for address in ends):
                    continue
                peer = self.find_le_controller(connection.peer_address)
                if not peer or not self.passes(controller, peer) or connection.self_address not in peer.le_connections:
                    controller.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def command(self, words: list[str], ports: list[str]) -> str:
        match words:
            case ["cut"]:
                self.all_cut = True
                self.supervise()
            case ["cut", one, other] if {one, other} <= set(ports):
                self.cuts.add(frozenset((one, other)))
                self.supervise()
            case ["restore"]:
                self.all_cut = False
                self.cuts.clear()
            case ["restore", one, other] if {one, other} <= set(ports):
                self.cuts.discard(frozenset((one, other)))
            case ["loss", probability] if 0 <= float(probability) < 1:
                self.loss = float(probability)
            case ["delay", seconds] if float(seconds) >= 0:
                self.delay_seconds = float(seconds)
            case ["rate", bits] if float(bits) >= 0:
                self.bits_per_second = float(bits)
            case ["links", port] if port in ports:
                return " ".join(
                    sorted(peer.name for c in self.controllers if c.name == port for peer, _ in self.peers(c))
                )
            case ["state"]:
                return json.dumps(self.state(), sort_keys=True)
            case _:
                return f"error: not a command of the air: {' '.join(words)}"
        for controller in self.controllers:
            for connection in controller.le_connections.values():
                connection.pump()
        return "ok"

    def peers(self, controller: Controller) -> list[tuple[Controller, Connection]]:
        ends = [(self.find_le_controller(c.peer_address), c) for c in controller.le_connections.values()]
        return [(peer, connection) for peer, connection in ends if peer]

    def state(self) -> dict[str, object]:
        return {
            controller.name: {
                "address": str(controller.public_address).split("/")[0],
                "advertising": controller.le_legacy_advertiser.enabled,
                "scanning": controller.le_scan_enable,
                "links": {
                    peer.name: {"role": connection.role.name.lower(), "sentBytes": connection.sent_bytes}
                    for peer, connection in self.peers(controller)
                },
            }
            for controller in self.controllers
        }


class Port(asyncio.Protocol):
    """A host's connection to its controller, which exists as long as the connection does."""

    def __init__(self, air: Air, name: str, address: str) -> None:
        self.air, self.name, self.address = air, name, address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.controller = AirController(self.name, self, self.air, self.address)
        self.parser = PacketParser(self.controller)

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except InvalidPacketError as error:
            logging.error("port %s: %s", self.name, error)

    def connection_lost(self, _error: Exception | None) -> None:
        self.controller.power_off()
        self.air.remove_controller(self.controller)

    def on_packet(self, packet: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(packet)


async def main(folder: pathlib.Path, ports: list[str]) -> None:
    bumble.controller.Connection = AirConnection  # the class that its controllers make their links of
    air, loop = Air(), asyncio.get_running_loop()
    for index, name in enumerate(ports):
        address = ":".join(["F0", *[f"{index:02X}"] * 5])
        await loop.create_unix_server(
            lambda name=name, address=address: Port(air, name, address), folder / f"air-{name}"
        )

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                words = line.decode().split()
                try:
                    if len(words) == 3 and words[0] == "carries":
                        answer = await air.carries(int(words[1]), float(words[2]))
                    else:
                        answer = air.command(words, ports)
                except ValueError as error:
                    answer = f"error: {error}"
                writer.write(f"{answer}\n".encode())
                await writer.drain()
        writer.close()

    await asyncio.start_unix_server(control, folder / "air")
    print("on the air:", *ports, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
