import { describe, expect, test } from "bun:test";
import { silentLog } from "../../../src/base/log.ts";
import { Director } from "../../../src/director/director.ts";
import { SignsOfLife } from "../../../src/director/signs-of-life.ts";
import { Ipvs } from "../../../src/kernel/ipvs.ts";
import { NetlinkConnection } from "../../../src/kernel/netlink/connection.ts";
import { silenceLimitMs, startLimitMs } from "../../../src/supervisor/keeper.ts";
import { plan } from "../../support/director-lab.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { plannedServer, plannedService } from "../../support/ipvs-services.ts";
import { makeKeeper, type PuppetChild } from "../../support/puppet-child.ts";
import { TablePort } from "../../support/table-port.ts";

const servers = Array.from({ length: 20 }, (_, index) => plannedServer(`10.99.1.${1 + index}`));
const services = Array.from({ length: 500 }, (_, index) => plannedService({ port: 1 + index, servers }));

/** A director whose kernel answers slowly, with a supervisor that sees how long it is silent. */
function slowMachine(): {
  director: Director;
  child: () => PuppetChild | undefined;
  takes: { requestMs: number };
} {
  const { clock, keeper, children } = makeKeeper();
  void keeper.start();
  children[0]?.say({ kind: "hello" });
  const takes = { requestMs: 0 };
  class SlowPort extends TablePort {
    override send(bytes: Uint8Array): void {
      // The supervisor's own time goes on meanwhile.
      clock.advance(takes.requestMs);
      super.send(bytes);
    }
  }
  const life = new SignsOfLife(clock, () => children.at(-1)?.say({ kind: "alive" }));
  const onProgress = (): void => life.show();
  const director = new Director({
    clock,
    log: silentLog,
    prober: {
      configure: () => undefined,
      verdict: () => null,
      weightWord: () => null,
      close: () => undefined,
    },
    journal: { entries: new Set(), note: () => undefined },
    book: { drains: [], note: () => undefined },
    openIpvs: () => Ipvs.over(new NetlinkConnection(new SlowPort(), onProgress), () => undefined),
    tell: () => undefined,
    onStandings: () => undefined,
    stand: () => undefined,
    onProgress,
  });
  return { director, child: () => children.at(-1), takes };
}

describe("a director with 500 services and 10,000 servers", () => {
  test("is not taken for dead by its supervisor where the kernel takes two minutes", () => {
    const { director, child, takes } = slowMachine();
    takes.requestMs = 1_500;
    expect(director.configure(plan(...services))).toBeNull();
    let slices = 0;
    for (; director.isFilling; slices++) director.fill();
    expect(slices).toBe(Math.ceil((500 * 21) / 128));
    child()?.say({ kind: "configured" });
    takes.requestMs = (2 * 60_000) / 500;
    director.reconcile();
    expect(child()?.signals).toEqual([]);
  });

  test("is found where it hangs", () => {
    const { director, child, takes } = slowMachine();
    takes.requestMs = startLimitMs + 2_000;
    director.configure(plan(plannedService()));
    expect(child()?.signals).toContain("SIGKILL");
    const later = slowMachine();
    later.director.configure(plan(plannedService()));
    later.child()?.say({ kind: "configured" });
    later.takes.requestMs = silenceLimitMs + 2_000;
    later.director.reconcile();
    expect(later.child()?.signals).toContain("SIGKILL");
  });
});

test("signs of life are sent twice a second at most", () => {
  const clock = new FakeClock();
  const sent: number[] = [];
  const life = new SignsOfLife(clock, () => sent.push(clock.now()));
  for (let passed = 0; passed < 1_000; passed++, clock.advance(1)) life.show();
  expect(sent).toEqual([1_000, 1_500]);
});
