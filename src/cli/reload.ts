import { askAdmin } from "../admin/client.ts";
import type { ReloadReply } from "../admin/server.ts";
import { errorText } from "../base/system-error.ts";

/** Makes the running service read its configuration again; 0 taken, 2 refused, 1 nobody there. */
export async function runReload(options: {
  readonly socket: string;
  readonly json: boolean;
}): Promise<number> {
  let reply: ReloadReply;
  try {
    // The service on the other end is this very version's `serveAdmin`.
    reply = (await askAdmin(options.socket, "POST", "/reload")) as ReloadReply;
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    return 1;
  }
  if (options.json) process.stdout.write(`${JSON.stringify(reply)}\n`);
  else for (const message of reply.messages) process.stderr.write(`${message}\n`);
  if (reply.isAccepted) {
    if (!options.json) process.stdout.write("configuration reloaded\n");
    return 0;
  }
  process.stderr.write("reload refused: the old configuration stays in force\n");
  return 2;
}
