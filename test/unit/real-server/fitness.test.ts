import { describe, expect, test } from "bun:test";
import { isFit, judge, type Sight } from "../../../src/real-server/fitness.ts";

const vip = "192.0.2.10";

const fitSight: Sight = {
  isLoopbackUp: true,
  hasIpv6: true,
  loopback: [
    { address: "127.0.0.1", prefixLength: 8, label: "lo", isTagged: false },
    { address: vip, prefixLength: 32, label: "lo:0", isTagged: true },
  ],
  elsewhere: [{ interface: "eth1", address: "192.0.2.8" }],
  all: { arpIgnore: 1, arpAnnounce: 2, rpFilter: 0 },
  interfaces: [{ name: "eth1", arpIgnore: 0, arpAnnounce: 0, rpFilter: 0 }],
  listeners: [{ protocol: "tcp", address: "0.0.0.0", port: 80 }],
};

function unfitTexts(change: Partial<Sight>): readonly string[] {
  const findings = judge([vip], { ...fitSight, ...change });
  const unfit = findings.filter((one) => one.verdict === "unfit");
  expect(isFit(findings)).toBe(unfit.length === 0);
  return unfit.map((one) => `${one.subject} ${one.text}`);
}

describe("judge()", () => {
  test("finds nothing against a machine that was started and listens", () => {
    expect(unfitTexts({})).toEqual([]);
  });

  test("finds a VIP that is not on lo", () => {
    expect(unfitTexts({ loopback: [] })).toEqual([expect.stringContaining(`${vip} is not on lo`)]);
  });

  test("finds a VIP that takes a whole network", () => {
    const wide = { address: vip, prefixLength: 24, label: "lo:0", isTagged: false };
    expect(unfitTexts({ loopback: [...fitSight.loopback, wide] })).toEqual([
      expect.stringContaining(`ip address del ${vip}/24 dev lo`),
    ]);
  });

  test("finds a VIP that another interface carries", () => {
    expect(unfitTexts({ elsewhere: [{ interface: "eth1", address: vip }] })).toEqual([
      expect.stringContaining("is on eth1 too"),
    ]);
  });

  test("finds a VIP that nothing listens on", () => {
    expect(unfitTexts({ listeners: [{ protocol: "tcp", address: "127.0.0.1", port: 80 }] })).toEqual([
      expect.stringContaining("nothing listens"),
    ]);
  });

  test("finds lo that is down", () => {
    expect(unfitTexts({ isLoopbackUp: false })).toEqual([expect.stringContaining("lo is down")]);
  });

  test.each([
    [0, 0, false],
    [1, 0, true],
    [0, 1, true],
    [1, 2, true],
    [8, 0, true],
    [1, 3, false],
    [3, 1, false],
  ])("with arp_ignore %i on all and %i on the interface, silence is %p", (all, own, isSilent) => {
    const texts = unfitTexts({
      all: { ...fitSight.all, arpIgnore: all },
      interfaces: [{ name: "eth1", arpIgnore: own, arpAnnounce: 0, rpFilter: 0 }],
    });
    expect(texts.length === 0).toBe(isSilent);
  });

  test("names the interface's own arp_ignore as the cure when it is what is wrong", () => {
    const interfaces = [{ name: "eth1", arpIgnore: 3, arpAnnounce: 2, rpFilter: 0 }];
    expect(unfitTexts({ interfaces })).toEqual([
      expect.stringContaining("set net.ipv4.conf.eth1.arp_ignore"),
    ]);
  });

  test("finds arp_announce below 2", () => {
    expect(unfitTexts({ all: { ...fitSight.all, arpAnnounce: 1 } })).toEqual([
      expect.stringContaining("arp_announce 1"),
    ]);
  });

  test("notes a strict rp_filter without calling the machine unfit", () => {
    const findings = judge([vip], { ...fitSight, all: { ...fitSight.all, rpFilter: 1 } });
    expect(isFit(findings)).toBe(true);
    expect(findings.filter((one) => one.verdict === "note").map((one) => one.subject)).toEqual(["eth1"]);
  });

  test("looks at every interface that is up", () => {
    const interfaces = ["eth1", "eth2"].map((name) => ({ name, arpIgnore: 0, arpAnnounce: 2, rpFilter: 0 }));
    const texts = unfitTexts({ all: { ...fitSight.all, arpIgnore: 0 }, interfaces });
    expect(texts.map((text) => text.split(" ")[0])).toEqual(["eth1", "eth2"]);
  });

  test("asks nothing of the interfaces for an IPv6 VIP, but that none carries it", () => {
    const vip6 = "2001:db8::10";
    const loopback = [{ address: vip6, prefixLength: 128, label: null, isTagged: true }];
    const listeners = [{ protocol: "tcp", address: "::", port: 80 } as const];
    const sight = { ...fitSight, loopback, listeners, all: { arpIgnore: 0, arpAnnounce: 0, rpFilter: 0 } };
    expect(isFit(judge([vip6], sight))).toBe(true);
    const elsewhere = [{ interface: "eth1", address: vip6 }];
    const texts = judge([vip6], { ...sight, elsewhere }).map(({ text }) => text);
    expect(texts.join()).toContain("is on eth1 too, where neighbour solicitations for it are answered");
    const wide = [{ address: vip6, prefixLength: 64, label: null, isTagged: false }];
    expect(isFit(judge([vip6], { ...sight, loopback: wide }))).toBe(false);
  });

  test("holds the machine against the services' own ports where they are known", () => {
    const listeners = [
      { protocol: "tcp", address: "0.0.0.0", port: 80 },
      { protocol: "udp", address: vip, port: 53 },
    ] as const;
    const expected = [
      { protocol: "tcp", address: vip, port: 80 },
      { protocol: "udp", address: vip, port: 53 },
      { protocol: "tcp", address: vip, port: 443 },
      { protocol: "udp", address: vip, port: 80 },
      { protocol: "sctp", address: vip, port: 9 },
      { protocol: "tcp", address: "192.0.2.11", port: 8080 },
    ] as const;
    const findings = judge([vip], { ...fitSight, listeners }, expected);
    expect(findings.slice(1, 6).map(({ verdict, text }) => `${verdict} ${text}`)).toEqual([
      "fit TCP port 80: listened on",
      "fit UDP port 53: listened on",
      "unfit nothing listens on its TCP port 443: start the server, on the VIP or on 0.0.0.0",
      "unfit nothing listens on its UDP port 80: start the server, on the VIP or on 0.0.0.0",
      "note SCTP port 9 is not looked at",
    ]);
  });
});
