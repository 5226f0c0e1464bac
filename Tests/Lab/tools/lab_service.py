"""The lab's own GATT service, which public tools serve and use to show that the lab works."""

SERVICE_UUID = "1ab00001-5c0a-4c4e-9d3c-2f6a0b1e5c5c"
GREETING_UUID = "1ab00002-5c0a-4c4e-9d3c-2f6a0b1e5c5c"  # read: GREETING
WRITE_UUID = "1ab00003-5c0a-4c4e-9d3c-2f6a0b1e5c5c"  # write without response: comes back on NOTIFY_UUID
NOTIFY_UUID = "1ab00004-5c0a-4c4e-9d3c-2f6a0b1e5c5c"
GREETING = b"the lab is on the air"
