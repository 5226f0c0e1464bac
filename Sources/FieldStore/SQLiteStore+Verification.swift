public import FieldCore

extension SQLiteStore {
  /// Checks everything on disk as of one moment, while others go on reading and writing: the file as SQLite sees it,
  /// each entry's header, id, payload and signature, what was counted and summed up, and that nothing is there that
  /// nobody names.
  ///
  /// - Parameter progress: Called now and then with how many entries were checked, and how many there are.
  /// - Returns: A sentence for each thing that is wrong; none when all is well.
  public func verify(
    progress: @escaping @Sendable (_ checked: UInt64, _ total: UInt64) -> Void = { _, _ in }
  )
    async throws(StoreError) -> [String]
  {
    try await read { [workspace] database in
      var verification = StoreVerification(database: database, workspace: workspace, progress: progress)
      return try verification.run()
    }
  }
}
