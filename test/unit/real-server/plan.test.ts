import { describe, expect, test } from "bun:test";
import { planStart, planStop } from "../../../src/real-server/plan.ts";
import type { ActualState, SavedState } from "../../../src/real-server/state.ts";
import { describeStep, type Step, undo } from "../../../src/real-server/steps.ts";
import { desiredTable } from "../../../src/real-server/table.ts";

const ignoreAll = "net/ipv4/conf/all/arp_ignore";
const fresh: ActualState = {
  bootId: "boot-1",
  addresses: [{ address: "127.0.0.1", prefixLength: 8, label: "lo", isTagged: false }],
  routes: [],
  sysctls: new Map([
    [ignoreAll, "0"],
    ["net/ipv4/conf/all/arp_announce", "0"],
    ["net/ipv4/conf/lo/arp_ignore", "0"],
    ["net/ipv4/conf/lo/arp_announce", "0"],
  ]),
  links: [],
  ports: [],
};
const started: ActualState = {
  ...fresh,
  addresses: [...fresh.addresses, { address: "192.0.2.10", prefixLength: 32, label: "lo:0", isTagged: true }],
  routes: [{ address: "192.0.2.10", isTagged: true }],
  sysctls: new Map([...fresh.sysctls].map(([path]) => [path, path.endsWith("arp_ignore") ? "1" : "2"])),
};
const wanted = desiredTable({ vips: ["192.0.2.10"], tunnels: [] }, []);
const saved: SavedState = planStart(wanted, fresh, null).outcome;

function withSysctl(state: ActualState, path: string, value: string): ActualState {
  return { ...state, sysctls: new Map([...state.sysctls, [path, value]]) };
}

function texts(steps: readonly Step[]): readonly string[] {
  return steps.map(describeStep);
}

describe("planStart()", () => {
  test("quietens ARP before it adds the VIP, and the VIP before its route", () => {
    expect(texts(planStart(wanted, fresh, null).steps)).toEqual([
      "set net.ipv4.conf.all.arp_ignore from 0 to 1",
      "set net.ipv4.conf.all.arp_announce from 0 to 2",
      "set net.ipv4.conf.lo.arp_ignore from 0 to 1",
      "set net.ipv4.conf.lo.arp_announce from 0 to 2",
      "add 192.0.2.10/32 to lo as lo:0",
      "add the host route to 192.0.2.10 on lo",
    ]);
  });

  test("plans nothing when everything is there", () => {
    const again = planStart(wanted, started, saved);
    expect(again.steps).toEqual([]);
    expect(again.journal).toEqual(saved);
    expect(again.outcome).toEqual(saved);
  });

  test("adds a VIP that came and removes one that went, and the journal knows both", () => {
    const plan = planStart(
      desiredTable({ vips: ["192.0.2.11"], tunnels: [] }, started.addresses),
      started,
      saved,
    );
    expect(texts(plan.steps)).toEqual([
      "add 192.0.2.11/32 to lo as lo:1",
      "add the host route to 192.0.2.11 on lo",
      "remove the host route to 192.0.2.10 on lo",
      "remove 192.0.2.10/32 from lo",
    ]);
    expect(plan.journal.vips.map((vip) => vip.address)).toEqual(["192.0.2.11", "192.0.2.10"]);
    expect(plan.outcome.vips.map((vip) => vip.address)).toEqual(["192.0.2.11"]);
  });

  test("remembers the value before the first start when it is run again", () => {
    const plan = planStart(wanted, started, saved);
    expect(plan.outcome.sysctls[0]).toEqual({ path: ignoreAll, before: "0", set: "1" });
  });

  test("takes a value that someone else set since as what to go back to", () => {
    const plan = planStart(wanted, withSysctl(started, ignoreAll, "2"), saved);
    expect(plan.outcome.sysctls[0]).toEqual({ path: ignoreAll, before: "2", set: "1" });
  });

  test("does not claim an address or a route that was there already, and says so", () => {
    const there: ActualState = {
      ...fresh,
      addresses: [{ address: "192.0.2.10", prefixLength: 32, label: "lo", isTagged: false }],
      routes: [{ address: "192.0.2.10", isTagged: false }],
    };
    const plan = planStart(wanted, there, null);
    expect(plan.outcome.vips).toEqual([
      { address: "192.0.2.10", label: "lo:0", hadAddress: true, hadRoute: true },
    ]);
    expect(plan.steps.every((step) => step.kind === "set-sysctl")).toBe(true);
    expect(plan.notes).toHaveLength(2);
  });

  test("does not take the VIP with another prefix length for the VIP", () => {
    const there: ActualState = {
      ...fresh,
      addresses: [{ address: "192.0.2.10", prefixLength: 24, label: "lo", isTagged: false }],
    };
    expect(texts(planStart(wanted, there, null).steps)).toContain("add 192.0.2.10/32 to lo as lo:0");
  });

  test("records everything anew when the state file is of an earlier boot", () => {
    const rebooted = { ...withSysctl(fresh, ignoreAll, "2"), bootId: "boot-2" };
    const plan = planStart(wanted, rebooted, saved);
    expect(plan.outcome.bootId).toBe("boot-2");
    expect(plan.outcome.sysctls[0]).toEqual({ path: ignoreAll, before: "2", set: "1" });
    expect(plan.steps).toHaveLength(6);
  });

  test("adopts tagged addresses when the state file is lost, and says what is not known", () => {
    const plan = planStart(wanted, started, null);
    expect(plan.steps).toEqual([]);
    expect(plan.outcome.vips[0]).toMatchObject({ hadAddress: false, hadRoute: false });
    expect(plan.notes.join()).toContain("not known");
  });
});

