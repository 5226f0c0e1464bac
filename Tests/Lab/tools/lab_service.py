"""The lab's own GATT service, which public tools serve and use to show that the lab works."""

SERVICE_UUID = "1ab00001-5c0a-4c4e-9d3c-2f6a0b1e5c5c"
GREETING_UUID = "1ab00002-5c0a-4c4e-9d3c-2f6a0b1e5c5c"  # read: GREETING
WRITE_UUID = "1ab00003-5c0a-4c4e-9d3c-2f6a0b1e5c5c"  # write without response: comes back on NOTIFY_UUID
NOTIFY_UUID = "1ab00004-5c0a-4c4e-9d3c-2f6a0b1e5c5c"
GREETING = b"the lab is on the air"

# bluetoothd asks the server for its descriptor when the first write comes, and keeps that write in a buffer which other
# ATT packets may overwrite meanwhile; and it may subscribe before the server can notify. So a first frame of a length of
# its own is written again and again until it comes back as it was. Copies, mangled or late, come back too.
OPENING = b"open"
OPENING_INTERVAL_SECONDS = 1


def is_of_opening(frame: bytes) -> bool:
    """Whether a frame is a copy of the opening: bluetoothd may lose what is in it, not its length."""
    return len(frame) == len(OPENING)
