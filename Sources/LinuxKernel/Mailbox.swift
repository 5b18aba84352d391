// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Between a thread that waits in the kernel and the one task that reads what came.
///
/// A slow reader loses nothing and fills no memory: what was not taken yet is merged with what comes.
package final class Mailbox<Element: Sendable, Failure: Error>: Sendable {
    private struct State {
        var elements: [Element] = []
        var failure: Failure?
        var isEnded = false
        var reader: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let stop: WakeUp
    private let merge: @Sendable (inout [Element], Element) -> Void

    /// - Parameters:
    ///   - stop: raised when nobody reads any more; the thread that waits ends.
    ///   - merge: puts an element among those that wait.
    package init(stop: WakeUp, merging merge: @escaping @Sendable (inout [Element], Element) -> Void) {
        self.stop = stop
        self.merge = merge
    }

    /// From the thread: more came.
    package func put(_ new: [Element]) {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            for element in new { merge(&state.elements, element) }
            return state.elements.isEmpty ? nil : state.reader.take()
        }
        reader?.resume()
    }

    /// From the thread: no more comes.
    package func finish(_ failure: Failure?) {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if !state.isEnded { state.failure = failure }
            state.isEnded = true
            return state.reader.take()
        }
        reader?.resume()
    }

    /// Ends the thread and the reading; what was not taken is dropped.
    package func end() {
        stop.raise()
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.isEnded = true
            state.elements = []
            return state.reader.take()
        }
        reader?.resume()
    }

    /// The next element, as soon as there is one; nil at the end, which a cancelled task reaches at once.
    package func next() async throws(Failure) -> Element? {
        while true {
            let (element, failure, isEnded) = state.withLock { state -> (Element?, Failure?, Bool) in
                if !state.elements.isEmpty { return (state.elements.removeFirst(), nil, false) }
                return (nil, state.failure.take(), state.isEnded)
            }
            if let element { return element }
            if let failure { throw failure }
            if isEnded { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state -> Bool in
                        if !state.elements.isEmpty || state.isEnded { return true }
                        state.reader = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                end()
            }
        }
    }
}

/// Ends a mailbox when the last sequence or reader is gone; the thread itself holds only the mailbox.
package final class MailboxOwner<Element: Sendable, Failure: Error>: Sendable {
    package let mailbox: Mailbox<Element, Failure>
    package init(_ mailbox: Mailbox<Element, Failure>) { self.mailbox = mailbox }
    deinit { mailbox.end() }
}

/// Hands a value with one owner over to a thread.
package final class Handover<Value: ~Copyable & Sendable>: Sendable {
    private let value: Mutex<Value?>
    package init(_ value: consuming sending Value) { self.value = Mutex(consume value) }
    package func take() -> Value? { value.withLock { $0.take() } }
}
