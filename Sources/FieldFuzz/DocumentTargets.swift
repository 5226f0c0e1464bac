import FieldAgent
@testable import FieldDocuments

/// What members write, and what people paste.
let documentTargets: [FuzzTarget] = [
  FuzzTarget("change") { bytes in
    guard let record = try? ChangeRecord(decoding: bytes) else { return }
    let encoded = record.encoded
    require(bytes.starts(with: encoded), "a change has one encoding")
    require((try? ChangeRecord(decoding: encoded)) == record, "a change reads back")
  },
  FuzzTarget("invitation") { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    guard let invitation = try? Invitation(uri: text) else { return }
    require(text.contains(invitation.uri), "an invitation has one text")
  },
  FuzzTarget("device-text") { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    guard let device = try? DeviceText.decode(text) else { return }
    require((try? DeviceText.decode(DeviceText.encode(device))) == device, "a device's text reads back")
  },
  FuzzTarget("terminal-text") { bytes in
    for text in [TerminalText.escape(String(decoding: bytes, as: UTF8.self)), TerminalText.escape(bytes: bytes)] {
      require(!text.unicodeScalars.contains(where: \.isUnsafeInTerminal), "nothing that a terminal acts on")
    }
  },
]
