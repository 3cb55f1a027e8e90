import { describe, expect, test } from "bun:test";
import type { Endpoint } from "../../../../src/base/address.ts";
import { formatEndpoint } from "../../../../src/base/address.ts";
import type { LookupPlan } from "../../../../src/config/lookup-plan.ts";
import { hostAddresses, nameServers } from "../../../../src/director/names/host-files.ts";
import { Resolver, type Question } from "../../../../src/director/names/resolver.ts";
import type { DnsReply } from "../../../../src/health/dns/message.ts";
import { plannedLookup } from "../../../support/planned-lookup.ts";

const first: Endpoint = { address: "192.0.2.53", port: 53 };
const second: Endpoint = { address: "192.0.2.54", port: 53 };

const plan: LookupPlan = { ...plannedLookup, families: [4], resolvers: [first, second] };

/** A reply with addresses of `app.example`. */
function addresses(...data: readonly string[]): DnsReply {
  const answers = data.map((address) => ({ name: "app.example", type: "A", ttlS: 60, data: address }));
  return { rcode: "NOERROR", isTruncated: false, negativeTtlS: null, answers };
}

function failure(rcode: string): DnsReply {
  return { ...addresses(), rcode };
}

function resolver(
  reply: (question: Question) => DnsReply,
  hosts = "",
): { readonly resolver: Resolver; readonly asked: string[] } {
  const asked: string[] = [];
  const list = hostAddresses(hosts);
  const made = new Resolver({
    nameServers: () => [second],
    hostAddresses: (name) => list.get(name) ?? [],
    ask: (question) => {
      asked.push(`${question.protocol} ${formatEndpoint(question.to)}`);
      return new Promise((resolve) => resolve(reply(question)));
    },
  });
  return { resolver: made, asked };
}

describe("a lookup", () => {
  test("goes to the next name server if one has no answer, and begins there the next time", async () => {
    const { asked, resolver: desk } = resolver(({ to }) => {
      if (to === first) throw new Error("no answer within 2000 ms");
      return addresses("192.0.2.1");
    });
    expect(await desk.find(plan, [])).toMatchObject({ kind: "found", servers: [{ address: "192.0.2.1" }] });
    await desk.find(plan, []);
    expect(asked).toEqual(["udp 192.0.2.53:53", "udp 192.0.2.54:53", "udp 192.0.2.54:53"]);
  });

  test("is given up after so many rounds, with the last reason", async () => {
    const { asked, resolver: desk } = resolver(() => failure("SERVFAIL"));
    expect(await desk.find(plan, [])).toEqual({ kind: "failed", reason: "SERVFAIL (192.0.2.54:53)" });
    expect(asked.length).toBe(4);
  });

  test("believes the first that says there is nothing", async () => {
    const { asked, resolver: desk } = resolver(() => failure("NXDOMAIN"));
    expect((await desk.find(plan, [])).kind).toBe("none");
    expect(asked.length).toBe(1);
  });

  test("asks by TCP for what is too long for UDP", async () => {
    const { asked, resolver: desk } = resolver(({ protocol }) =>
      protocol === "udp"
        ? { ...addresses("192.0.2.1"), isTruncated: true }
        : addresses("192.0.2.1", "192.0.2.2"),
    );
    expect(await desk.find(plan, [])).toMatchObject({
      servers: [{ address: "192.0.2.1" }, { address: "192.0.2.2" }],
    });
    expect(asked).toEqual(["udp 192.0.2.53:53", "tcp 192.0.2.53:53"]);
  });

  test("asks nobody about what is in the host's own list, and the host's name servers about the rest", async () => {
    const { asked, resolver: desk } = resolver(() => addresses("192.0.2.1"), "192.0.2.7 app.example app");
    const finding = await desk.find({ ...plan, resolvers: [] }, []);
    expect(finding).toMatchObject({ servers: [{ address: "192.0.2.7" }], ttlMs: 5_000 });
    await desk.find({ ...plan, name: "other.example", resolvers: [] }, []);
    expect(asked).toEqual(["udp 192.0.2.54:53"]);
  });

  test("asks with an id of its own each time", async () => {
    const ids = new Set<number>();
    const { resolver: desk } = resolver(({ bytes }) => {
      ids.add(new DataView(bytes.buffer).getUint16(0));
      return failure("SERVFAIL");
    });
    await desk.find({ ...plan, tries: 10 }, []);
    expect(ids.size).toBeGreaterThan(15);
  });

  test("of a service asks for its targets", async () => {
    const service = { ...plan, kind: "srv", name: "_http._tcp.app.example" } as const;
    const { resolver: desk } = resolver(({ bytes }) => {
      const isService = new TextDecoder().decode(bytes).includes("_http");
      if (!isService) return addresses("192.0.2.1");
      const record = { name: service.name, type: "SRV", ttlS: 30 };
      return { ...addresses(), answers: [{ ...record, data: "10 5 8080 app.example" }] };
    });
    expect(await desk.find(service, [])).toEqual({
      kind: "found",
      servers: [
        { address: "192.0.2.1", srv: { priority: 10, weight: 5, port: 8080, target: "app.example" } },
      ],
      ttlMs: 30_000,
      complaint: null,
    });
  });
});

test("name servers are those of the host, three at most, and the host itself where it says nothing", () => {
  const text =
    "# comment\nsearch example\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\n nameserver\t2001:db8::1\n";
  expect(nameServers(text).map(formatEndpoint)).toEqual(["192.0.2.1:53", "[2001:db8::1]:53"]);
  expect(nameServers("nameserver 192.0.2.1\n".repeat(4)).length).toBe(3);
  expect(nameServers("options edns0\n").map(formatEndpoint)).toEqual(["127.0.0.1:53"]);
});

test("the host's list has several addresses for a name, whatever the case, and comments", () => {
  const list = hostAddresses("127.0.0.1 localhost\n::1 LocalHost. ip6 # here\nnonsense a\n# 192.0.2.1 b\n");
  expect(list.get("localhost")).toEqual(["127.0.0.1", "::1"]);
  expect([list.get("ip6"), list.get("a"), list.get("b")]).toEqual([["::1"], undefined, undefined]);
});
