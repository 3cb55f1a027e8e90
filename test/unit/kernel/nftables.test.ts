import { describe, expect, test } from "bun:test";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  acceptanceElement,
  acceptanceTable,
  elementChanges,
  rebuiltTable,
} from "../../../src/kernel/acceptance-table.ts";
import type { NetlinkMessage } from "../../../src/kernel/netlink/message.ts";
import { Nftables } from "../../../src/kernel/nftables.ts";
import {
  compare,
  loadMeta,
  loadPayload,
  loadValue,
  lookUp,
  register,
  setMark,
  verdict,
} from "../../../src/kernel/nftables-expressions.ts";
import { changeRequests, notifiedTable, type NftChange } from "../../../src/kernel/nftables-messages.ts";
import { acknowledge, done, FakeNetlink, reply, type FakeAnswer } from "../../support/fake-netlink.ts";

const table = "t";
const name = "0600010074000000";

/** The type and payload of the only message of a step, the payload in hexadecimal digits without blanks. */
function written(change: NftChange): string {
  const [request] = changeRequests(change);
  return `${(request?.type ?? 0).toString(16)} ${request?.flags} ${toHex(request?.payload ?? new Uint8Array())}`;
}

const hex = (text: string): string => text.replaceAll(" ", "");

describe("steps of a transaction", () => {
  test("name their table in the family inet", () => {
    expect(written({ kind: "add-table", table })).toBe(`a00 1024 01000000${name}`);
    expect(written({ kind: "remove-table", table })).toBe(`a02 0 01000000${name}`);
  });

  test("write numbers in network order", () => {
    const chain = { name: "in", type: "filter", hook: "input", priority: 200 } as const;
    expect(written({ kind: "add-chain", table, chain })).toBe(
      `a03 1024 01000000${name}${hex("07000300 696e0000")}` +
        hex("14000480 08000100 00000001 08000200 000000c8 08000500 00000001 0b000700 66696c74 65720000"),
    );
    const before = { name: "in", type: "filter", hook: "prerouting", priority: -150 } as const;
    expect(written({ kind: "add-chain", table, chain: before })).toContain(hex("08000200 ffffff6a"));
    const set = { name: "s", keyType: 7, keyLength: 4 };
    expect(written({ kind: "add-set", table, set, id: 1 })).toBe(
      `a09 1024 01000000${name}${hex("06000200 73000000 08000300 00000000 08000400 00000007 08000500 00000004 08000a00 00000001")}`,
    );
  });

  test("name a table of interfaces in the family netdev, and the interfaces of its chains", () => {
    const family = "netdev";
    expect(written({ kind: "add-table", family, table })).toBe(`a00 1024 05000000${name}`);
    const chain = { name: "out", type: "filter", hook: "egress", priority: 0, links: ["eth0"] } as const;
    expect(written({ kind: "add-chain", family, table, chain })).toContain(
      hex("24000480 08000100 00000001 08000200 00000000 10000480 09000100 65746830 00000000"),
    );
  });

  test("make a map that forgets", () => {
    const map = { type: 7, length: 4, timeoutMs: 120_000 };
    const set = { name: "s", keyType: 461, keyLength: 8, size: 65_536, map };
    expect(written({ kind: "add-set", table, set, id: 1 })).toBe(
      `a09 1024 01000000${name}${hex("06000200 73000000 08000300 00000038 08000400 000001cd 08000500 00000008")}` +
        hex("08000600 00000007 08000700 00000004 0c000b00 00000000 0001d4c0 0c000980 08000100 00010000") +
        hex("08000a00 00000001"),
    );
  });

  test("carry the keys of a set, many in one message", () => {
    const keys = [fromHex("c0000264"), fromHex("c0000265")];
    const element = (key: string): string => hex(`10000180 0c000180 08000100 ${key}`);
    expect(written({ kind: "add-elements", table, set: "s", keys })).toBe(
      `a0c 1024 01000000${name}${hex("06000200 73000000 24000380")}${element("c0000264")}${element("c0000265")}`,
    );
    const many = Array.from({ length: 2500 }, (_, index) => Uint8Array.of(10, 0, index >> 8, index & 0xff));
    expect(
      changeRequests({ kind: "remove-elements", table, set: "s", keys: many }).map(({ type }) => type),
    ).toEqual([0xa0e, 0xa0e, 0xa0e]);
  });

  test("add a rule at the end of its chain, with its comment as nft keeps it", () => {
    const rule = { chain: "in", comment: "ab", expressions: [verdict("drop")] };
    expect(written({ kind: "add-rule", table, rule })).toBe(
      `a06 3072 01000000${name}${hex("07000200 696e0000 34000480 30000180")}` +
        hex(
          "0e000100 696d6d65 64696174 65000000 1c000280 08000100 00000000 10000280 0c000280 08000100 00000000",
        ) +
        hex("09000700 00036162 00000000"),
    );
  });
});

