// SPDX-License-Identifier: Apache-2.0

import Capabilities
import NetworkInterfaces
import SeccompFilters

/// What a kernel is not known to send is survived, and what it says is told within its bounds.
func checkNetlink(_ bytes: [UInt8]) {
    if let interfaces = try? NetworkInterface.list(decoding: bytes) {
        require(interfaces.count * 32 <= bytes.count, "\(interfaces.count) interfaces in \(bytes.count) bytes")
    }
    for address in (try? InterfaceAddress.list(decoding: bytes)) ?? [] { checkPrefix("\(address.prefix)") }
    checkPrefix(String(decoding: bytes, as: UTF8.self))
    if let capabilities = try? FileCapabilities(attribute: bytes) {
        require((try? FileCapabilities(attribute: capabilities.attributeBytes)) == capabilities, "\(bytes)")
    }
}

/// An address prints what reads as itself, and its network holds it.
private func checkPrefix(_ text: String) {
    guard let prefix = try? IPPrefix(parsing: text) else { return }
    require((try? IPPrefix(parsing: "\(prefix)")) == prefix, "\(prefix) does not read as itself")
    require(prefix.network.network == prefix.network, "the network of \(prefix)")
}

/// A profile is read or refused; what is read compiles, or says why not.
func checkSeccompProfile(_ text: String) {
    do {
        let profile = try SeccompProfile(parsing: text)
        let filter = try profile.resolved(for: .init(capabilities: ["CAP_SYS_ADMIN"], kernel: .init(6, 1)))
        let compiled = try filter.compiled()
        require(compiled.instructions.count <= 4096, "\(compiled.instructions.count) instructions")
        for number in [0, 1, 59, 450, 0x4000_0000, UInt32.max] {
            require(compiled.action(on: SystemCall(number: number)) != nil, "no answer to \(number)")
        }
    } catch {
        require(!"\(error)".isEmpty, "an error without words")
    }
}
