// SPDX-License-Identifier: Apache-2.0

internal import NodeServer
internal import Testing
