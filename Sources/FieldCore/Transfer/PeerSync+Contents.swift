/// Large payloads come beside the pulls, so that what is small and new never waits for them.
extension PeerSync {
  func deferContents(_ heads: [EntryHead]) async {
    let new = contents.add(heads)
    if !new.isEmpty { contentFeed?.yield(new) }
    outcome.progress.wantedCount = UInt64(contents.count)
    while contents.isFull, !isOver { await withCheckedContinuation { contentWaiters.append($0) } }
  }

  func releaseContentWaiters() {
    for waiter in contentWaiters { waiter.resume() }
    contentWaiters = []
  }

  func fetchContents(_ heads: [EntryHead]) async {
    guard await turns.take(.contents, of: session.peer, for: turnName) else { return }
    await fetchContentsNow(heads)
    await turns.release(.contents, of: session.peer, by: turnName)
  }

  private func fetchContentsNow(_ heads: [EntryHead]) async {
    do {
      let receiver = EntryReceiver(into: store, origin: peerSource) { _, report throws(StoreError) in
        await self.note(report, of: .contents)
      }
      try await ContentFetch(from: remote, into: store, origin: peerSource).run(heads, into: receiver)
      let report = await receiver.report
      note(report, of: .contents)
      tally.end(.contents)
      await noteRefused(report)
      for (code, count) in report.refusals { outcome.refusals[code, default: 0] += count }
      outcome.missingCount += report.missingCount
      let settled = contents.fetched(heads, report)
      releaseContentWaiters()
      outcome.progress.wantedCount = UInt64(contents.count)
      let head = try await store.head()
      guard contents.count == 0 else { return }
      try await perform(
        coordinator?.contentsEnded(settled: settled, own: head, root: session.secrets.root(of: head)) ?? [])
    } catch {
      await failed(error)
    }
  }
}
