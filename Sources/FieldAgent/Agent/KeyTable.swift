import FieldCore

/// The keys that peers may begin sessions of one home with, kept so that a stranger's message costs some hashes and no
/// look at the disk. What fits none of them is tried again with keys that are read anew, a few times a second at most,
/// however many strangers knock: an invitation that was just given out counts at once.
actor KeyTable {
  /// How long a look at the disk waits for others to share it.
  private static let rereadInterval: Duration = .milliseconds(50)

  private let home: OpenHome
  private let clock: any Clock<Duration>
  private var keys: [SessionKey] = []
  /// The look at the disk that has not begun.
  private var reread: Task<Void, Never>?

  init(home: OpenHome, clock: any Clock<Duration>) {
    self.home = home
    self.clock = clock
  }

  /// Whether the home's agent has anything to say to who begins so.
  func opens(_ first: [UInt8]) async -> Bool {
    switch SessionOpening(first) {
    case nil: return false
    case .code: return (try? home.home.code.entry())?.state == .open
    case .handshake:
      if SessionHandshake.begins(first, with: keys) { return true }
      await read()
      return SessionHandshake.begins(first, with: keys)
    }
  }

  /// Returns after a look at the disk that began after the call.
  private func read() async {
    if let reread { return await reread.value }
    let task = Task {
      try? await clock.sleep(for: Self.rereadInterval)
      reread = nil
      let invitations = (try? home.home.invitations.pending()) ?? []
      let open = invitations.map { SessionKey.invitation(secret: $0.secret, workspace: home.identity.workspace) }
      keys = ((try? await home.syncKeys()) ?? []) + open
    }
    reread = task
    await task.value
  }
}
