import FieldCore
import Foundation
import GRDB
import Glibc

/// Creates and opens the file of a ``SQLiteStore``, whose comment says what is in the tables.
enum StoreSchema {
  /// The versions of the schema, in order: each statement list takes the file from the version before to this one.
  /// `PRAGMA user_version` says where a file is. Versions that have been released never change.
  private static let versions = [
    """
    CREATE TABLE store (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      workspace BLOB NOT NULL,
      epoch INTEGER NOT NULL
    );
    CREATE TABLE total (
      scope BLOB NOT NULL UNIQUE,
      arrival INTEGER NOT NULL,
      entryCount INTEGER NOT NULL,
      digest BLOB NOT NULL
    );
    CREATE TABLE entry (
      arrival INTEGER PRIMARY KEY,
      id BLOB NOT NULL UNIQUE,
      header BLOB NOT NULL,
      signature BLOB NOT NULL,
      payload INTEGER NOT NULL,
      source INTEGER,
      database BLOB NOT NULL AS (substr(header, 3, 16)) VIRTUAL,
      document BLOB NOT NULL AS (substr(header, 19, 16)) VIRTUAL,
      content BLOB NOT NULL AS (substr(header, 111, 32)) VIRTUAL
    );
    CREATE INDEX entryDatabase ON entry(database);
    CREATE INDEX entryDocument ON entry(database, document);
    CREATE INDEX entryContent ON entry(content);
    CREATE TABLE payload (
      key INTEGER PRIMARY KEY,
      bytes BLOB NOT NULL
    );
    CREATE TABLE source (
      key INTEGER PRIMARY KEY,
      device BLOB NOT NULL,
      epoch INTEGER NOT NULL,
      UNIQUE (device, epoch)
    );
    CREATE TABLE chain (
      author BLOB NOT NULL,
      database BLOB NOT NULL,
      sequence BLOB NOT NULL,
      id BLOB NOT NULL,
      PRIMARY KEY (author, database)
    ) WITHOUT ROWID;
    CREATE TABLE purged (
      database BLOB NOT NULL,
      document BLOB NOT NULL,
      PRIMARY KEY (database, document)
    ) WITHOUT ROWID;
    CREATE TABLE peer (
      device BLOB PRIMARY KEY NOT NULL,
      epoch INTEGER,
      arrival INTEGER
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE aside (
      id BLOB PRIMARY KEY NOT NULL,
      author BLOB NOT NULL,
      header BLOB NOT NULL,
      signature BLOB NOT NULL,
      payload BLOB NOT NULL,
      source INTEGER
    );
    CREATE INDEX asideAuthor ON aside(author);
    CREATE INDEX entryChain ON entry(substr(header, 35, 32), substr(header, 3, 16), substr(header, 67, 8));
    """,
    """
    CREATE TABLE base (
      key INTEGER PRIMARY KEY AUTOINCREMENT,
      device BLOB NOT NULL,
      entryCount INTEGER NOT NULL,
      digest BLOB NOT NULL,
      ownEpoch INTEGER NOT NULL,
      ownArrival INTEGER NOT NULL,
      peerEpoch INTEGER NOT NULL,
      peerArrival INTEGER NOT NULL
    );
    CREATE INDEX baseDevice ON base(device);
    """,
    """
    CREATE TABLE partial (
      content BLOB PRIMARY KEY NOT NULL,
      source BLOB NOT NULL,
      payloadByteCount INTEGER NOT NULL,
      byteCount INTEGER NOT NULL,
      touched INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE partialPiece (
      key INTEGER PRIMARY KEY,
      content BLOB NOT NULL,
      offset INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      UNIQUE (content, offset)
    );
    """,
    """
    CREATE TABLE quota (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      total INTEGER,
      author INTEGER,
      client INTEGER,
      dropsUnacknowledged INTEGER NOT NULL
    );
    CREATE TABLE usage (
      kind INTEGER NOT NULL,
      device BLOB NOT NULL,
      entryCount INTEGER NOT NULL,
      byteCount INTEGER NOT NULL,
      PRIMARY KEY (kind, device)
    ) WITHOUT ROWID;
    INSERT INTO usage
      SELECT 0, x'', COUNT(*), COALESCE(SUM(length(header) + length(signature) + length(bytes)), 0)
      FROM entry JOIN payload ON payload.key = entry.payload;
    INSERT INTO usage
      SELECT 1, substr(header, 35, 32), COUNT(*), SUM(length(header) + length(signature) + length(bytes))
      FROM entry JOIN payload ON payload.key = entry.payload GROUP BY substr(header, 35, 32);
    INSERT INTO usage
      SELECT 2, device, COUNT(*), SUM(length(header) + length(signature) + length(bytes))
      FROM entry JOIN payload ON payload.key = entry.payload JOIN source ON source.key = entry.source GROUP BY device;
    """,
  ]

