// SPDX-License-Identifier: Apache-2.0

internal import CAttacks
internal import Capabilities
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

extension Launch {
    /// One of the attacks of CAttacks as the command: the tests' own program, whose file is its standard input.
    mutating func attack(_ name: String, _ variables: [String: String] = [:]) {
        command = "/proc/self/fd/0"
        arguments = []
        environment["BULKHEAD_ATTACK"] = name
        environment["LD_LIBRARY_PATH"] = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"]
        environment.merge(variables) { $1 }
    }
}

/// Starts an attack with this plan; what it got through is in the output, with "end" for the last line.
func attacked(_ plan: Launch, start: (Launch) throws -> Child = { try $0.start() }) throws -> Finished {
    try finish(plan) { launch in
        var launch = launch
        launch.streams.input = .shared(SharedDescriptor(try Descriptor.open("/proc/self/exe", .reading)))
        return try start(launch)
    }
}

/// An attack in all namespaces, with every capability inside and under an init.
func attacked(
    with name: String, _ variables: [String: String] = [:], change: (inout Launch) throws -> Void = { _ in }
) throws -> Finished {
    var launch = try Launch.isolated("")
    launch.capabilities = .supported
    launch.reaper = true
    launch.attack(name, variables)
    try change(&launch)
    return try attacked(launch)
}

/// A map with the host's root in it.
var hostRootMap: IDMap { get throws { try IDMap(outside: 0, count: 65_536) } }

/// Exchanges two paths for each other, again and again, as long as it lives.
struct Exchanger: ~Copyable {
    private let child: Child

    init(_ one: String, _ other: String) throws {
        var launch = Launch("")
        launch.attack("exchange", ["BULKHEAD_ONE": one, "BULKHEAD_OTHER": other])
        launch.streams = Streams(
            input: .shared(SharedDescriptor(try Descriptor.open("/proc/self/exe", .reading))), output: .null)
        child = try launch.start()
    }
}
