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
  failover: () => Promise.resolve({ outcomes: [], refusal: null }),
  drain: () => Promise.resolve({ outcomes: [], refusal: null }),
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
