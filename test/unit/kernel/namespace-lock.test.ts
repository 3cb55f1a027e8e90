import { beforeAll, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { lockNamespace } from "../../../src/kernel/namespace-lock.ts";
import { unixAddress } from "../../../src/kernel/socket-address.ts";
import { AF_UNIX, SOCK_STREAM } from "../../../src/kernel/socket-constants.ts";
import * as native from "../../../src/native/index.ts";
import { buildAddon } from "../../support/native-addon.ts";

beforeAll(buildAddon);

/** Has the name of a lock, as its holder does before it answers. */
function bound(name: string): number {
  const address = unixAddress(`@${name}`);
  if (address === null) throw new Error("the name is too long");
  const fd = native.open(AF_UNIX, SOCK_STREAM, 0);
  native.bind(fd, address);
  return fd;
}

test("a lock is held by one, who is named to the others", () => {
  const name = `edge-ha.test.${randomUUID()}`;
  expect(lockNamespace(name)).toBeNull();
  expect(lockNamespace(name)).toEqual({ pid: process.pid, uid: process.getuid?.() ?? 0 });
});

test("a lock whose holder has not come so far as to answer is held all the same, and free when it gives up", () => {
  const name = `edge-ha.test.${randomUUID()}`;
  const fd = bound(name);
  expect(lockNamespace(name)).toEqual({ pid: 0, uid: 0 });
  native.close(fd);
  expect(lockNamespace(name)).toBeNull();
});
