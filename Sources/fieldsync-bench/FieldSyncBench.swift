import ArgumentParser

@main
struct FieldSyncBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fieldsync-bench",
    abstract: "Measure what fieldsync promises.",
    discussion: """
      Build it for release: swift build -c release. Times depend on the machine, so they are
      given as rates, and as ratios between two things in one run.
      """,
    subcommands: [
      LinkBenchmark.self, SyncBenchmark.self, StoreBenchmark.self, ReconcileBenchmark.self,
      DirectoryBenchmark.self,
    ])
}
