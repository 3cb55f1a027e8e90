import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatEndpoint } from "../../../src/base/address.ts";
import { applySteps } from "../../../src/director/apply.ts";
import { planSteps } from "../../../src/director/plan.ts";
import type { IpvsServer, IpvsService } from "../../../src/kernel/ipvs.ts";
import { formatKey } from "../../../src/kernel/ipvs-messages.ts";
import { FakeIpvs } from "../../support/fake-ipvs.ts";

// Few addresses and ports, so that tables have much in common.
const server: fc.Arbitrary<IpvsServer> = fc.record({
  address: fc.constantFrom("10.0.0.1", "10.0.0.2", "2001:db8::3", "2001:db8::4"),
  port: fc.constantFrom(0, 80),
  forward: fc.constantFrom("dr" as const, "nat" as const, "tunnel" as const, "local" as const),
  tunnel: fc.option(
    fc.record({
      type: fc.constantFrom("ipip" as const, "gue" as const, "gre" as const),
      port: fc.constantFrom(0, 5555),
      checksum: fc.constantFrom("none" as const, "full" as const, "remote" as const),
    }),
  ),
  weight: fc.integer({ min: 0, max: 3 }),
  upperThreshold: fc.constantFrom(0, 10),
  lowerThreshold: fc.constantFrom(0, 5),
  activeConnections: fc.nat(5),
  inactiveConnections: fc.nat(5),
  persistentConnections: fc.nat(5),
});
const service: fc.Arbitrary<IpvsService> = fc.record({
  key: fc.oneof(
    fc.record({
      family: fc.constant(4 as const),
      protocol: fc.constantFrom(6, 17),
      address: fc.constantFrom("10.9.0.1", "10.9.0.2"),
      port: fc.constantFrom(80, 443),
    }),
    fc.record({
      family: fc.constant(6 as const),
      protocol: fc.constantFrom(6, 132),
      address: fc.constant("2001:db8:9::1"),
      port: fc.constant(80),
    }),
    fc.record({ family: fc.constantFrom(4 as const, 6 as const), mark: fc.constantFrom(1, 2) }),
  ),
  scheduler: fc.constantFrom("rr", "wrr"),
  flags: fc.constantFrom(0, 4, 8, 0x18),
  persistenceS: fc.constantFrom(0, 50),
  netmask: fc.constantFrom(24, 32, 64, 128),
  persistenceEngine: fc.constantFrom(null, "sip"),
  servers: fc.uniqueArray(server, { selector: formatEndpoint }),
});
const table = fc.uniqueArray(service, { selector: ({ key }) => formatKey(key), maxLength: 6 });

/** A table without order and counters, so that two can be compared. */
function content(services: readonly IpvsService[]): unknown {
  return Object.fromEntries(
    services.map(({ servers, ...service }) => [
      formatKey(service.key),
      { ...service, servers: servers.map(serverText).sort() },
    ]),
  );
}

function serverText(entry: IpvsServer): string {
  return JSON.stringify({
    ...entry,
    activeConnections: 0,
    inactiveConnections: 0,
    persistentConnections: 0,
  });
}

const problems = (refusals: readonly (Error | null)[]): readonly (Error | null)[] =>
  refusals.filter((refusal) => refusal !== null);
const keys = (services: readonly IpvsService[]): string[] => services.map(({ key }) => formatKey(key));

test("a plan applied to any table gives the desired one beside what is foreign, and planning again gives nothing", () => {
  fc.assert(
    fc.property(table, table, fc.array(fc.boolean()), (desired, actual, owns) => {
      const owned = new Set(keys(actual).filter((_, index) => owns[index] === true));
      const kernel = new FakeIpvs(actual);
      expect(problems(applySteps(kernel, planSteps(desired, actual, owned)))).toEqual([]);
      const wanted = new Set(keys(desired));
      const foreign = actual.filter(({ key }) => !wanted.has(formatKey(key)) && !owned.has(formatKey(key)));
      expect(content(kernel.services())).toEqual(content([...desired, ...foreign]));
      expect(planSteps(desired, kernel.services(), owned)).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("a plan applied to a table that changed since it was read throws nothing", () => {
  fc.assert(
    fc.property(table, table, table, (desired, read, changed) => {
      const kernel = new FakeIpvs(changed);
      const owned = new Set([...keys(read), ...keys(changed)]);
      // A service that vanished takes its servers with it: those steps find nothing, and the next look finds the rest.
      for (const step of planSteps(desired, read, owned)) {
        const needsService = step.kind === "addServer" || step.kind === "setServer";
        if (needsService && !keys(kernel.services()).includes(formatKey(step.key))) continue;
        expect(problems(applySteps(kernel, [step]))).toEqual([]);
      }
      applySteps(kernel, planSteps(desired, kernel.services(), owned));
      expect(content(kernel.services())).toEqual(content(desired));
    }),
    { numRuns: 200 },
  );
});

test("a service never loses its last server before it has another", () => {
  fc.assert(
    fc.property(table, table, (desired, actual) => {
      const kernel = new FakeIpvs(actual);
      const before = new Map(actual.map((entry) => [formatKey(entry.key), entry.servers.length]));
      for (const step of planSteps(desired, actual, new Set())) {
        applySteps(kernel, [step]);
        for (const entry of kernel.services()) {
          const key = formatKey(entry.key);
          const wanted = desired.find((candidate) => formatKey(candidate.key) === key);
          if ((before.get(key) ?? 0) > 0 && (wanted?.servers.length ?? 0) > 0) {
            expect(entry.servers.length).toBeGreaterThan(0);
          }
        }
      }
    }),
  );
});
