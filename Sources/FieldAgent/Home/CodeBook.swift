public import FieldCore
public import FieldWire
import Sodium

/// The one spoken code that a home may have open, and what became of it. The command that made it and the agent that
/// serves it tell each other by its file.
///
/// Encoded: version 1 (u8), state (u8), role (u8), code (3), made at and lifetime as in ``PendingInvitation``, device
/// (length-prefixed: 32 bytes or none), name and check words (length-prefixed UTF-8).
public struct CodeBook: Sendable {
  /// How far it has come.
  public enum State: UInt8, Sendable {
    case open = 1
    /// Somebody tried it, and nobody can any more.
    case tried
    /// Who tried it knew it, and asks to be let in: people compare the check words now.
    case asking
    case confirmed
    case denied
    case letIn
    /// Who tried it did not know it, or went away.
    case failed
  }

  /// The code and what became of it.
  public struct Entry: Sendable {
    public internal(set) var state: State
    public let role: DeviceRole
    let code: [UInt8]
    let madeAt: ClockReading
    let lifetimeSeconds: Int64
    public internal(set) var device: DeviceKey?
    /// What the device calls itself. Somebody else's text.
    public internal(set) var name = ""
    public internal(set) var checkWords = ""

    /// What people say to each other.
    public var text: String { CodeWords.text(of: code) }
  }

  public static let wordCount = 3
  public static let lifetime: Duration = .seconds(120)
  private static let version: UInt8 = 1
  private static let fileByteLimit = 4096

  private let path: String
  private let lockPath: String

  init(path: String, lockPath: String) {
    self.path = path
    self.lockPath = lockPath
  }

  /// The bytes that a typed code stands for.
  ///
  /// - Throws: ``AgentError`` with `invalidInput`; then nothing was tried.
  public static func bytes(of text: String) throws(AgentError) -> [UInt8] {
    guard let bytes = CodeWords.bytes(of: text, count: wordCount) else {
      throw AgentError(
        .invalidInput, "That is no code: it has \(wordCount) words of a fixed list.",
        hint: "Type it again as the other screen shows it. Nothing was tried yet.")
    }
    return bytes
  }

  /// Opens a new code; one that was open is no longer.
  public func open(
    role: DeviceRole, lifetime: Duration = CodeBook.lifetime, at now: ClockReading = .now()
  ) throws(AgentError) -> Entry {
    let entry = Entry(
      state: .open, role: role, code: SystemRandom.bytes(Self.wordCount), madeAt: now,
      lifetimeSeconds: lifetime.components.seconds)
    let lock = try HomeLock.take(lockPath, whatFor: "the code")
    defer { withExtendedLifetime(lock) {} }
    try write(entry)
    return entry
  }

  /// `nil` when there is none, or its time is over and nobody has tried it.
  public func entry(at now: ClockReading = .now()) throws(AgentError) -> Entry? {
    guard let entry = try read() else { return nil }
    return entry.state == .open && Self.isExpired(entry, at: now) ? nil : entry
  }

  /// Uses the code up, on disk when this returns.
  ///
  /// - Returns: Its bytes; `nil` when none is open.
  public func claim(at now: ClockReading = .now()) throws(AgentError) -> [UInt8]? {
    guard let entry = try entry(at: now), entry.state == .open else { return nil }
    return try change(entry.code, from: [.open]) { $0.state = .tried }?.code
  }

  /// Moves on from where `entry` is; does nothing when the same code is somewhere else by now, or another is open.
  @discardableResult
  public func advance(_ entry: Entry, to next: State) throws(AgentError) -> Bool {
    try change(entry.code, from: [entry.state]) { $0.state = next } != nil
  }

  /// Nobody is let in by this code any more, unless somebody was.
  func fail(_ code: [UInt8]) throws(AgentError) {
    _ = try change(code, from: [.tried, .asking, .confirmed]) { $0.state = .failed }
  }

