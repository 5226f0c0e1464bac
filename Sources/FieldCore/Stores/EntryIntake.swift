/// The rules of a put, the same for every store: in what order entries are taken, and which.
public enum EntryIntake {
  /// Decides about the entries of one put, inside the store's transaction.
  ///
  /// Directory entries come first, and again for as long as one of them made another one's author known, since nobody
  /// promises that a grant comes after the grant of who gave it. Where they change what the directory says of an
  /// author, the author's entries are looked at again. The others follow in the order given.
  ///
  /// - Parameters:
  ///   - candidates: What verification said of each entry.
  ///   - directory: As of the transaction; it takes in the directory entries that are stored.
  ///   - isPresent: Whether the store holds the entry, those of this put that were inserted included.
  ///   - isPurged: Whether the document was purged.
  ///   - noRoom: Why there is no room for an entry that is no directory entry; `nil` where there is.
  ///   - insert: Stores an entry.
  ///   - readmit: Looks again at everything of these authors that the store holds, outside of the directory: sets aside
  ///     what is not admitted any more, where nobody sees it, and brings back what is.
  /// - Returns: One outcome for each candidate, in the order given.
  /// - Throws: What the closures throw; then the directory is not to be used any more.
  public static func outcomes<Failure: Error>(
    of candidates: [Result<VerifiedEntry, EntryError>], directory: inout Directory,
    isPresent: (EntryID) throws(Failure) -> Bool,
    isPurged: (EntryHeader) throws(Failure) -> Bool,
    noRoom: (EntryHeader, Directory) throws(Failure) -> EntryError.Code?,
    insert: (VerifiedEntry) throws(Failure) -> Void,
    readmit: (Set<DeviceKey>, Directory) throws(Failure) -> Void
  ) throws(Failure) -> [PutOutcome] {
    var outcomes: [PutOutcome] = []
    outcomes.reserveCapacity(candidates.count)
    var directoryEntries: [(index: Int, entry: VerifiedEntry)] = []
    var others: [(index: Int, entry: VerifiedEntry)] = []
    for (index, candidate) in candidates.enumerated() {
      switch candidate {
      case .success(let entry):
        outcomes.append(.duplicate)
        if entry.header.kind == .directory {
          directoryEntries.append((index, entry))
        } else {
          others.append((index, entry))
        }
      case .failure(let error):
        outcomes.append(.refused(error.code))
      }
    }

    let before = directory
    var isProgressing = true
    while isProgressing, !directoryEntries.isEmpty {
      isProgressing = false
      var waiting: [(index: Int, entry: VerifiedEntry)] = []
      for (index, entry) in directoryEntries where try !isPresent(entry.id) {
        do {
          try directory.insert(entry)
        } catch {
          outcomes[index] = .refused(error.code)
          if error.code == .unknownAuthor { waiting.append((index, entry)) }
          continue
        }
        try insert(entry)
        outcomes[index] = .stored
        isProgressing = true
      }
      directoryEntries = waiting
    }
    if directory.operationCount > before.operationCount {
      directory.evaluate()
      let authors = directory.authorsAdmittedOtherwise(than: before)
      if !authors.isEmpty, !Defence.settingAside.isOff { try readmit(authors, directory) }
    }

    for (index, entry) in others where try !isPresent(entry.id) {
      do {
        try directory.admit(entry.header)
      } catch {
        outcomes[index] = .refused(error.code)
        continue
      }
      if try isPurged(entry.header) {
        outcomes[index] = .refused(.purged)
      } else if let code = try noRoom(entry.header, directory) {
        outcomes[index] = .refused(code)
      } else {
        try insert(entry)
        outcomes[index] = .stored
      }
    }
    return outcomes
  }

  /// Holds an entry that this device just signed to the same rules.
  ///
  /// - Throws: ``EntryError``: `unknownAuthor`, `revokedAuthor`, `purged`, and for a directory entry `malformed` and
  ///   `lastAdmin`.
  public static func admitOwn(_ entry: VerifiedEntry, to directory: inout Directory, isPurged: Bool) throws(EntryError)
  {
    if entry.header.kind == .directory {
      try directory.applyOwn(entry)
    } else {
      try directory.admit(entry.header)
    }
    if isPurged { throw EntryError(.purged, "the document was purged here") }
  }
}