describe("expressions", () => {
  test("load, compare and look up", () => {
    expect(toHex(loadMeta("nfproto"))).toBe(
      hex("24000180 09000100 6d657461 00000000 14000280 08000200 0000000f 08000100 00000008"),
    );
    expect(toHex(compare(Uint8Array.of(2)))).toBe(
      hex(
        "2c000180 08000100 636d7000 20000280 08000100 00000008 08000200 00000000 0c000380 05000100 02000000",
      ),
    );
    expect(toHex(loadPayload("network", { offset: 16, length: 4 }))).toBe(
      hex(
        "34000180 0c000100 7061796c 6f616400 24000280 08000100 00000008 08000200 00000001 08000300 00000010 08000400 00000004",
      ),
    );
    expect(toHex(lookUp("s", register(1)))).toBe(
      hex("24000180 0b000100 6c6f6f6b 75700000 14000280 06000100 73000000 08000200 00000009"),
    );
  });

  test("set a mark", () => {
    expect(toHex(concatBytes(loadValue(Uint8Array.of(7, 0, 0, 0)), setMark()))).toBe(
      hex(
        "2c000180 0e000100 696d6d65 64696174 65000000 18000280 08000100 00000008 0c000280 08000100 07000000",
      ) + hex("24000180 09000100 6d657461 00000000 14000280 08000200 00000003 08000300 00000008"),
    );
  });
});

/** A packet filter whose answers are given. */
function kernel(answer: (request: NetlinkMessage) => FakeAnswer): { fake: FakeNetlink; nft: Nftables } {
  const fake = new FakeNetlink(answer);
  return { fake, nft: Nftables.over(fake.connection()) };
}

const isFrame = ({ type }: NetlinkMessage): boolean => type === 0x10 || type === 0x11;

describe("a transaction", () => {
  test("is framed, and over when its last step is answered", () => {
    const { fake, nft } = kernel((request) => (isFrame(request) ? [] : [[acknowledge(request)]]));
    nft.apply([
      { kind: "add-table", table },
      { kind: "remove-table", table },
    ]);
    expect(fake.requests.map(({ type, flags }) => [type, flags])).toEqual([
      [0x10, 0x1],
      [0xa00, 0x405],
      [0xa02, 0x5],
      [0x11, 0x1],
    ]);
    expect(toHex(fake.requests[0]?.payload ?? new Uint8Array())).toBe("0000000a");
    nft.apply([{ kind: "add-table", table }], 7);
    expect(toHex(fake.requests[4]?.payload ?? new Uint8Array())).toBe("0000000a0800010000000007");
  });

  test("throws the first refusal, and a refusal of the whole", () => {
    const { nft } = kernel((request) =>
      isFrame(request) ? [] : [[acknowledge(request, request.type === 0xa00 ? 17 : 0)]],
    );
    const steps = [
      { kind: "add-table", table },
      { kind: "remove-table", table },
    ] as const;
    expect(() => nft.apply(steps)).toThrow("nf_tables: table t: EEXIST");
    const { nft: without } = kernel((request) => (request.type === 0x10 ? [[acknowledge(request, 95)]] : []));
    expect(() => without.apply(steps)).toThrow("nf_tables: EOPNOTSUPP");
    const { nft: silent } = kernel(() => []);
    expect(() => silent.apply(steps)).toThrow("ETIMEDOUT");
  });

  test("that removes what is not there is none to worry about", () => {
    const { nft } = kernel((request) => (isFrame(request) ? [] : [[acknowledge(request, 2)]]));
    expect(nft.removeTable(table)).toBe("absent");
    // It may go between the question and the removal.
    const { nft: late } = kernel((request) =>
      isFrame(request) ? [] : [[acknowledge(request, request.type === 0xa01 ? 0 : 2)]],
    );
    expect(late.removeTable(table)).toBe("absent");
  });

  test("asks whether there is a table to remove, and begins a transaction only then", () => {
    const { nft: empty, fake: untouched } = kernel((request) => [[acknowledge(request, 2)]]);
    empty.removeTable(table, "netdev");
    expect(untouched.requests.map(({ type, payload }) => [type, toHex(payload)])).toEqual([
      [0xa01, `05000000${name}`],
    ]);
    const { nft, fake } = kernel((request) => {
      if (isFrame(request)) return [];
      const found = reply(request, 0xa00, fromHex(`01000001${name}`));
      return [request.type === 0xa01 ? [found, acknowledge(request)] : [acknowledge(request)]];
    });
    expect(nft.removeTable(table)).toBe("removed");
    expect(fake.requests.map(({ type }) => type)).toEqual([0xa01, 0x10, 0xa02, 0x11]);
  });
});

