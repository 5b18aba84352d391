// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1

/// Says, out of the answer's task, that what is answered now goes on for as long as its client likes.
struct LongAnswer: Sendable {}

/// Stands between the HTTP parser and whoever answers: it lets whole, plain, small requests pass, and none that takes its
/// time. Whatever else comes gets an answer and the end of the connection.
final class RequestGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// How many requests a client may send before it has read the answer to the first.
    private static let pipelined = 16
    /// How long the client has to read the last answer before the connection is closed.
    private static let lingerTime: TimeAmount = .seconds(2)

    private let limits: ServerLimits
    private let metrics: ServerMetrics
    /// Requests whose answer has not ended.
    private var outstanding = 0
    private var requests = 0
    private var bodyBytes = 0
    private var isReading = false
    private var isAnswerBegun = false
    private var isLong = false
    /// The connection ends after this answer.
    private var isLast = false
    /// Nothing that comes is looked at any more.
    private var isOver = false
    private var deadline: Scheduled<Void>?

    private let upgrade: ExecUpgrade

    init(_ limits: ServerLimits, metrics: ServerMetrics, upgrade: ExecUpgrade) {
        self.limits = limits
        self.metrics = metrics
        self.upgrade = upgrade
    }

    func handlerAdded(context: ChannelHandlerContext) { expect(within: limits.headerTime, "slow headers", context) }
    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        let part = unwrapInboundIn(data)
        switch part {
        case .head(let head):
            outstanding += 1
            requests += 1
            bodyBytes = 0
            isReading = true
            if let refusal = RequestForm.refusal(of: head, limits: limits) { return refuse(refusal, context) }
            guard outstanding <= Self.pipelined else {
                return refuse(
                    Refusal(code: 429, reason: "TooManyRequests", message: "too many requests at once"), context)
            }
            if outstanding == 1 { expect(within: limits.requestTime, "slow request", context) }
            if requests == 1 { upgrade.sees(head) }
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            guard bodyBytes <= limits.bodyBytes else { return refuse(RequestForm.tooLarge, context) }
            // Nothing here reads a body; what is not passed on needs no place.
            return
        case .end: isReading = false
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            if !(error is ChannelError) { metrics.requestRefused("connection error") }
            context.close(promise: nil)
            return
        }
        if !isReading { outstanding += 1 }
        refuse(RequestForm.refusal(for: error), context)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head):
            isAnswerBegun = true
            if head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "close" }) {
                isLast = true
            }
            context.write(data, promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            context.write(data, promise: promise)
            isAnswerBegun = false
            isLong = false
            outstanding -= 1
            if isLast { finish(context) } else { expectNext(context) }
        }
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is LongAnswer else { return context.triggerUserOutboundEvent(event, promise: promise) }
        isLong = true
        if context.channel.isWritable { deadline?.cancel() }
        promise?.succeed()
    }

    /// A client that is sent a long answer and reads nothing of it has as long as for a whole request.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isLong, !isOver {
            if context.channel.isWritable {
                deadline?.cancel()
            } else {
                expect(within: limits.requestTime, "slow reader", context)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed where isOver || outstanding == 0 || isLong: return context.close(promise: nil)
        case ChannelEvent.inputClosed: isLast = true
        case is ChannelShouldQuiesceEvent:
            isLast = true
            if outstanding == 0, !isOver { context.close(promise: nil) }
            return
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func expectNext(_ context: ChannelHandlerContext) {
        if outstanding > 0 {
            expect(within: limits.requestTime, "slow request", context)
        } else {
            expect(within: limits.idleTime, nil, context)
        }
    }

    /// Ends the connection unless something else comes first.
    private func expect(within time: Duration, _ reason: String?, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { [metrics] in
            if let reason { metrics.requestRefused(reason) }
            context.close(promise: nil)
        }
    }

    /// Answers in place of the one who would, if nothing of an answer is on the way; ends the connection.
    private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        metrics.requestRefused(refusal.reason)
        guard !isOver, outstanding == 1, !isAnswerBegun else {
            isOver = true
            return context.close(promise: nil)
        }
        let body = refusal.body
        let headers: HTTPHeaders = [
            "content-type": "application/json", "content-length": "\(body.readableBytes)", "connection": "close",
        ]
        let status = HTTPResponseStatus(statusCode: refusal.code)
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        finish(context)
    }

    /// Closed at once, the connection would be reset while the client still sends, and the answer lost.
    private func finish(_ context: ChannelHandlerContext) {
        isOver = true
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerTime) { context.close(promise: nil) }
        context.flush()
        context.close(mode: .output, promise: nil)
    }
}
