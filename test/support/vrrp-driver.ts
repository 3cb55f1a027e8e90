import { createLog } from "../../src/base/log.ts";
import { openChannel } from "../../src/ipc/channel.ts";
import type { FromVrrp, ToVrrp } from "../../src/ipc/messages.ts";
import { runVrrpProcess } from "../../src/vrrp/process.ts";

/** Runs the `vrrp` role from its source, for a test that is its supervisor (see vrrp-role.ts). */
runVrrpProcess(openChannel<ToVrrp, FromVrrp>(), createLog("vrrp"));
