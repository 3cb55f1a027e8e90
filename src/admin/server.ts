import { chmodSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { createConnection } from "node:net";
import { dirname } from "node:path";
import { hasCode } from "../base/system-error.ts";
import type { DrainOrder, DrainReport } from "../ipc/drain.ts";
import type { HandoverOrder, HandoverReport } from "../ipc/handover.ts";
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
  failover(order: HandoverOrder): Promise<HandoverReport>;
  drain(order: DrainOrder): Promise<DrainReport>;
}

/** An open admin socket. */
export interface AdminServer {
  close(): void;
}

/**
 * Serves the admin API on a Unix socket that only root may use: `GET /status`, `POST /reload`, `POST /failover` and `POST /drain`,
 * all JSON.
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
  if (request.method === "POST" && pathname === "/failover") {
    const order = await handoverOrder(request);
    if (order !== null) return Response.json(await handlers.failover(order));
    const example = `{"names": ["public-1"], "isBack": false, "isNow": false}`;
    return Response.json({ error: `the body must be JSON such as ${example}` }, { status: 400 });
  }
  if (request.method === "POST" && pathname === "/drain") {
    const order = await drainOrder(request);
    if (order !== null) return Response.json(await handlers.drain(order));
    const example = `{"servers": ["web/192.0.2.8"], "isBack": false, "withinMs": 300000}`;
    return Response.json({ error: `the body must be JSON such as ${example}` }, { status: 400 });
  }
  return Response.json({ error: `no ${request.method} ${pathname} here` }, { status: 404 });
}

/** Reads the order of a failover; null if it is none. */
async function handoverOrder(request: Request): Promise<HandoverOrder | null> {
  const body: unknown = await request.json().catch(() => null);
  if (typeof body !== "object" || body === null || !("names" in body) || !("isBack" in body)) return null;
  const { names, isBack } = body;
  const isNow = "isNow" in body ? body.isNow : false;
  if (typeof isBack !== "boolean" || typeof isNow !== "boolean") return null;
  if (names === null) return { names, isBack, isNow };
  if (!Array.isArray(names)) return null;
  const texts = names.filter((name) => typeof name === "string");
  return texts.length === names.length ? { names: texts, isBack, isNow } : null;
}

/** Reads the order of a drain; null if it is none. */
async function drainOrder(request: Request): Promise<DrainOrder | null> {
  const body: unknown = await request.json().catch(() => null);
  if (typeof body !== "object" || body === null) return null;
  if (!("servers" in body) || !("isBack" in body) || !("withinMs" in body)) return null;
  const { servers, isBack, withinMs } = body;
  if (!Array.isArray(servers) || typeof isBack !== "boolean") return null;
  if (typeof withinMs !== "number" || !Number.isFinite(withinMs) || withinMs < 0) return null;
  const names = servers.filter((name) => typeof name === "string");
  return names.length === servers.length ? { servers: names, isBack, withinMs } : null;
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
