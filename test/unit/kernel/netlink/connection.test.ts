import { describe, expect, test } from "bun:test";
import { SystemError } from "../../../../src/base/system-error.ts";
import type { NetlinkPort } from "../../../../src/kernel/netlink/connection.ts";
import { NetlinkConnection } from "../../../../src/kernel/netlink/connection.ts";
import { resolveFamily } from "../../../../src/kernel/netlink/generic.ts";
import { toHex, fromHex } from "../../../../src/base/bytes.ts";
import { acknowledge, done, FakeNetlink, reply } from "../../../support/fake-netlink.ts";

const ask = { operation: "RTM_TEST 1", type: 99, flags: 0, payload: new Uint8Array() };
const byte = (value: number): Uint8Array => Uint8Array.of(value);
const thrown = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return null;
};

describe("request()", () => {
  test("gives what came before the acknowledgement", () => {
    const fake = new FakeNetlink((request) => [[reply(request, 7, byte(1))], [acknowledge(request)]]);
    expect(
      fake
        .connection()
        .request(ask)
        .map((message) => message.payload),
    ).toEqual([byte(1)]);
    expect(fake.requests[0]).toMatchObject({ type: 99, flags: 0x5, port: 0 });
  });

  test("throws operation, errno and the kernel's words when the kernel refuses", () => {
    const words = fromHex("23000100697076343a204164647265737320616c72656164792061737369676e65640000");
    const fake = new FakeNetlink((request) => {
      const refusal = acknowledge(request, 17);
      return [[{ ...refusal, flags: 0x300, payload: new Uint8Array([...refusal.payload, ...words]) }]];
    });
    const error = thrown(() => fake.connection().request(ask));
    expect(error).toBeInstanceOf(SystemError);
    expect(error).toMatchObject({ call: "RTM_TEST 1", code: "EEXIST" });
    expect(String(error)).toBe("NetlinkError: RTM_TEST 1: EEXIST (ipv4: Address already assigned)");
  });

  test("passes over the late answer to an earlier request", () => {
    const fake = new FakeNetlink((request) =>
      request.sequence === 1 ? [] : [[acknowledge({ ...request, sequence: 1 }, 17)], [acknowledge(request)]],
    );
    const connection = fake.connection();
    expect(thrown(() => connection.request(ask))).toMatchObject({ code: "ETIMEDOUT" });
    expect(connection.request(ask)).toEqual([]);
  });

  test("throws ETIMEDOUT when nothing comes", () => {
    const fake = new FakeNetlink(() => []);
    expect(thrown(() => fake.connection().request(ask))).toMatchObject({
      call: "RTM_TEST 1",
      code: "ETIMEDOUT",
    });
  });

  test("gives every request a sequence of its own, never 0", () => {
    const fake = new FakeNetlink((request) => [[acknowledge(request)]]);
    const connection = fake.connection();
    for (let count = 0; count < 3; count++) connection.request(ask);
    expect(fake.requests.map((request) => request.sequence)).toEqual([1, 2, 3]);
  });
});

describe("dump()", () => {
  test("collects all datagrams up to the end of the dump", () => {
    const fake = new FakeNetlink((request) => [
      [reply(request, 7, byte(1), 2), reply(request, 7, byte(2), 2)],
      [reply(request, 7, byte(3), 2)],
      [done(request)],
    ]);
    expect(
      fake
        .connection()
        .dump(ask)
        .map((message) => message.payload[0]),
    ).toEqual([1, 2, 3]);
    expect(fake.requests[0]?.flags).toBe(0x301);
  });

  test("begins again when the table changed meanwhile (NLM_F_DUMP_INTR)", () => {
    const fake = new FakeNetlink((request) =>
      request.sequence === 1
        ? [[reply(request, 7, byte(1), 0x12), done(request)]]
        : [[reply(request, 7, byte(2), 2), done(request)]],
    );
    expect(
      fake
        .connection()
        .dump(ask)
        .map((message) => message.payload[0]),
    ).toEqual([2]);
  });

  test("begins again when only the end says that it was interrupted", () => {
    const fake = new FakeNetlink((request) => [
      [reply(request, 7, byte(request.sequence), 2)],
      [{ ...done(request), flags: request.sequence === 1 ? 0x12 : 0x2 }],
    ]);
    expect(
      fake
        .connection()
        .dump(ask)
        .map((message) => message.payload[0]),
    ).toEqual([2]);
  });

  test("gives up with EINTR when every attempt is interrupted", () => {
    const fake = new FakeNetlink((request) => [[{ ...done(request), flags: 0x12 }]]);
    expect(thrown(() => fake.connection().dump(ask))).toMatchObject({ code: "EINTR" });
    expect(fake.requests.length).toBe(8);
  });

  test("begins again after ENOBUFS and passes over the rest of the first dump", () => {
    const fake = new FakeNetlink((request) => {
      const datagrams = [[reply(request, 7, byte(request.sequence), 2)], [done(request)]];
      return datagrams;
    });
    let isFirst = true;
    const port: NetlinkPort = {
      send: (bytes) => fake.send(bytes),
      receive: () => {
        if (isFirst) {
          isFirst = false;
          throw new SystemError("recvmsg", "ENOBUFS");
        }
        return fake.receive();
      },
      close: () => fake.close(),
    };
    const replies = new NetlinkConnection(port).dump(ask);
    expect(replies.map((message) => message.payload[0])).toEqual([2]);
  });

  test("throws the errno that ends a dump", () => {
    const fake = new FakeNetlink((request) => [[{ ...done(request), payload: fromHex("fdffffff") }]]);
    expect(thrown(() => fake.connection().dump(ask))).toMatchObject({ code: "ESRCH" });
  });
});

describe("resolveFamily()", () => {
  test("asks for the name and gives the number", () => {
    const fake = new FakeNetlink((request) => [
      [reply(request, 0x10, fromHex("01020000 06000100 21000000 09000200 4950565300000000"))],
      [acknowledge(request)],
    ]);
    expect(resolveFamily(fake.connection(), "IPVS")).toBe(0x21);
    // What ipvsadm 1.31 sends, header aside.
    expect(toHex(fake.requests[0]!.payload)).toBe("03010000090002004950565300000000");
    expect(fake.requests[0]).toMatchObject({ type: 0x10, flags: 0x5 });
  });

  test("throws ENOENT when the kernel has no such family", () => {
    const fake = new FakeNetlink((request) => [[acknowledge(request, 2)]]);
    expect(thrown(() => resolveFamily(fake.connection(), "IPVS"))).toMatchObject({ code: "ENOENT" });
  });

  test("throws EPROTO when the answer has no number", () => {
    const fake = new FakeNetlink((request) => [
      [reply(request, 0x10, fromHex("01020000"))],
      [acknowledge(request)],
    ]);
    expect(thrown(() => resolveFamily(fake.connection(), "IPVS"))).toMatchObject({ code: "EPROTO" });
  });
});
