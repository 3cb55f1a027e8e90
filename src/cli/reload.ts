import { askAdmin } from "../admin/client.ts";
import type { ReloadReply } from "../admin/server.ts";
import { errorText } from "../base/system-error.ts";
import type { NodeStatus } from "../ipc/status.ts";

/** How `edge-ha reload` was called. */
export interface ReloadOptions {
  readonly socket: string;
  /** Whether the installed executable is to take the running one's place. */
  readonly binary: boolean;
  readonly json: boolean;
}

const takeoverLimitMs = 60_000;
const lookEveryMs = 100;

/** Makes the running service read its configuration again, or be replaced; 0 taken, 2 refused, 1 nobody there. */
export async function runReload({ socket, binary, json }: ReloadOptions): Promise<number> {
  let reply: ReloadReply;
  let done = "configuration reloaded";
  try {
    const before = binary ? await statusOf(socket) : null;
    // The service on the other end is this very version's `serveAdmin`.
    reply = (await askAdmin(socket, "POST", binary ? "/reload/binary" : "/reload")) as ReloadReply;
    if (before !== null && reply.isAccepted) done = await takeover(socket, before);
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return 1;
  }
  if (json) process.stdout.write(`${JSON.stringify(reply)}\n`);
  else for (const message of reply.messages) process.stderr.write(`${message}\n`);
  if (reply.isAccepted) {
    if (!json) process.stdout.write(`${done}\n`);
    return 0;
  }
  process.stderr.write(
    binary
      ? "not replaced: the old program goes on\n"
      : "reload refused: the old configuration stays in force\n",
  );
  return 2;
}

/** Waits until the program that takes over does everything itself, and says which. */
async function takeover(socket: string, before: NodeStatus): Promise<string> {
  const until = performance.now() + takeoverLimitMs;
  for (;;) {
    await Bun.sleep(lookEveryMs);
    try {
      const { isUp, startedAt, version } = await statusOf(socket);
      if (startedAt !== before.startedAt && isUp)
        return `edge-ha ${version} has taken over from ${before.version}`;
    } catch {
      // It is between the two.
    }
    if (performance.now() > until) {
      throw new Error(
        `no other program has taken over within ${takeoverLimitMs / 1_000} s; see the service's log`,
      );
    }
  }
}

async function statusOf(socket: string): Promise<NodeStatus> {
  return (await askAdmin(socket, "GET", "/status")) as NodeStatus;
}
