import FieldCore
import NIOCore

/// Tells a ``FramedChannel`` what comes in from the network.
final class FramedChannelHandler: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer

  let framed: FramedChannel
  private let whenActive: (@Sendable (FramedChannel) -> Void)?

  init(_ framed: FramedChannel, whenActive: (@Sendable (FramedChannel) -> Void)?) {
    self.framed = framed
    self.whenActive = whenActive
  }

  func channelActive(context: ChannelHandlerContext) {
    whenActive?(framed)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    framed.received(unwrapInboundIn(data))
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    framed.readCompleted()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed {
      framed.inputEnded()
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    framed.failed(TransportError(losing: error))
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    framed.failed(TransportError(.connectionLost, "the connection was lost"))
  }
}
