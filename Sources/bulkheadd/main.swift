// SPDX-License-Identifier: Apache-2.0

import BulkheadDaemon
import Glibc
import LinuxKernel

exit(await AgentCommand.run(OwnProgram.commandLine))
