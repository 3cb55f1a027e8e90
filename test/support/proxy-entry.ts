import { createLog } from "../../src/base/log.ts";
import { openChannel } from "../../src/ipc/channel.ts";
import type { FromProxy, ToProxy } from "../../src/ipc/messages.ts";
import { runProxyProcess } from "../../src/proxy/process.ts";

// What src/main.ts does for the role `proxy`, without the rest of the house.
runProxyProcess(openChannel<ToProxy, FromProxy>(), createLog("proxy"));
// Collects when it is told to, so that a test can tell what is kept from what is only not collected yet.
process.on("SIGUSR2", () => Bun.gc(true));
