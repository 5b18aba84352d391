// SPDX-License-Identifier: Apache-2.0

struct RunPods {
    init(_ command: RunCommand) {}
    func run() throws -> Int32 { 1 }
}
