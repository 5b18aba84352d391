// SPDX-License-Identifier: Apache-2.0

internal import HummingbirdCore
internal import NIOCore
internal import NodeModel

extension LogQuery {
    /// Reads the options that `kubectl logs` has.
    init(_ query: RequestQuery, now: Timestamp) throws(Refusal) {
        self.init()
        follows = try query.flag("follow")
        previous = try query.flag("previous")
        timestamps = try query.flag("timestamps")
        tailLines = try query.number("tailLines", from: 0)
        limitBytes = try query.number("limitBytes", from: 1)
        let seconds = try query.number("sinceSeconds", from: 1)
        if let seconds { since = now - .seconds(Int64(clamping: min(seconds, 1 << 40))) }
        if let text = try query.value("sinceTime") {
            guard seconds == nil else { throw .badRequest("sinceSeconds and sinceTime are given, both") }
            do throws(TimestampError) { since = try Timestamp(parsing: text) } catch {
                throw .badRequest("sinceTime: \(error.description)")
            }
        }
    }
}

extension NodeResponder {
    /// A container's log, as it comes from the service and no faster than the client reads.
    func containerLog(_ container: ContainerReference, _ query: RequestQuery) async throws(Refusal) -> Answer {
        let request = LogRequest(container, try LogQuery(query, now: Self.now()))
        let chunks: AsyncThrowingStream<[UInt8], any Error>
        do throws(NodeServiceError) { chunks = try await service.log(request) } catch { throw Refusal(error) }
        let body = ResponseBody { writer in
            var rest = request.query.limitBytes ?? .max
            for try await chunk in chunks where rest > 0 {
                try await writer.write(ByteBuffer(bytes: chunk.prefix(rest)))
                rest -= min(rest, chunk.count)
                if rest == 0 { break }
            }
            try await writer.finish(nil)
        }
        return Answer(type: "text/plain", isLong: request.query.follows, body: body)
    }
}
