#!/usr/bin/env python3
"""The lab's own GATT service seen by bumble: found on the air, read, written and notified.

usage: bumble_client.py PORT     PORT: a UNIX socket of air.py; run by the lab's own Python environment
"""

import asyncio
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from central import Central, Failure, say  # noqa: E402
from lab_service import GREETING, GREETING_UUID, NOTIFY_UUID, SERVICE_UUID, WRITE_UUID  # noqa: E402

FRAME_BYTES = 495
FIND_SECONDS = 30
ANSWER_SECONDS = 20
# bluetoothd asks for the server's descriptor when the first write comes, and keeps that write in a buffer which other
# ATT packets may overwrite meanwhile: the first frame alone, and it may arrive mangled.
OPEN_TRIES = 2


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
    for value in [b"open"] * OPEN_TRIES + [frame]:
        await write.write_value(value, with_response=False)
        answer = await asyncio.wait_for(notified.get(), ANSWER_SECONDS)
        if answer != value and value is frame:
            raise Failure(f"wrote {len(value)} bytes, was notified of {answer[:16].hex()}… ({len(answer)} bytes)")
    say(f"{len(frame)} bytes there and back")
    await central.disconnect()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1]))
    except (Failure, TimeoutError) as error:
        sys.exit(f"error: {error or 'no answer'}")
