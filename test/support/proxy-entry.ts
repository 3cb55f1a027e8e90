import { createLog } from "../../src/base/log.ts";
import { openChannel } from "../../src/ipc/channel.ts";
import type { FromProxy, ToProxy } from "../../src/ipc/messages.ts";
import { runProxyProcess } from "../../src/proxy/process.ts";

// What src/main.ts does for the role `proxy`, without the rest of the house.
runProxyProcess(openChannel<ToProxy, FromProxy>(), createLog("proxy"));
