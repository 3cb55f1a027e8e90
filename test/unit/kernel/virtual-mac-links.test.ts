import { describe, expect, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import { concatBytes } from "../../../src/base/bytes.ts";
import { nested, parseAttributes, readText, text, u32 } from "../../../src/kernel/netlink/attribute.ts";
import type { NetlinkMessage } from "../../../src/kernel/netlink/message.ts";
import { VirtualMacLinks, type VirtualMacLinkRequest } from "../../../src/kernel/virtual-mac-links.ts";
import { acknowledge, done, FakeNetlink, reply, type FakeAnswer } from "../../support/fake-netlink.ts";

const newLink = 16;
const delLink = 17;
const getLink = 18;
const ownGroup = 0x4548;

interface FakeLink {
  readonly index: number;
  readonly name: string;
  readonly below?: number;
  readonly group?: number;
  readonly alias?: string;
}

/** A kernel with interfaces and settings, that refuses what it is told to. */
class FakeKernel {
  readonly settings = new Map<string, string>();
  readonly log: string[] = [];
  refused: string | null = null;
  links: FakeLink[] = [{ index: 2, name: "eth0" }];
  readonly #netlink = new FakeNetlink((request) => this.#answer(request));

  open(): VirtualMacLinks {
    return VirtualMacLinks.over(this.#netlink.connection(), {
      read: (path) => this.settings.get(path) ?? "0",
      write: (path, value) => {
        if (path.includes("/ipv6/")) throw new SystemError("write", "ENOENT", path);
        if (this.refused === path) throw new SystemError("write", "EACCES", path);
        this.settings.set(path, value);
        this.log.push(`${path}=${value}`);
      },
    });
  }

  #answer(request: NetlinkMessage): FakeAnswer {
    const attributes = parseAttributes(request.payload.subarray(16));
    const index = new DataView(request.payload.buffer, request.payload.byteOffset).getInt32(4, true);
    const name = readText(attributes, 3);
    const alias = readText(attributes, 20);
    if (request.type === getLink) {
      const found = this.links.filter((link) => name === null || link.name === name);
      const replies = found.map((link) => reply(request, newLink, linkPayload(link)));
      return name === null ? [replies, [done(request)]] : [[...replies, acknowledge(request)]];
    }
    if (request.type === delLink) {
      this.log.push(index === 0 ? "delete group" : `delete ${index}`);
      this.links = this.links.filter((link) =>
        index === 0 ? link.group !== ownGroup : link.index !== index,
      );
    } else if (name !== null) {
      this.log.push(`make ${name}`);
      this.links.push({ index: this.links.length + 8, name, below: 2, group: ownGroup });
    } else if (alias !== null) {
      this.log.push(`describe ${index}`);
      this.links = this.links.map((link) => (link.index === index ? { ...link, alias } : link));
    }
    return [[acknowledge(request)]];
  }
}

function linkPayload({ index, name, below, group = 0, alias }: FakeLink): Uint8Array {
  return concatBytes(
    Uint8Array.of(0, 0, 1, 0, index, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0),
    text(3, name),
    u32(27, group),
    ...(alias === undefined ? [] : [text(20, alias)]),
    ...(below === undefined ? [] : [u32(5, below), nested(18, text(1, "macvlan"), nested(2, u32(1, 4)))]),
  );
}

function wish(links: VirtualMacLinks, name: string): VirtualMacLinkRequest {
  const [below] = links.list();
  if (below === undefined) throw new Error("the fake kernel has no interface");
  return { name, mac: Uint8Array.of(0, 0, 0x5e, 0, 1, 51), vrid: 51, below };
}

const ignore = "net/ipv4/conf/eth0/arp_ignore";
const announce = "net/ipv4/conf/eth0/arp_announce";

describe("VirtualMacLinks", () => {
  test("writes down what was below before it changes it", () => {
    const kernel = new FakeKernel();
    const links = kernel.open();
    const made = links.make(wish(links, "v1"), links.list());
    expect(made).toMatchObject({ name: "v1", index: 9, parentIndex: 2, group: ownGroup });
    expect(made.alias).toBe("edge-ha virtual router 51, below was arp_ignore=0 arp_announce=0");
    expect(kernel.log.slice(0, 2)).toEqual(["make v1", "describe 9"]);
    expect(kernel.log.slice(-2)).toEqual([`${ignore}=1`, `${announce}=2`]);
    expect(kernel.settings.get("net/ipv4/conf/v1/rp_filter")).toBe("2");
  });

  test("puts back with the last one what the first one found", () => {
    const kernel = new FakeKernel();
    const links = kernel.open();
    for (const name of ["v1", "v2"]) links.make(wish(links, name), links.list());
    expect(links.remove(({ name }) => name === "v1").map(({ name }) => name)).toEqual(["v1"]);
    expect(kernel.settings.get(ignore)).toBe("1");
    // Another process goes on: what it knows is what the kernel knows.
    kernel.open().remove(() => true);
    expect([kernel.settings.get(ignore), kernel.settings.get(announce)]).toEqual(["0", "0"]);
  });

  test("removes many at once, and nothing that is not ours", () => {
    const kernel = new FakeKernel();
    kernel.links.push({ index: 5, name: "other", below: 2, group: 7 });
    const links = kernel.open();
    for (const name of ["v1", "v2"]) links.make(wish(links, name), links.list());
    kernel.log.length = 0;
    expect(links.remove(() => true)).toHaveLength(2);
    expect(kernel.log[0]).toBe("delete group");
    expect(kernel.links.map(({ name }) => name)).toEqual(["eth0", "other"]);
  });

  test("names each one where another kind of interface is in the group", () => {
    const kernel = new FakeKernel();
    const links = kernel.open();
    for (const name of ["v1", "v2"]) links.make(wish(links, name), links.list());
    kernel.links.push({ index: 5, name: "dummy0", group: ownGroup });
    kernel.log.length = 0;
    links.remove(() => true);
    expect(kernel.log.slice(0, 2)).toEqual(["delete 9", "delete 10"]);
    expect(kernel.links.map(({ name }) => name)).toEqual(["eth0", "dummy0"]);
  });

  test("leaves nothing when a setting is refused", () => {
    const kernel = new FakeKernel();
    const links = kernel.open();
    kernel.refused = ignore;
    expect(() => links.make(wish(links, "v1"), links.list())).toThrow("EACCES");
    expect(kernel.links.map(({ name }) => name)).toEqual(["eth0"]);
  });

  test("asks about the whole host", () => {
    const kernel = new FakeKernel();
    expect(kernel.open().problem("eth0")).toBeNull();
    kernel.settings.set("net/ipv4/conf/all/arp_filter", "1");
    expect(kernel.open().problem("eth0")).toContain("arp_filter");
  });
});
