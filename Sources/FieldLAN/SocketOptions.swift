import Glibc
import NIOCore

/// What every connection's socket is set to.
enum SocketOptions {
  /// Asked of the kernel for what came in and was not read. NIO takes it all in when the peer ends the connection, so
  /// this bounds what a slow receiver's connection costs.
  static let receiveByteCount = 256 << 10
  /// What the kernel takes ahead of sending it: more would only be lost to another transport that becomes better.
  static let unsentByteCount = 128 << 10
  /// Silence before the kernel asks whether the peer is there, and between two questions; in seconds.
  static let keepAliveSeconds = 15
  static let keepAliveQuestionCount = 3
  private static let readByteCounts = (minimum: 1 << 10, initial: 4 << 10, maximum: 32 << 10)

  static func apply(to channel: any Channel) throws {
    guard let options = channel.syncOptions else { throw ChannelError.operationUnsupported }
    try options.setOption(.autoRead, value: false)
    try options.setOption(.maxMessagesPerRead, value: 1)
    // The peer's end of its direction is then an event of its own, to be told from a lost connection.
    try options.setOption(.allowRemoteHalfClosure, value: true)
    try options.setOption(
      .recvAllocator,
      value: AdaptiveRecvByteBufferAllocator(
        minimum: readByteCounts.minimum, initial: readByteCounts.initial, maximum: readByteCounts.maximum))
    try options.setOption(.socketOption(.so_rcvbuf), value: receiveByteCount)
    try options.setOption(.socketOption(.so_keepalive), value: 1)
    try options.setOption(.tcpOption(.tcp_nodelay), value: 1)
    try options.setOption(tcp(TCP_KEEPIDLE), value: keepAliveSeconds)
    try options.setOption(tcp(TCP_KEEPINTVL), value: keepAliveSeconds)
    try options.setOption(tcp(TCP_KEEPCNT), value: keepAliveQuestionCount)
    try options.setOption(tcp(TCP_NOTSENT_LOWAT), value: unsentByteCount)
  }

  private static func tcp(_ name: CInt) -> ChannelOptions.Types.SocketOption {
    ChannelOptions.Types.SocketOption(level: .tcp, name: NIOBSDSocket.Option(rawValue: name))
  }
}
