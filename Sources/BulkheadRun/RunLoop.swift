// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import SystemPackage

/// Numbers of signals, by the names of signal(7); the same on x86_64 and arm64.
package enum Signal {
    package static let hangUp: Int32 = 1
    package static let interrupt: Int32 = 2
    package static let quit: Int32 = 3
    package static let user1: Int32 = 10
    package static let user2: Int32 = 12
    package static let pipe: Int32 = 13
    package static let alarm: Int32 = 14
    package static let terminate: Int32 = 15
    package static let windowChange: Int32 = 28
}

/// What is handed on to the command.
package let forwardedSignals = [
    Signal.hangUp, Signal.interrupt, Signal.quit, Signal.terminate, Signal.user1, Signal.user2, Signal.alarm,
]

/// Waits for a command: hands signals on and relays its terminal, in one thread and without polling.
func wait(
    for child: consuming Child, signals: borrowing SignalDescriptor, terminal: consuming RunTerminal?
) throws(KernelError) -> Exit {
    var terminal = terminal
    while true {
        var requests: [(number: CInt, events: PollEvents)] = [
            (child.process.number, .readable), (signals.descriptor.number, .readable),
        ]
        if let ofTerminal = terminal?.interests { requests += ofTerminal }
        // Nothing tells when somebody opens a terminal that nobody had open, so that is looked for now and then.
        let ready = try poll(requests, timeoutMilliseconds: terminal?.isHungUp == true ? 100 : -1)
        terminal?.lookAgain()
        while let signal = signals.next() {
            switch signal {
            case Signal.windowChange: terminal?.takeWindowSize()
            case Signal.pipe: break  // the write that caused it has told already
            default: try child.send(signal: signal)
            }
        }
        try terminal?.relay(ready[2...])
        if ready[0].contains(.readable) { break }
    }
    try terminal?.drain()
    return try child.wait()
}
