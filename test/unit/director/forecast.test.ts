import { describe, expect, test } from "bun:test";
import { forecast, type Present } from "../../../src/director/forecast.ts";
import { stepText, summaryText } from "../../../src/director/plan.ts";
import { desiredTable } from "../../../src/director/table.ts";
import { plannedServer, plannedService } from "../../support/ipvs-services.ts";

const key = "tcp 10.99.0.101:80";
const web = plannedService();
const empty: Present = { actual: [], owned: new Set(), verdicts: new Map(), words: new Map(), drains: [] };

const texts = (services: Parameters<typeof forecast>[0], present: Partial<Present>): readonly string[] =>
  forecast(services, { ...empty, ...present }).map(stepText);

describe("forecast", () => {
  test("fills an empty table", () => {
    expect(texts([web], {})).toEqual([
      `add service ${key} wrr`,
      `add server 10.99.0.21:80 dr weight 1 to ${key}`,
      `add server 10.99.0.22:80 dr weight 1 to ${key}`,
    ]);
  });

  test("leaves out who is down by the running checks, or by an own table that lacks him", () => {
    const verdicts = new Map([["probe 22", false]]);
    expect(texts([web], { verdicts })).toHaveLength(2);
    const actual = desiredTable([plannedService({ servers: [plannedServer("10.99.0.21")] })], () => true);
    expect(texts([web], { actual, owned: new Set([key]) })).toEqual([]);
    expect(texts([web], { actual })).toEqual([`add server 10.99.0.22:80 dr weight 1 to ${key}`]);
  });

  test("takes a server without weight for one that is down where it stays, unless it was taken out by order", () => {
    const stays = plannedService({ servers: [plannedServer("10.99.0.21", { inhibits: true })] });
    const actual = desiredTable([stays], () => false);
    expect(texts([stays], { actual, owned: new Set([key]) })).toEqual([]);
    const at = "2026-01-01T00:00:00.000Z";
    const target = { service: "web", address: "10.99.0.21", port: null, cut: 0 };
    const drains = [{ ...target, since: at, until: at, state: "drained" as const }];
    expect(texts([stays], { actual, owned: new Set([key]), drains })).toEqual([
      `remove server 10.99.0.21:80 from ${key}`,
    ]);
  });

  test("leaves a weight that a running check has asked for", () => {
    const word = { kind: "fixed", weight: 7 } as const;
    const servers = [plannedServer("10.99.0.21", { weight: 7 }), plannedServer("10.99.0.22")];
    const actual = desiredTable([plannedService({ servers })], () => true);
    expect(texts([web], { actual, words: new Map([["probe 21", word]]) })).toEqual([]);
  });

  test("gives one step for one weight, and one for a service that goes", () => {
    const gone = plannedService({ port: 443 });
    const foreign = plannedService({ port: 8080 });
    const actual = desiredTable([web, gone, foreign], () => true);
    const owned = new Set([key, "tcp 10.99.0.101:443"]);
    const changed = plannedService({
      servers: [plannedServer("10.99.0.21", { weight: 5 }), plannedServer("10.99.0.22")],
    });
    expect(texts([changed], { actual, owned })).toEqual([
      `change server 10.99.0.21:80 dr weight 5 of ${key}`,
      "remove service tcp 10.99.0.101:443",
    ]);
  });

  test("knows who is drained", () => {
    const drains = [
      { service: "web", address: "10.99.0.21", port: null, state: "drained" as const, endsAt: 0 },
    ];
    expect(texts([web], { drains: drains as unknown as Present["drains"] })).toHaveLength(2);
  });
});

test("summaryText() counts steps by what they do", () => {
  const actual = desiredTable([plannedService({ port: 443 })], () => true);
  const owned = new Set(["tcp 10.99.0.101:443"]);
  expect(summaryText(forecast([web], { ...empty, actual, owned }))).toBe(
    "1 service and 2 servers added, 1 service removed",
  );
});