  func letIn(_ code: [UInt8]) throws(AgentError) { _ = try change(code, from: [.confirmed]) { $0.state = .letIn } }

  /// - Returns: Whether it was this code's turn to ask.
  func ask(
    _ code: [UInt8], _ device: DeviceKey, named name: String, checkWords: String
  ) throws(AgentError) -> Bool {
    try change(code, from: [.tried]) { entry in
      entry.state = .asking
      entry.device = device
      entry.name = name
      entry.checkWords = checkWords
    } != nil
  }

  /// Forgets a code; one that was opened after it stays.
  public func close(_ entry: Entry) throws(AgentError) {
    let lock = try HomeLock.take(lockPath, whatFor: "the code")
    defer { withExtendedLifetime(lock) {} }
    if try read()?.code == entry.code { try HomeFiles.remove(path) }
  }

  private static func isExpired(_ entry: Entry, at now: ClockReading) -> Bool {
    PendingInvitation(
      secret: [], role: entry.role, madeAt: entry.madeAt, lifetimeSeconds: entry.lifetimeSeconds
    ).isExpired(at: now)
  }

  private func change(
    _ code: [UInt8], from states: Set<State>, _ body: (inout Entry) -> Void
  ) throws(AgentError) -> Entry? {
    let lock = try HomeLock.take(lockPath, whatFor: "the code")
    defer { withExtendedLifetime(lock) {} }
    guard var entry = try read(), entry.code == code, states.contains(entry.state) else { return nil }
    body(&entry)
    try write(entry)
    return entry
  }

  private func write(_ entry: Entry) throws(AgentError) {
    var writer = WireWriter()
    writer.u8(Self.version)
    writer.u8(entry.state.rawValue)
    writer.u8(entry.role.rawValue)
    writer.raw(entry.code)
    writer.u64(UInt64(bitPattern: entry.madeAt.wallSeconds))
    writer.u64(UInt64(bitPattern: entry.madeAt.bootSeconds))
    writer.text(entry.madeAt.boot)
    writer.u64(UInt64(bitPattern: entry.lifetimeSeconds))
    writer.lengthPrefixed(entry.device?.bytes ?? [])
    writer.text(entry.name)
    writer.text(entry.checkWords)
    var bytes = writer.bytes
    defer { bytes.wipe() }
    try HomeFiles.replace(path, with: bytes)
  }

  private func read() throws(AgentError) -> Entry? {
    guard var bytes = try HomeFiles.read(path, byteLimit: Self.fileByteLimit) else { return nil }
    defer { bytes.wipe() }
    var reader = WireReader(bytes)
    do {
      guard try reader.u8() == Self.version, let state = State(rawValue: try reader.u8()),
        let role = DeviceRole(rawValue: try reader.u8())
      else { throw WireError(.invalidValue, "an unknown state") }
      let code = try reader.raw(Self.wordCount)
      let madeAt = ClockReading(
        wallSeconds: Int64(bitPattern: try reader.u64()), bootSeconds: Int64(bitPattern: try reader.u64()),
        boot: try reader.text(limit: 64))
      let lifetime = Int64(bitPattern: try reader.u64())
      guard (0...Int64.max / 2).contains(madeAt.wallSeconds), (0...Int64.max / 2).contains(madeAt.bootSeconds),
        (0...86_400).contains(lifetime)
      else { throw WireError(.invalidValue, "a time out of range") }
      var entry = Entry(state: state, role: role, code: code, madeAt: madeAt, lifetimeSeconds: lifetime)
      entry.device = DeviceKey(try reader.lengthPrefixed(limit: DeviceKey.byteCount))
      entry.name = try reader.text(limit: Identity.nameByteLimit)
      entry.checkWords = try reader.text(limit: 256)
      try reader.expectEnd()
      return entry
    } catch {
      throw AgentError(.damaged, "The code's file is damaged.", hint: "Remove '\(path)' and invite again.")
    }
  }
}
