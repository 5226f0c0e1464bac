import ArgumentParser
import FieldAgent
import FieldCore

/// What a relay keeps at most. Given once, it holds until something else is given.
struct QuotaOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The most that a relay keeps (default: 8G); it drops first what nobody needs.", valueName: "size"))
  var relayQuota: ByteSize?

  @Option(help: ArgumentHelp("The most of one author's entries (default: 4G).", valueName: "size"))
  var relayAuthorQuota: ByteSize?

  @Option(help: ArgumentHelp("The most of what one device brings (default: 4G).", valueName: "size"))
  var relayClientQuota: ByteSize?

  @Flag(
    inversion: .prefixedNo, help: "Whether a full relay drops what no other device is known to have (default: no).")
  var relayDropUnacknowledged: Bool?

  func apply(to home: OpenHome) async throws {
    guard
      [relayQuota, relayAuthorQuota, relayClientQuota].contains(where: { $0 != nil }) || relayDropUnacknowledged != nil
    else { return }
    var quota = try await home.settleQuota() ?? .usual
    if let relayQuota { quota.totalByteCount = relayQuota.byteCount }
    if let relayAuthorQuota { quota.authorByteCount = relayAuthorQuota.byteCount }
    if let relayClientQuota { quota.clientByteCount = relayClientQuota.byteCount }
    if let relayDropUnacknowledged { quota.dropsUnacknowledged = relayDropUnacknowledged }
    try await home.setQuota(quota)
  }
}

/// A number of bytes, as people write it: `500M`, `8G`, in powers of 1,024; `none` for no bound.
struct ByteSize: ExpressibleByArgument {
  /// `nil` for no bound.
  let byteCount: UInt64?

  private static let units: [Character: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]

  init?(argument: String) {
    if argument == "none" {
      byteCount = nil
      return
    }
    let unit = argument.last.flatMap { $0.uppercased().first.flatMap { Self.units[$0] } }
    guard let number = UInt64(unit == nil ? argument : String(argument.dropLast())),
      case let (count, isOver) = number.multipliedReportingOverflow(by: unit ?? 1), !isOver, count <= UInt64(Int64.max)
    else { return nil }
    byteCount = count
  }
}