  static func open(path: String, workspace: WorkspaceID, options: SQLiteStore.Options) throws -> DatabasePool {
    try create(path)
    let clock = ContinuousClock()
    let deadline = clock.now + options.busyTimeout
    while true {
      do {
        return try openOnce(path: path, workspace: workspace, options: options)
      } catch let error as DatabaseError
        where error.resultCode.primaryResultCode == .SQLITE_BUSY && clock.now < deadline
      {
        // SQLite does not wait by itself where two processes turn on the write-ahead log, or recover it, at once.
        usleep(5000)
      }
    }
  }

  /// Makes an empty file that nobody else may read; SQLite gives its log the same mode. A file that is there is left
  /// alone, unopened: closing another descriptor of it would take away this process's locks on it.
  private static func create(_ path: String) throws {
    let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
      Glibc.close(descriptor)
    } else if errno != EEXIST {
      throw StoreError(.cannotWrite, String(cString: strerror(errno)))
    }
  }

  private static func openOnce(
    path: String, workspace: WorkspaceID, options: SQLiteStore.Options
  ) throws
    -> DatabasePool
  {
    var configuration = Configuration()
    configuration.label = "FieldStore"
    configuration.foreignKeysEnabled = false
    configuration.maximumReaderCount = SQLiteStore.Options.readerCount
    configuration.busyMode = .timeout(options.busyTimeout / .seconds(1))
    configuration.prepareDatabase { database in
      let pageCount =
        database.configuration.readonly
        ? SQLiteStore.Options.readerCachePageCount : SQLiteStore.Options.writerCachePageCount
      try database.execute(sql: "PRAGMA cache_size = \(pageCount)")
      try database.execute(sql: "PRAGMA mmap_size = 0")
    }
    let pool = try DatabasePool(path: path, configuration: configuration)
    try pool.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA synchronous = FULL")
      try database.execute(sql: "PRAGMA journal_size_limit = \(SQLiteStore.Options.logByteLimit)")
      if let maximum = options.maximumByteCount {
        let pageCount = max(1, maximum / SQLiteStore.Options.pageByteCount)
        try database.execute(sql: "PRAGMA max_page_count = \(pageCount)")
      }
      try migrate(database, workspace)
      try check(database, workspace)
    }
    return pool
  }

  private static func version(_ database: Database) throws -> Int {
    try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
  }

  /// Looks again inside the transaction, since several processes may open a new file at once.
  private static func migrate(_ database: Database, _ workspace: WorkspaceID) throws {
    guard try version(database) < versions.count else { return }
    try database.inTransaction(.immediate) {
      let current = try version(database)
      guard current < versions.count else { return .commit }
      for version in current..<versions.count {
        if version == 0 {
          guard try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM sqlite_schema") == 0 else {
            throw StoreError(.damaged, "a database of another program")
          }
        }
        try database.execute(sql: versions[version])
        if version == 0 {
          try KeptStatement("INSERT INTO store (one, workspace, epoch) VALUES (1, ?, ?)", in: database)
            .run(.identifier(workspace), .integer(Int64.random(in: Int64.min...Int64.max)))
          try KeptStatement(
            "INSERT INTO total (scope, arrival, entryCount, digest) VALUES (x'', 0, 0, ?)", in: database
          )
          .run(.bytes(SetDigest().state))
        }
      }
      try database.execute(sql: "PRAGMA user_version = \(versions.count)")
      return .commit
    }
  }

  private static func check(_ database: Database, _ workspace: WorkspaceID) throws {
    let found = try version(database)
    guard found <= versions.count else {
      throw StoreError(.newerVersion, "schema \(found), and this program knows \(versions.count)")
    }
    let owner = try KeptStatement("SELECT workspace FROM store", in: database)
      .first { row in try row.identifier(0, WorkspaceID.self) }
    guard let owner else { throw StoreError(.damaged, "no workspace is named") }
    guard owner == workspace else { throw StoreError(.otherWorkspace, "the store belongs to another workspace") }
  }
}