const rule = (chain: string, comment: string): Uint8Array =>
  fromHex(hex(`01000001 ${name} 07000200 ${chain}00 09000700 0003 ${comment} 00000000`));

describe("reading", () => {
  test("gives the keys of a set, and none where there is no set", () => {
    const answer = fromHex(
      hex(
        `01000001 ${name} 06000200 73000000 24000380 10000180 0c000180 08000100 c0000264 10000180 0c000180 08000100 c0000265`,
      ),
    );
    const { nft } = kernel((request) => [[reply(request, 0xa0c, answer, 2)], [done(request)]]);
    expect(nft.elements(table, "s")?.map(toHex)).toEqual(["c0000264", "c0000265"]);
    const { nft: empty } = kernel((request) => [[acknowledge(request, 2)]]);
    expect(empty.elements(table, "s")).toBeNull();
    expect(empty.comments(table, "in")).toEqual([]);
  });

  test("gives the comments of a chain's rules, though the kernel tells of other chains too", () => {
    const { nft } = kernel((request) => [
      [reply(request, 0xa06, rule("696e00", "6162"), 2), reply(request, 0xa06, rule("6f7500", "6364"), 2)],
      [done(request)],
    ]);
    expect(nft.comments(table, "in")).toEqual(["ab"]);
  });

  test("gives the generation", () => {
    const { nft } = kernel((request) => [
      [reply(request, 0xa0f, fromHex(hex("0000000a 08000100 0000002a")))],
      [acknowledge(request)],
    ]);
    expect(nft.generation()).toBe(42);
  });

  test("knows which table a notification is about", () => {
    const message = { type: 0xa02, flags: 0, sequence: 0, port: 0, payload: fromHex(`01000003${name}`) };
    expect(notifiedTable(message)).toBe("t");
    expect(notifiedTable({ ...message, payload: fromHex(`02000003${name}`) })).toBeNull();
    expect(notifiedTable({ ...message, type: 0xa0f })).toBeNull();
    expect(notifiedTable({ ...message, payload: new Uint8Array() })).toBeNull();
  });
});

function of(address: string): string {
  const { set, key } = acceptanceElement(address, 3);
  return `${set} ${toHex(key)}`;
}

describe("the table of addresses that are not accepted", () => {
  test("is made anew in one transaction, whatever was there", () => {
    const steps = rebuiltTable([acceptanceElement("192.0.2.100", 2), acceptanceElement("fe80::100", 2)]);
    expect(steps.map(({ kind }) => kind)).toEqual([
      "add-table",
      "remove-table",
      "add-table",
      "add-set",
      "add-set",
      "add-set",
      "add-chain",
      ...Array.from({ length: 5 }, () => "add-rule" as const),
      "add-elements",
      "add-elements",
    ]);
    expect(steps.every((step) => step.table === acceptanceTable)).toBe(true);
  });

  test("has link-local addresses by their interface, and others by themselves", () => {
    expect(of("192.0.2.100")).toBe("ipv4 c0000264");
    expect(of("2001:db8::100")).toBe("ipv6 20010db8000000000000000000000100");
    expect(of("fe80::100")).toBe("link-local 03000000fe800000000000000000000000000100");
    expect(elementChanges("add-elements", [])).toEqual([]);
  });
});
