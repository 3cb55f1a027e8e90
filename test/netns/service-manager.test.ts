import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { unixAddress } from "../../src/kernel/socket-address.ts";
import { AF_UNIX, SOCK_DGRAM, SOCK_NONBLOCK } from "../../src/kernel/socket-constants.ts";
import * as native from "../../src/native/index.ts";
import { pairFile } from "../support/cluster-file.ts";
import { startEdgeHa, type EdgeHa } from "../support/edge-ha.ts";
import { Lab, waitFor } from "../support/lab.ts";

let lab: Lab;
let node: EdgeHa;
let socket: number;
const heard: string[] = [];

/** Reads what has been said to the service manager so far, one assignment an entry. */
function listen(): string[] {
  const room = new Uint8Array(4_096);
  for (;;) {
    const datagram = native.receive(socket, room);
    if (datagram === null) return heard;
    heard.push(...new TextDecoder().decode(room.subarray(0, datagram.length)).split("\n"));
  }
}

beforeAll(async () => {
  lab = await Lab.create();
  await lab.bridge("lan");
  const host = await lab.host("lb1", { eth0: { bridge: "lan", address: "192.0.2.11/24" } });
  const path = join(host.directory, "notify.sock");
  const address = unixAddress(path);
  if (address === null) throw new Error(`${path} is too long for a socket`);
  socket = native.open(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  native.bind(socket, address);
  node = await startEdgeHa(host, {
    config: pairFile(),
    node: "lb1",
    env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "600000" },
  });
});

afterAll(async () => {
  native.close(socket);
  await lab[Symbol.asyncDispose]();
});

test("serve says READY to the service manager once it is up, and feeds its watchdog", async () => {
  await waitFor("READY=1 is said", () => listen().includes("READY=1"));
  const before = heard.filter((line) => line === "WATCHDOG=1").length;
  await waitFor(
    "WATCHDOG=1 is said again",
    () => listen().filter((line) => line === "WATCHDOG=1").length > before,
  );
});

test("serve says RELOADING and then READY again when it is told to reload", async () => {
  heard.length = 0;
  node.kill("SIGHUP");
  await waitFor("READY=1 is said again", () => listen().includes("READY=1"));
  expect(heard.indexOf("RELOADING=1")).toBeGreaterThanOrEqual(0);
  expect(heard.indexOf("RELOADING=1")).toBeLessThan(heard.indexOf("READY=1"));
  expect(heard.some((line) => /^MONOTONIC_USEC=\d+$/.test(line))).toBe(true);
});

test("serve says READY again after a reload that it refused", async () => {
  heard.length = 0;
  const { exitCode } = await node.reload("nonsense = 1\n");
  expect(exitCode).toBe(2);
  await waitFor("the refusal is said", () =>
    listen().some((line) => line.startsWith("STATUS=") && line.includes("refused")),
  );
  expect(heard).toContain("READY=1");
});

test("serve says STOPPING before it leaves", async () => {
  heard.length = 0;
  expect(await node.stop()).toBe(0);
  expect(listen()).toContain("STOPPING=1");
});
