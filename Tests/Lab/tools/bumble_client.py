#!/usr/bin/env python3
"""The lab's own GATT service seen by bumble: found on the air, read, written and notified.

usage: bumble_client.py PORT     PORT: a UNIX socket of air.py; run by the lab's own Python environment
"""

import asyncio
import pathlib
import sys

from bumble.gatt_client import CharacteristicProxy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from central import Central, Failure, say  # noqa: E402
from lab_service import (  # noqa: E402
    GREETING, GREETING_UUID, NOTIFY_UUID, OPENING, OPENING_INTERVAL_SECONDS, SERVICE_UUID, WRITE_UUID, is_of_opening,
)  # fmt: skip

FRAME_BYTES = 495
FIND_SECONDS = 60
ANSWER_SECONDS = 60


async def opened(write: CharacteristicProxy[bytes], notified: asyncio.Queue[bytes]) -> None:
    """Writes the opening until it comes back as it was sent."""
    while True:
        await write.write_value(OPENING, with_response=False)
        try:
            async with asyncio.timeout(OPENING_INTERVAL_SECONDS):
                while (answer := await notified.get()) != OPENING:
                    if not is_of_opening(answer):
                        raise Failure(f"was notified of {answer[:16].hex()}… ({len(answer)} bytes) of the opening")
            return
        except TimeoutError:
            continue


async def main(port: str) -> None:
    central = await Central.at(port)
    await central.connect((await central.find(SERVICE_UUID, FIND_SECONDS)).address)
    service = await central.service(SERVICE_UUID)
    greeting = await central.characteristic(service, GREETING_UUID).read_value()
    if bytes(greeting) != GREETING:
        raise Failure(f"read {greeting!r}")
    say("read the greeting")
    notified = await central.notifications(central.characteristic(service, NOTIFY_UUID))
    frame = bytes(index % 256 for index in range(FRAME_BYTES))
    write = central.characteristic(service, WRITE_UUID)
    async with asyncio.timeout(ANSWER_SECONDS):
        await opened(write, notified)
        await write.write_value(frame, with_response=False)
        while is_of_opening(answer := await notified.get()):
            pass  # a late one
    if answer != frame:
        raise Failure(f"wrote {len(frame)} bytes, was notified of {answer[:16].hex()}… ({len(answer)} bytes)")
    say(f"{len(frame)} bytes there and back")
    await central.disconnect()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1]))
    except (Failure, TimeoutError) as error:
        sys.exit(f"error: {error or 'no answer'}")
