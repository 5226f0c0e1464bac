import FieldCore

/// The headers of one document's entries, as a graph.
struct DocumentHistory {
  let graph: ChangeGraph

  init(of document: DocumentID, in database: DatabaseID, _ store: any LocalStore) async throws {
    var entries: [ChangeGraph.Entry] = []
    try await store.eachPage(EntryFilter(scope: .document(database, document))) { listings in
      let headers = try await store.headers(listings.map(\.id))
      for listing in listings {
        guard let header = headers[listing.id] else { continue }
        entries.append(ChangeGraph.Entry(id: listing.id, kind: header.kind, dependencies: header.dependencies))
      }
    }
    graph = ChangeGraph(entries)
  }

  var isDeleted: Bool { DocumentMerge(graph).isDeleted }

  /// The entries that a new one follows, newest here last.
  var heads: [EntryID] { graph.heads.sorted().map { graph.id(at: $0) } }
}
