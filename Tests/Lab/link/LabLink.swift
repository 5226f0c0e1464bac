import FieldBluetooth
import FieldCore
import Foundation
import Logging

/// Sends and checks bytes over a Bluetooth link, both ways at once.
///
/// `lab-link --adapter hci0 [--dial [ADDRESS]] [--bytes N] [--rounds N] [--hold] [--gatt] [--announce PSM] [--verbose]`
///
/// Without `--dial` it takes links for ever; with it, it dials the address, or whom it sees, again after a link broke,
/// until N rounds are complete; with `--hold` it then keeps the link and sends a little over it. `--gatt` does without
/// L2CAP channels, `--announce` names another PSM than the one that is listened on.
@main
struct LabLink {
  private struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let messageByteCount = 3800
  private static let started = ContinuousClock.now

  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    func value(_ name: String) -> String? {
      arguments.firstIndex(of: name).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
    }
    let level: Logger.Level = arguments.contains("--verbose") ? .trace : .info
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    let byteCount = value("--bytes").flatMap { Int($0) } ?? 300_000
    var configuration = BluetoothConfiguration(adapter: value("--adapter"), announcement: [1, 2, 3, 4])
    configuration.usesChannels = !arguments.contains("--gatt")
    configuration.announcedPSM = value("--announce").flatMap { UInt16($0) }
    let transport = BluetoothTransport(
      configuration: configuration, logger: Logger(label: value("--adapter") ?? "any"))
    let running = Task { try await transport.run() }
    Task { for await status in transport.statusChanges() { say("status \(status)") } }
    if arguments.contains("--dial") {
      let address = value("--dial").flatMap { PeerAddress($0) }
      await dial(
        transport, address, byteCount: byteCount, rounds: value("--rounds").flatMap { Int($0) } ?? 1,
        isHeld: arguments.contains("--hold"))
      running.cancel()
      _ = await running.result
    } else {
      await listen(transport)
    }
  }

  private static func listen(_ transport: BluetoothTransport) async {
    say("listening")
    for await connection in transport.incomingConnections() {
      Task {
        do {
          // The dialler says how much, gets back what it sends after that, and closes.
          guard let agreed = try await connection.receive(), let count = Int(String(decoding: agreed, as: UTF8.self))
          else {
            throw Failure(description: "no byte count")
          }
          try await exchange(connection, count)
          say("complete")
          while let message = try await connection.receive() { try await connection.send(message) }
          say("closed")
        } catch {
          say("lost: \(error)")
        }
        await connection.close()
      }
    }
  }

  private static func dial(
    _ transport: BluetoothTransport, _ address: PeerAddress?, byteCount: Int, rounds: Int, isHeld: Bool
  ) async {
    var done = 0
    while done < rounds {
      do {
        say("looking")
        let sighting = await transport.sightings().first {
          $0.change == .appeared && (address == nil || $0.address == address)
        }
        guard let sighting else { return }
        let started = ContinuousClock.now
        say("dialling \(sighting.address) \(sighting.announcement)")
        let connection = try await transport.connect(to: sighting.address)
        say("connected after \(ContinuousClock.now - started) to \(connection.peerDescription)")
        do {
          try await connection.send(Array(String(byteCount).utf8))
          try await exchange(connection, byteCount)
          done += 1
          say("complete \(done)")
          if isHeld { try await echo(connection) }
        } catch {
          say("lost: \(error)")
        }
        await connection.close()
      } catch {
        say("failed: \(error)")
        try? await Task.sleep(for: .milliseconds(200))  // a pause before the next try, for other tasks
      }
    }
    say("done")
  }

  /// A little of traffic, until the link breaks.
  private static func echo(_ connection: any TransportConnection) async throws {
    var index = 0
    while true {
      try await connection.send(message(index))
      guard try await connection.receive() == message(index) else {
        throw Failure(description: "echo \(index) is wrong")
      }
      index += 1
      if index % 10 == 0 { say("echoes \(index)") }
    }
  }

  private static func exchange(_ connection: any TransportConnection, _ byteCount: Int) async throws {
    let count = (byteCount + messageByteCount - 1) / messageByteCount
    let started = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for index in 0..<count { try await connection.send(message(index)) } }
      group.addTask {
        for index in 0..<count {
          guard try await connection.receive() == message(index) else {
            throw Failure(description: "message \(index) of \(count) is missing or wrong")
          }
        }
      }
      // Not waitForAll, which waits for the other task when one has failed.
      while try await group.next() != nil {}
    }
    let elapsed = ContinuousClock.now - started
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    say(
      "exchanged \(count * messageByteCount) bytes each way in \(seconds) s: \(Int(Double(byteCount) / seconds / 1000)) kB/s"
    )
    if let connection = connection as? FrameLinkConnection { say("\(connection.statistics)") }
  }

  private static func message(_ index: Int) -> [UInt8] {
    (0..<messageByteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index &* 7 &+ index >> 8) }
  }

  private static func say(_ text: String) {
    let elapsed = (ContinuousClock.now - started).components
    let line = "\(elapsed.seconds).\(elapsed.attoseconds / 100_000_000_000_000_000) \(text)\n"
    FileHandle.standardOutput.write(Data(line.utf8))
  }
}
