@testable import FieldBluetooth
import FieldCore
import FieldWire

/// What comes in over a radio.
let linkTargets: [FuzzTarget] = [
  FuzzTarget("frame") { bytes in
    // With a check sum that is right, so that the fuzzer gets behind it.
    let content = Array(bytes.prefix(LinkFrame.maximumByteCount - 4))
    var writer = WireWriter()
    writer.raw(content)
    writer.u32(CRC32C.checksum(content))
    guard let frame = try? LinkFrame(decoding: writer.bytes) else { return }
    require(frame.encoded() == writer.bytes, "a frame has one encoding")
  },
  FuzzTarget("link") { bytes in
    var input = FuzzInput(bytes)
    let choice = input.byte()
    var link = FrameLink(
      role: choice & 1 == 0 ? .acceptor : .initiator(session: 1),
      configuration: FrameLinkConfiguration(
        maximumFrameByteCount: 20 + Int(choice), maximumMessageByteCount: 300, firstSequence: input.word()))
    var now = Duration.zero
    var actions = link.open(now: now)
    while !input.isEmpty {
      switch input.byte() % 8 {
      case 0...2: actions = link.received(frame(&input), now: now)
      case 3:
        now += .milliseconds(Int(input.word()) / 8)
        actions = link.timerFired(now: now)
      case 4: actions = link.linkReady(now: now)
      case 5: actions = (try? link.send(input.bytes(Int(input.byte())), now: now)) ?? []
      case 6:
        if let (message, next) = link.takeMessage(now: now) {
          require(message.count <= 300, "no message is larger than the link's largest")
          actions = next
        }
      default: actions = input.byte() == 0 ? link.close(now: now) : link.timerFired(now: now)
      }
      for case .sendFrame(let bytes) in actions {
        require(
          (try? LinkFrame(decoding: bytes)) != nil && bytes.count <= 20 + Int(choice), "a frame that is sent is one")
      }
      // A message may come in frames of one byte, and what is being joined takes no credit.
      require(
        link.statistics.largestQueuedFrameCount <= FrameLinkLimits.windowCapFrameCount + 301, "queues are bounded")
    }
  },
  FuzzTarget("bluetooth") { bytes in
    if let information = try? ServiceInformation(decoding: bytes) {
      require(bytes.starts(with: information.encoded().prefix(2)), "INFO keeps what it says first")
      require((try? ServiceInformation(decoding: information.encoded())) == information, "INFO reads back")
    }
    if let message = try? ControlMessage(decoding: bytes) {
      require(bytes.starts(with: message.encoded()), "CTRL has one encoding")
    }
  },
]

/// A frame that the link may take, made of a few bytes.
private func frame(_ input: inout FuzzInput) -> [UInt8] {
  let session = UInt16(input.byte() & 3)
  let sequence = input.word()
  let flags = LinkFrame.Flags(rawValue: input.byte())
  let parameters = LinkParameters(
    protocolVersion: input.byte() & 3, maximumFrameByteCount: input.word(), windowFrameCount: input.word(),
    maximumMessageByteCount: UInt32(input.word()))
  let body: LinkFrame.Body =
    switch input.byte() % 5 {
    case 0: .open(parameters)
    case 1: .openAcknowledgement(parameters)
    case 2: .data(input.bytes(Int(input.byte())))
    case 3:
      .acknowledgement(
        LinkAcknowledgement(bitmap: UInt64(input.word()) << UInt64(input.byte() & 63), creditFrameCount: input.word()))
    default: .close(LinkCloseReason(rawValue: input.byte()))
    }
  return LinkFrame(session: session, sequence: sequence, flags: flags, body: body).encoded()
}
