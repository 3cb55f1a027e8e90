import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { z } from "zod";
import { hasCode } from "../base/system-error.ts";
import type { DrainOrder, DrainReport } from "../ipc/drain.ts";
import type { HandoverOrder, HandoverReport } from "../ipc/handover.ts";
import type { PurgeOrder, PurgeReport } from "../ipc/purge.ts";
import type { NodeStatus } from "../ipc/status.ts";

/** What became of a reload, as the socket answers it. */
export interface ReloadReply {
  readonly isAccepted: boolean;
  /** Diagnostics, warnings included, each one line. */
  readonly messages: readonly string[];
}

/** What the socket can be asked. */
export interface AdminHandlers {
  status(): Promise<NodeStatus>;
  reload(): Promise<ReloadReply>;
  /** Has the executable that is installed now take the running one's place, shortly after the reply. */
  replace(): Promise<ReloadReply>;
  failover(order: HandoverOrder): Promise<HandoverReport>;
  drain(order: DrainOrder): Promise<DrainReport>;
  purge(order: PurgeOrder): Promise<PurgeReport>;
}

/** An open admin socket. */
export interface AdminServer {
  close(): void;
}

/**
 * Serves the admin API on a Unix socket that only root may use: `GET /status`, `POST /reload`, `POST /reload/binary`, `POST /failover`, `POST /drain`
 * and `POST /cache/purge`, all JSON.
 * Throws if another edge-ha answers there, or if something else than a socket has that name; a socket left by a crash
 * is replaced.
 */
export async function serveAdmin(path: string, handlers: AdminHandlers): Promise<AdminServer> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (await isAnswered(path)) {
    throw new Error(`another edge-ha answers on ${path}; stop it, or give this one a --socket of its own`);
  }
  remove(path);
  const before = process.umask(0o177);
  try {
    const server = Bun.serve({
      unix: path,
      fetch: (request, own) => {
        // A reload waits for the children, a failover for the other node: longer than the 10 s without a word.
        own.timeout(request, 0);
        return answer(request, handlers);
      },
    });
    chmodSync(path, 0o600);
    return {
      close: () => {
        void server.stop(true);
        remove(path);
      },
    };
  } finally {
    process.umask(before);
  }
}

async function answer(request: Request, handlers: AdminHandlers): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method === "GET" && pathname === "/status") return Response.json(await handlers.status());
  if (request.method === "POST" && pathname === "/reload") return Response.json(await handlers.reload());
  if (request.method === "POST" && pathname === "/reload/binary")
    return Response.json(await handlers.replace());
  if (request.method === "POST" && pathname === "/failover")
    return carryOut(request, handoverForm, (order) => handlers.failover(order));
  if (request.method === "POST" && pathname === "/drain")
    return carryOut(request, drainForm, (order) => handlers.drain(order));
  if (request.method === "POST" && pathname === "/cache/purge")
    return carryOut(request, purgeForm, (order) => handlers.purge(order));
  return Response.json({ error: `no ${request.method} ${pathname} here` }, { status: 404 });
}

/** An order's form, and one as it may be written. */
interface OrderForm<Order> {
  readonly form: z.ZodType<Order>;
  readonly example: string;
}

const handoverForm: OrderForm<HandoverOrder> = {
  form: z.object({
    names: z.array(z.string()).nullable(),
    isBack: z.boolean(),
    isNow: z.boolean().default(false),
  }),
  example: `{"names": ["public-1"], "isBack": false, "isNow": false}`,
};

const drainForm: OrderForm<DrainOrder> = {
  form: z.object({ servers: z.array(z.string()), isBack: z.boolean(), withinMs: z.number().min(0) }),
  example: `{"servers": ["web/192.0.2.8"], "isBack": false, "withinMs": 300000}`,
};

const purgeForm: OrderForm<PurgeOrder> = {
  form: z.object({ patterns: z.array(z.string()) }),
  example: `{"patterns": ["https://shop.example/img/*"]}`,
};

/** Has the order in a request carried out, if it is one. */
async function carryOut<Order>(
  request: Request,
  { form, example }: OrderForm<Order>,
  act: (order: Order) => Promise<unknown>,
): Promise<Response> {
  const { data, success } = form.safeParse(await request.json().catch(() => null));
  if (success) return Response.json(await act(data));
  return Response.json({ error: `the body must be JSON such as ${example}` }, { status: 400 });
}

/** Tells whether somebody holds the socket, be it too busy to answer. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => {
      if (hasCode(error, "ENOENT", "ECONNREFUSED")) resolve(false);
      else reject(error);
    });
  });
}

/** Removes a socket; throws if something else has the name, which is not ours to remove. */
function remove(path: string): void {
  try {
    if (!lstatSync(path).isSocket())
      throw new Error(`${path} is there and is no socket; give --socket another path`);
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
