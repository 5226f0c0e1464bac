"""A Bluetooth central on the virtual air, made with bumble: an independent host stack, nothing of BlueZ in it."""

import asyncio
import time
from collections.abc import Callable

from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy, ServiceProxy
from bumble.hci import Address, HCI_Error
from bumble.transport import open_transport

ADDRESS = "C0:FF:EE:00:00:01"  # a static random one
ATT_MTU = 517
UUID_LISTS = (
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)
start = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - start:7.3f} {text}", flush=True)


class Failure(Exception):
    """What was expected did not come; the text says what."""


class Central:
    """One link to one peripheral."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.disconnected = asyncio.Event()

    @classmethod
    async def at(cls, port: str) -> "Central":
        """`port`: the path of a UNIX socket of air.py."""
        transport = await open_transport(f"unix:{port}")
        device = Device.with_hci("stranger", Address(ADDRESS), transport.source, transport.sink)
        await device.power_on()
        return cls(device)

    async def find(self, service: str, seconds: float) -> Advertisement:
        """The first advertisement that names `service` in a list of UUIDs."""
        wanted, found = bytes(UUID(service)), asyncio.get_running_loop().create_future()

        def heard(advertisement: Advertisement) -> None:
            lists = [value for kind, value in advertisement.data.ad_structures if kind in UUID_LISTS]
            if (
                any(wanted == value[at : at + 16] for value in lists for at in range(0, len(value), 16))
                and not found.done()
            ):
                found.set_result(advertisement)

        self.device.on(Device.EVENT_ADVERTISEMENT, heard)
        await self.device.start_scanning(legacy=True, filter_duplicates=False)
        try:
            advertisement: Advertisement = await asyncio.wait_for(found, seconds)
        except TimeoutError:
            raise Failure(f"nobody advertised {service} within {seconds:g} s") from None
        finally:
            self.device.remove_listener(Device.EVENT_ADVERTISEMENT, heard)
            await self.device.stop_scanning(legacy=True)
        say(f"found {advertisement.address}")
        return advertisement

    async def connect(self, address: Address, seconds: float = 60) -> None:
        connection = await self.device.connect(address, timeout=seconds)
        connection.on(Connection.EVENT_DISCONNECTION, lambda _reason: self.disconnected.set())
        self.peer = Peer(connection)
        say(f"connected, ATT MTU {await self.peer.request_mtu(ATT_MTU)}")

    async def service(self, uuid: str) -> ServiceProxy:
        services = await self.peer.discover_service(uuid)
        if len(services) != 1:
            raise Failure(f"the peer has {len(services)} services {uuid}")
        await services[0].discover_characteristics()
        return services[0]

    async def disconnect(self) -> None:
        try:
            await self.peer.connection.disconnect()
        except HCI_Error:
            pass  # it is gone already

    @staticmethod
    def characteristic(service: ServiceProxy, uuid: str) -> CharacteristicProxy[bytes]:
        found = service.get_characteristics_by_uuid(UUID(uuid))
        if len(found) != 1:
            raise Failure(f"the service has {len(found)} characteristics {uuid}")
        return found[0]

    @staticmethod
    async def notifications(characteristic: CharacteristicProxy[bytes]) -> asyncio.Queue[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        put: Callable[[bytes], None] = queue.put_nowait
        await characteristic.subscribe(put)
        return queue
