// SPDX-License-Identifier: Apache-2.0

import BulkheadCommands
import Glibc

exit(await BulkheadCommand.run(CommandLine.arguments))
