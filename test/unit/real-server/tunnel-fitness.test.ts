import { describe, expect, test } from "bun:test";
import type { ActualLink } from "../../../src/real-server/state.ts";
import { judgeTunnels, type TunnelSight, type WayOut } from "../../../src/real-server/tunnel-fitness.ts";
import { forms } from "./machine.ts";

const vip = "192.0.2.10";
const way: WayOut = { family: 4, interface: "eth0", mtu: 1500, routeMtu: null, advertisedMss: null };
const device: ActualLink = { name: "rs-ipip", kind: "ipip", hasChecksum: false, isOwn: true, isReady: true };
const whole: TunnelSight = {
  links: [device],
  ports: [{ family: 4, port: 6080 }],
  waysOut: [{ ...way, advertisedMss: 1420 }],
};

const judged = (words: readonly string[], change: Partial<TunnelSight>, vips: readonly string[] = [vip]) =>
  judgeTunnels(forms(words), vips, { ...whole, ...change }).map(
    ({ subject, verdict, text }) => `${verdict} ${subject} ${text}`,
  );

describe("judgeTunnels()", () => {
  test("finds nothing against a machine that unpacks", () => {
    expect(judged(["gue:6080"], {})).toEqual([
      "fit rs-ipip unpacks what directors send, rp_filter is loose",
      "fit UDP 6080 takes GUE over IPv4",
      "fit eth0 IPv4 clients are told to send segments of 1420 bytes, which fit when packed",
    ]);
    expect(judged([], {})).toEqual([]);
  });

  test("finds what is missing or was changed", () => {
    const [missing, closed] = judged(["gue:6080"], { links: [], ports: [{ family: 6, port: 6080 }] });
    expect(missing).toBe("unfit rs-ipip is missing: run `edge-ha rs start`");
    expect(closed).toBe("unfit UDP 6080 takes no GUE over IPv4: run `edge-ha rs start`");
    expect(judged(["ipip"], { links: [{ ...device, isReady: false }] })[0]).toStartWith(
      "unfit rs-ipip is not as",
    );
    expect(judged(["ipip"], { links: [{ ...device, isOwn: false }] })[0]).toStartWith(
      "unfit rs-ipip is not as",
    );
    const gre: ActualLink = { ...device, name: "rs-gre", kind: "gre", hasChecksum: true };
    expect(judged(["gre"], { links: [gre] })[0]).toStartWith("unfit rs-gre is not as");
  });

  test("wants the kernel's own device up, and no more", () => {
    const sit: ActualLink = { name: "sit0", kind: "sit", hasChecksum: false, isOwn: false, isReady: true };
    expect(judged(["ipip"], { links: [sit] }, ["2001:db8::10"])).toEqual(["fit sit0 unpacks IPv6 in IPv4"]);
  });

  test.each([
    ["ipip", {}, "1440"],
    ["gre", {}, "1436"],
    ["gue:6080", {}, "1420"],
    ["ipip/6", {}, "1420"],
    ["ipip", { mtu: 9000 }, "8940"],
  ])("through %s with %j only so much fits: %s", (word, change, most) => {
    const lines = judged([word], { waysOut: [{ ...way, ...change }] });
    const size = lines.find((line) => line.includes("segments"));
    expect(size).toStartWith("note eth0 IPv4 clients may send segments");
    expect(size).toContain(`advmss ${most} to the default route`);
  });

  test.each([
    ["an MTU of the route", { routeMtu: 1480 }],
    ["an announced segment", { advertisedMss: 1440 }],
  ])("is content with %s that leaves room", (_, change) => {
    expect(judged(["ipip"], { waysOut: [{ ...way, ...change }] })[1]).toStartWith("fit eth0 IPv4 clients");
  });

  test("goes by the packing that needs most, and by the families of the VIPs", () => {
    expect(judged(["ipip", "gre+csum/6"], { waysOut: [way] }).at(-1)).toContain(
      "packed as gre+csum/6 only 1412 fit",
    );
    const sixth: WayOut = { ...way, family: 6 };
    expect(judged(["ipip"], { waysOut: [sixth] })).toHaveLength(1);
    expect(judged(["ipip"], { waysOut: [sixth] }, ["2001:db8::10"]).at(-1)).toContain("`ip -6 route change");
  });
});
