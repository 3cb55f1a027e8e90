import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveAdmin, type AdminHandlers } from "../../../src/admin/server.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "edge-ha-admin-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const handlers: AdminHandlers = {
  status: () => {
    throw new Error("nobody asks");
  },
  reload: () => Promise.resolve({ isAccepted: true, messages: [] }),
  replace: () => Promise.resolve({ isAccepted: false, messages: [] }),
  failover: () => Promise.resolve({ outcomes: [], refusal: null }),
  drain: () => Promise.resolve({ outcomes: [], refusal: null }),
  purge: ({ patterns }) => Promise.resolve({ processes: patterns.length }),
};

test("serveAdmin() leaves a file alone that is no socket", async () => {
  const path = join(directory, "precious");
  writeFileSync(path, "keep me");
  const problem = await serveAdmin(path, handlers).catch((error: unknown) => String(error));
  expect(problem).toContain("is no socket");
  expect(readFileSync(path, "utf8")).toBe("keep me");
});

test("serveAdmin() refuses a socket that somebody holds without answering", async () => {
  const path = join(directory, "admin.sock");
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(path, resolve));
  try {
    const problem = await serveAdmin(path, handlers).catch((error: unknown) => String(error));
    expect(problem).toContain("another edge-ha answers");
    expect(existsSync(path)).toBe(true);
  } finally {
    silent.close();
  }
});

test("serveAdmin() removes its socket when it is closed", async () => {
  const path = join(directory, "admin.sock");
  const server = await serveAdmin(path, handlers);
  expect(existsSync(path)).toBe(true);
  server.close();
  expect(existsSync(path)).toBe(false);
});

test("serveAdmin() carries out an order that is one, and says how one is written", async () => {
  const path = join(directory, "admin.sock");
  const given: unknown[] = [];
  const take = (order: unknown): Promise<{ outcomes: []; refusal: null }> => {
    given.push(order);
    return Promise.resolve({ outcomes: [], refusal: null });
  };
  const server = await serveAdmin(path, { ...handlers, failover: take, drain: take });
  const post = (place: string, body: string): Promise<Response> =>
    fetch(`http://localhost${place}`, { method: "POST", unix: path, body });
  try {
    const drain = { servers: ["web/192.0.2.8"], isBack: false, withinMs: 5 };
    expect((await post("/drain", JSON.stringify(drain))).status).toBe(200);
    expect((await post("/failover", `{"names": null, "isBack": true}`)).status).toBe(200);
    expect(given).toEqual([drain, { names: null, isBack: true, isNow: false }]);
    const wrong = [
      ["/drain", `{"servers": ["web/192.0.2.8"], "isBack": false, "withinMs": -1}`],
      ["/drain", `{"servers": "web/192.0.2.8", "isBack": false, "withinMs": 1}`],
      ["/failover", `{"names": [7], "isBack": true}`],
      ["/failover", "all of them"],
    ] as const;
    for (const [place, body] of wrong) {
      const response = await post(place, body);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain("the body must be JSON such as");
    }
    expect(given).toHaveLength(2);
  } finally {
    server.close();
  }
});
