import { beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixAddress } from "../../../src/kernel/socket-address.ts";
import { sendUnixDatagram } from "../../../src/kernel/unix-datagram.ts";
import * as native from "../../../src/native/index.ts";
import { buildAddon } from "../../support/native-addon.ts";

beforeAll(buildAddon);

const exchange = (path: string): string => {
  const fd = native.open(1, 2 | 0x800, 0);
  try {
    native.bind(fd, unixAddress(path) ?? new Uint8Array());
    sendUnixDatagram(path, new TextEncoder().encode("READY=1"));
    const into = new Uint8Array(64);
    return new TextDecoder().decode(into.subarray(0, native.receive(fd, into)?.length ?? 0));
  } finally {
    native.close(fd);
  }
};

test("sendUnixDatagram() reaches a path and an abstract name", () => {
  const directory = mkdtempSync(join(tmpdir(), "edge-ha-datagram-"));
  expect(exchange(join(directory, "notify"))).toBe("READY=1");
  expect(exchange(`@edge-ha-datagram-${process.pid}`)).toBe("READY=1");
  rmSync(directory, { recursive: true });
});

test("sendUnixDatagram() names the path when nobody listens or it cannot be", () => {
  expect(() => sendUnixDatagram("/no/such/socket", new Uint8Array())).toThrow(
    "sendto /no/such/socket: ENOENT",
  );
  expect(() => sendUnixDatagram("", new Uint8Array())).toThrow("EINVAL");
});
