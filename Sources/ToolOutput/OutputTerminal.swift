// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import LinuxKernel
internal import SystemPackage

/// Standard output and standard error, without the buffers of the C library.
package enum Output {
    /// Writes a text and a newline to standard output. Throws when it cannot be written: a full disk under a
    /// redirection must not look like success.
    package static func print(_ text: String) throws(KernelError) { try write(text + "\n", to: .output) }

    /// Writes a JSON document and a newline to standard output.
    package static func print(_ document: JSON) throws(KernelError) { try print(document.description) }

    /// Says something on standard error, as `bulkhead: …`. Nobody can be told when that fails.
    package static func complain(_ text: String) { try? write("\(program): \(text)\n", to: .error) }

    /// The agent has a name of its own; the tool has one name whatever part of it runs.
    private static let program =
        OwnProgram.commandLine.first?.split(separator: "/").last == "bulkheadd" ? "bulkheadd" : "bulkhead"

    package static func write(_ text: String, to stream: StandardStream) throws(KernelError) {
        let descriptor = try Descriptor.standard(stream)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            do throws(KernelError) {
                rest = rest.dropFirst(try descriptor.writeOnce(rest))
            } catch {
                // A terminal or pipe that another program made non-blocking.
                guard error.errno == .resourceTemporarilyUnavailable else { throw error }
                _ = try poll([descriptor.number], for: .writable)
            }
        }
    }

    /// A program started with a standard stream closed would get that number for the next file it opens, and write its
    /// messages there. Such a stream becomes `/dev/null`, opened the wrong way round: writing to it still fails.
    package static func fillClosedStreams() {
        for stream in [StandardStream.input, .output, .error] {
            if (try? Descriptor.standard(stream)) != nil { continue }
            guard let null = try? Descriptor.open("/dev/null", stream == .input ? .writing : .reading) else { return }
            _ = null.release()
        }
    }
}

/// Colour and weight of text, where the reader can see it.
package struct Style {
    /// Whether escape sequences are written.
    package let isColoured: Bool

    /// Coloured on a terminal that is not `dumb`, unless `NO_COLOR` is set to anything.
    package static func forStandardOutput() -> Style {
        Style(isColoured: isatty(1) == 1 && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb")
    }

    package func bold(_ text: String) -> String { wrapped(text, "1") }
    package func dim(_ text: String) -> String { wrapped(text, "2") }
    package func green(_ text: String) -> String { wrapped(text, "32") }
    package func red(_ text: String) -> String { wrapped(text, "31") }
    package func yellow(_ text: String) -> String { wrapped(text, "33") }

    private func wrapped(_ text: String, _ code: String) -> String {
        isColoured && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// A variable of the environment, or nil.
package func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
}

extension String {
    /// Filled with blanks to a width.
    package func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    /// What a terminal may be shown of a name that others chose: control characters as `?`.
    package var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
