// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import HummingbirdCore
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1

/// An answer, and whether it ends only when its client does.
struct Answer: Sendable {
    var response: Response
    var isLong = false

    /// An answer that is there as a whole.
    init(_ text: some StringProtocol, type: String = "text/plain; charset=utf-8") {
        self.init(bytes: Array(text.utf8), type: type)
    }

    /// The same of bytes.
    init(bytes: [UInt8], type: String) {
        response = Response(
            status: .ok, headers: [.contentType: type, .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// An answer that is written bit by bit.
    init(type: String, isLong: Bool, body: ResponseBody) {
        response = Response(
            status: .ok, headers: [.contentType: type, .xContentTypeOptions: "nosniff"], body: body)
        self.isLong = isLong
    }

    /// No.
    init(_ refusal: Refusal) { response = refusal.response }
}

/// Turns what Hummingbird writes into what the encoder of NIO takes. Requests pass as they came: a header whose name is no
/// token, which the types of answers could not hold, is for the gate to see and refuse.
final class AnswerCodec: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part: HTTPServerResponsePart =
            switch unwrapOutboundIn(data) {
            case .head(let head): .head(HTTPResponseHead(head))
            case .body(let bytes): .body(.byteBuffer(bytes))
            case .end: .end(nil)
            }
        context.write(wrapOutboundOut(part), promise: promise)
    }
}
