import { describe, expect, test } from "bun:test";
import { SystemError } from "../../../src/base/system-error.ts";
import type { DetourPlan } from "../../../src/config/check-plan.ts";
import { Detours, type DetourFilter, type DetourRoutes } from "../../../src/director/detours.ts";
import type { NftChange } from "../../../src/kernel/nftables-messages.ts";
import { recordingLog } from "../../support/recording-log.ts";

const vip = "192.0.2.100";
const web: DetourPlan = { vip, mark: 7, servers: ["192.0.2.8", "198.51.100.8"] };

/** A packet filter with the detours' table alone, and the routes to the servers in it. */
class Kernel implements DetourFilter {
  rules = new Map<string, string[]>();
  applied = 0;
  failure: SystemError | null = null;
  canSubscribe = true;
  opened = 0;
  /** Names of interfaces by the servers that are behind them. */
  ways = new Map([["192.0.2.8", "eth1"]]);

  comments(_table: string, chain: string): readonly string[] {
    return this.rules.get(chain) ?? [];
  }
  apply(changes: readonly NftChange[]): void {
    if (this.failure !== null) throw this.failure;
    this.applied += 1;
    for (const change of changes) {
      expect(change.family).toBe("netdev");
      if (change.kind === "remove-table") this.rules.clear();
      if (change.kind === "add-chain") this.rules.set(change.chain.name, []);
      if (change.kind === "add-rule") this.rules.get(change.rule.chain)?.push(change.rule.comment);
    }
  }
  removeTable(): "removed" | "absent" {
    const was = this.rules.size > 0;
    this.rules.clear();
    return was ? "removed" : "absent";
  }
  subscribe(): () => void {
    if (!this.canSubscribe) throw new SystemError("setsockopt", "ENOBUFS");
    return () => undefined;
  }
  close(): void {
    this.opened -= 1;
  }

  routes(): DetourRoutes {
    const names = [...new Set(this.ways.values())];
    return {
      links: () => names.map((name, at) => ({ index: at + 1, name }) as ReturnType<DetourRoutes["links"]>[0]),
      linkTowards: (server) => {
        const name = this.ways.get(server);
        return name === undefined ? null : names.indexOf(name) + 1;
      },
      close: () => undefined,
    };
  }
}

function lab(): { readonly detours: Detours; readonly kernel: Kernel; readonly said: readonly string[] } {
  const kernel = new Kernel();
  const { log, said } = recordingLog();
  const detours = new Detours({
    log,
    openFilter: () => {
      kernel.opened += 1;
      return kernel;
    },
    openRoutes: () => kernel.routes(),
    onNews: () => undefined,
  });
  return { detours, kernel, said };
}

const probeOf = (
  address: string,
): { readonly vip: string; readonly target: { address: string; port: number } } => ({
  vip,
  target: { address, port: 80 },
});

describe("Detours", () => {
  test("stand on the interfaces that servers are behind, and follow the routes", () => {
    const { detours, kernel } = lab();
    expect(detours.configure([web])).toBeNull();
    expect(Object.fromEntries(kernel.rules)).toEqual({
      leaving: ["tcp", "udp", "ping"].map((by) => `${by} to 192.0.2.100 with mark 7 on eth1`),
      coming: ["tcp", "udp", "ping"]
        .map((by) => `${by} answers over IPv4 on eth1`)
        .concat("udp refusals over IPv4 on eth1"),
    });
    expect(detours.problem(probeOf("192.0.2.8"))).toBeNull();
    expect(detours.problem(probeOf("198.51.100.8"))).toBe(
      "no route to 198.51.100.8, by whose way 192.0.2.100 is asked",
    );
    detours.check();
    expect(kernel.applied).toBe(1);
    kernel.ways.set("198.51.100.8", "eth2");
    detours.check();
    expect(kernel.rules.get("leaving")).toContain("tcp to 192.0.2.100 with mark 7 on eth1 eth2");
    expect(detours.problem(probeOf("198.51.100.8"))).toBeNull();
  });

  test("close a packet filter that does not tell of changes, at each attempt", () => {
    const { detours, kernel } = lab();
    kernel.canSubscribe = false;
    for (const mark of [7, 8]) expect(detours.configure([{ ...web, mark }])).toContain("ENOBUFS");
    expect(kernel.opened).toBe(0);
    kernel.canSubscribe = true;
    expect(detours.configure([web])).toBeNull();
    expect(kernel.opened).toBe(1);
  });

  test("come back when somebody has removed them, and let no check go astray while they cannot", () => {
    const { detours, kernel, said } = lab();
    detours.configure([web]);
    kernel.rules.clear();
    kernel.failure = new SystemError("nf_tables", "EPERM");
    detours.check();
    detours.check();
    expect(said).toHaveLength(1);
    expect(detours.problem(probeOf("192.0.2.8"))).toContain("checks cannot go through the VIP");
    expect(detours.problem({ ...probeOf("192.0.2.8"), vip: null })).toBeNull();
    kernel.failure = null;
    detours.check();
    expect(detours.problem(probeOf("192.0.2.8"))).toBeNull();
  });

  test("are refused where the kernel cannot, which says what it takes", () => {
    const { detours, kernel } = lab();
    kernel.failure = new SystemError("nf_tables: chain leaving", "EOPNOTSUPP");
    expect(detours.configure([web])).toMatch(/Linux 5\.16 .*CONFIG_NETFILTER_EGRESS; remove via/);
  });

  test("go when nothing needs them, also those of an earlier process", () => {
    const { detours, kernel } = lab();
    kernel.rules.set("leaving", []);
    expect(detours.configure([])).toBeNull();
    expect(kernel.rules.size).toBe(0);
    detours.configure([web]);
    detours.stop();
    expect(kernel.rules.size).toBe(0);
  });
});
