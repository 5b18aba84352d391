// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// How exec speaks over a WebSocket: each message begins with the number of a channel.
enum ExecProtocol: String, Sendable {
    /// The client cannot end the input.
    case v4 = "v4.channel.k8s.io"
    /// It can: with a message on channel 255.
    case v5 = "v5.channel.k8s.io"

    /// The newest that a client offers.
    init?(offered: [some StringProtocol]) {
        if offered.contains(where: { $0 == Self.v5.rawValue }) {
            self = .v5
        } else if offered.contains(where: { $0 == Self.v4.rawValue }) {
            self = .v4
        } else {
            return nil
        }
    }
}

/// The channels of exec.
enum ExecChannel: UInt8, Sendable {
    case input = 0, output, error, status, resize
    case close = 255
}

/// What a client says.
enum ExecMessage: Hashable, Sendable {
    /// Input of the command.
    case input(ArraySlice<UInt8>)
    /// The input has ended.
    case endOfInput
    /// The terminal has another size.
    case resize(columns: UInt16, rows: UInt16)
    /// Nothing that matters.
    case nothing

    /// Reads a message; nil for one that is against the protocol.
    init?(_ bytes: [UInt8], _ version: ExecProtocol) {
        guard let first = bytes.first else { return nil }
        let content = bytes.dropFirst()
        switch ExecChannel(rawValue: first) {
        case .input: self = content.isEmpty ? .nothing : .input(content)
        case .resize:
            struct Size: Decodable {
                // As the API spells them.
                // swift-format-ignore: AlwaysUseLowerCamelCase
                let Width, Height: UInt16
            }
            guard let size = try? JSONDecoder().decode(Size.self, from: Data(content)) else { return nil }
            self = .resize(columns: size.Width, rows: size.Height)
        case .close where version == .v5:
            guard content.count == 1, let channel = content.first else { return nil }
            self = channel == ExecChannel.input.rawValue ? .endOfInput : .nothing
        default: return nil
        }
    }
}

extension KubernetesStatus {
    /// How a command ended, as the client of exec reads it on the status channel.
    init(exitCode: Int32) {
        guard exitCode != 0 else {
            self.init(status: "Success")
            return
        }
        self.init(
            status: "Failure", message: "command terminated with non-zero exit code: exit status \(exitCode)",
            reason: "NonZeroExitCode",
            details: Details(causes: [Details.Cause(reason: "ExitCode", message: "\(exitCode)")]))
    }
}
