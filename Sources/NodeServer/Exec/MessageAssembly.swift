// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOWebSocket

/// Puts messages together from the frames of a client (RFC 6455, 5.4).
struct MessageAssembly {
    /// What is against the protocol, as the code that the connection is closed with.
    struct Violation: Error {
        var code: WebSocketErrorCode
    }

    private let limit: Int
    private var begun: [UInt8]?

    /// - Parameter limit: the bytes of a message, at most.
    init(limit: Int) { self.limit = limit }

    /// Takes a data frame; the message when it is whole.
    mutating func take(_ frame: WebSocketFrame) throws(Violation) -> [UInt8]? {
        switch frame.opcode {
        case .binary, .text: guard begun == nil else { throw Violation(code: .protocolError) }
        case .continuation: guard begun != nil else { throw Violation(code: .protocolError) }
        default: throw Violation(code: .protocolError)
        }
        // Appended where it is: copied for each frame, a message in many pieces would take the square of its time.
        begun = begun ?? []
        begun?.append(contentsOf: frame.unmaskedData.readableBytesView)
        guard let bytes = begun, bytes.count <= limit else { throw Violation(code: .messageTooLarge) }
        guard frame.fin else { return nil }
        begun = nil
        return bytes
    }

    /// What every frame of a client has to be: masked (5.1), without the bits of extensions that nobody agreed on, and whole
    /// and short when it is about the connection (5.5).
    static func check(_ frame: WebSocketFrame) throws(Violation) {
        let isControl = [.ping, .pong, .connectionClose].contains(frame.opcode)
        guard frame.maskKey != nil, frame.reservedBits.isEmpty, !isControl || (frame.fin && frame.length <= 125) else {
            throw Violation(code: .protocolError)
        }
    }
}