describe("planStop()", () => {
  test("removes the VIP before it lets ARP speak again", () => {
    expect(texts(planStop(started, saved).steps)).toEqual([
      "remove the host route to 192.0.2.10 on lo",
      "remove 192.0.2.10/32 from lo",
      "set net.ipv4.conf.all.arp_ignore from 1 to 0",
      "set net.ipv4.conf.all.arp_announce from 2 to 0",
      "set net.ipv4.conf.lo.arp_ignore from 1 to 0",
      "set net.ipv4.conf.lo.arp_announce from 2 to 0",
    ]);
  });

  test("restores values that were not 0 before", () => {
    const before = withSysctl(fresh, ignoreAll, "2");
    const plan = planStop(started, planStart(wanted, before, null).outcome);
    expect(texts(plan.steps)).toContain("set net.ipv4.conf.all.arp_ignore from 1 to 2");
  });

  test("leaves a value that someone else set since, and says so", () => {
    const plan = planStop(withSysctl(started, ignoreAll, "8"), saved);
    expect(texts(plan.steps).join()).not.toContain("all.arp_ignore");
    expect(plan.notes).toEqual([expect.stringContaining("net.ipv4.conf.all.arp_ignore is 8")]);
  });

  test("leaves the address that was there before", () => {
    const there = {
      ...fresh,
      addresses: [{ address: "192.0.2.10", prefixLength: 32, label: null, isTagged: false }],
    };
    const { outcome } = planStart(wanted, there, null);
    const plan = planStop({ ...started, addresses: there.addresses }, outcome);
    expect(texts(plan.steps)).toContain("remove the host route to 192.0.2.10 on lo");
    expect(texts(plan.steps)).not.toContain("remove 192.0.2.10/32 from lo");
  });

  test("removes an address without a tag when the state file says it was added (Linux < 5.18)", () => {
    const untagged = { ...started, addresses: started.addresses.map((one) => ({ ...one, isTagged: false })) };
    expect(texts(planStop(untagged, saved).steps)).toContain("remove 192.0.2.10/32 from lo");
  });

  test("undoes only what is present when a start was interrupted", () => {
    const interrupted = withSysctl(fresh, ignoreAll, "1");
    expect(texts(planStop(interrupted, saved).steps)).toEqual([
      "set net.ipv4.conf.all.arp_ignore from 1 to 0",
    ]);
  });

  test("touches no setting and no foreign address after a reboot, and says so", () => {
    const foreign = { ...started, addresses: started.addresses.map((one) => ({ ...one, isTagged: false })) };
    const plan = planStop({ ...foreign, routes: [], bootId: "boot-2" }, saved);
    expect(plan.steps).toEqual([]);
    expect(plan.notes).toEqual([expect.stringContaining("rebooted")]);
  });

  test("removes what carries the tag when there is no state file", () => {
    expect(texts(planStop(started, null).steps)).toEqual([
      "remove the host route to 192.0.2.10 on lo",
      "remove 192.0.2.10/32 from lo",
    ]);
    expect(planStop(fresh, null)).toEqual({ steps: [], notes: [] });
  });
});

test("undo() of an undone step is the step", () => {
  for (const step of [...planStart(wanted, fresh, null).steps, ...planStop(started, saved).steps]) {
    expect(undo(undo(step))).toEqual(step);
  }
});
