import { describe, expect, test } from "bun:test";
import { planStart } from "../../../src/real-server/plan.ts";
import type { ActualState } from "../../../src/real-server/state.ts";
import { describeStep } from "../../../src/real-server/steps.ts";
import { desiredTable, requiredSysctls } from "../../../src/real-server/table.ts";
import { tunnelLinks, tunnelOverhead } from "../../../src/real-server/tunnels.ts";
import { forms } from "./machine.ts";

const names = (words: readonly string[], vips: readonly string[]): readonly string[] =>
  tunnelLinks(forms(words), vips).map(({ name }) => name);
const v4 = "192.0.2.10";
const v6 = "2001:db8::10";
const quiet: ActualState = {
  bootId: "boot-1",
  addresses: [],
  routes: [],
  sysctls: new Map(requiredSysctls.map(({ path, value }) => [path, value])),
  links: [],
  ports: [],
};

describe("tunnelLinks()", () => {
  test("gives one device for each kind of packing and family outside", () => {
    expect(names(["ipip"], [v4])).toEqual(["rs-ipip"]);
    expect(names(["gre", "gre+csum/6"], [v4, v6])).toEqual(["rs-gre", "rs-ip6gre"]);
    expect(names(["ipip/6", "gue:6080/6"], [v4, v6])).toEqual(["rs-ip6tnl"]);
    expect(names(["gue:6080", "gue:6081", "ipip"], [v4])).toEqual(["rs-ipip"]);
  });

  test("takes the kernel's own device for IPv6 in IPv4", () => {
    expect(names(["ipip"], [v6])).toEqual(["sit0"]);
    expect(names(["gue:6080"], [v4, v6])).toEqual(["rs-ipip", "sit0"]);
    expect(names(["gre"], [v6])).toEqual(["rs-gre"]);
  });
});

test("tunnelOverhead() counts every header there can be", () => {
  expect(forms(["ipip", "ipip/6", "gre", "gre+csum/6", "gue:6080"]).map(tunnelOverhead)).toEqual([
    20, 40, 24, 48, 40,
  ]);
});

describe("planStart() with tunnels", () => {
  const table = desiredTable({ vips: [v4, v6], tunnels: forms(["gue:6080"]) }, []);

  test("opens the tunnel once the VIPs are there, the port last", () => {
    expect(planStart(table, quiet, null).steps.map(describeStep)).toEqual([
      `add ${v4}/32 to lo as lo:0`,
      `add the host route to ${v4} on lo`,
      `add ${v6}/128 to lo`,
      "make the tunnel device rs-ipip (ipip)",
      "set sit0 up",
      "take GUE on UDP port 6080 over IPv4",
    ]);
  });

  test("makes a device of its own anew when somebody has changed it", () => {
    const link = { name: "rs-ipip", kind: "ipip", hasChecksum: false, isOwn: true, isReady: false } as const;
    const steps = planStart(table, { ...quiet, links: [link] }, null).steps.map(describeStep);
    expect(steps).toContain("remove the tunnel device rs-ipip");
    expect(steps).toContain("make the tunnel device rs-ipip (ipip)");
  });

  test("refuses a name that something else has", () => {
    const link = { name: "rs-ipip", kind: "ipip", hasChecksum: false, isOwn: false, isReady: true } as const;
    expect(() => planStart(table, { ...quiet, links: [link] }, null)).toThrow("rs-ipip is there already");
  });
});
