// SPDX-License-Identifier: Apache-2.0

package import LinuxKernel
package import SystemPackage
internal import ToolOutput

/// The program `bulkhead`: does by itself what has to be quick, and becomes the whole tool for the rest.
///
/// It is small and can be linked statically: it starts in a millisecond, where the whole tool, with Foundation, a YAML
/// reader and the argument parser, takes ten or more.
package enum ShortWay {
    /// The whole tool's program, beside this one or in `../libexec/bulkhead`.
    package static let wholeTool = "bulkhead-commands"

    /// Does what the command line says; the exit code.
    package static func run(_ commandLine: [String]) -> Int32 {
        Output.fillClosedStreams()
        do {
            if let code = try answer(commandLine.dropFirst()) { return code }
            throw try becomeWholeTool()
        } catch {
            return Output.report(error).rawValue
        }
    }

    /// The exit code of what is done here; nil for what is the whole tool's.
    private static func answer(_ words: ArraySlice<String>) throws -> Int32? {
        guard let first = words.first else { return nil }
        if first == "--version", words.count == 1 {
            try Output.print(toolVersion)
            return ToolExit.done.rawValue
        }
        guard first == "run", let options = RunOptions(reading: words.dropFirst()), !options.mayShift else {
            return nil
        }
        return try reportingLaunches { try RunSession(RunRequest(options)).run() }
    }

    /// The program `bulkhead`, seen from the whole tool: beside it, or in `../../bin`; nil where there is none.
    package static func program() throws(KernelError) -> FilePath? {
        let folder = try OwnProgram.path().removingLastComponent()
        let places = [folder, folder.removingLastComponent().removingLastComponent().appending("bin")]
        return places.map { $0.appending("bulkhead") }.first { (try? Descriptor.open($0, .path)) != nil }
    }

    /// Returns only what went wrong.
    private static func becomeWholeTool() throws(KernelError) -> ToolFailure {
        let folder = try OwnProgram.path().removingLastComponent()
        let places = [folder, folder.removingLastComponent().appending("libexec/bulkhead")].map {
            $0.appending(wholeTool)
        }
        for place in places {
            let error = OwnProgram.become(place)
            if error.errno != .noSuchFileOrDirectory { throw error }
        }
        return ToolFailure(
            .failed,
            "execve \(places.map(\.string).joined(separator: " and ")): No such file or directory (it belongs beside "
                + "bulkhead, or into ../libexec/bulkhead, and has all commands but 'run')")
    }
}
