import { expect, test } from "bun:test";
import { silentLog } from "../../../src/base/log.ts";
import { Adverts } from "../../../src/vrrp/adverts.ts";
import { Counters } from "../../../src/vrrp/counters.ts";
import { Transport } from "../../../src/vrrp/transport.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { instancePlan } from "../../support/vrrp-plans.ts";

const link = { index: 2, name: "eth0", mac: new Uint8Array(6), isUp: true, hasCarrier: true, mtu: 1500 };
const place = { link, group: "224.0.0.18", source: "192.0.2.10", speaker: null };

test("an advertisement is made once for each router it goes to, and anew when it says something else", () => {
  const sent: { readonly payload: Uint8Array; readonly to: string }[] = [];
  const peers = ["192.0.2.11", "192.0.2.12"].map((address) => ({ name: address, address }));
  let plan = instancePlan({ priority: 200, unicast: { ttl: null, checksSource: true }, peers });
  const adverts = new Adverts({
    host: { clock: new FakeClock() },
    transport: new Transport({
      openSegment: () => ({
        send: (payload, to) => void sent.push({ payload, to }),
        floods: () => null,
        close: () => undefined,
      }),
      openSpeaker: () => {
        throw new Error("there is no virtual MAC");
      },
    }),
    log: silentLog,
    counters: new Counters(),
    plan: () => plan,
    hear: () => undefined,
    beAsked: () => undefined,
    sight: () => undefined,
  });
  adverts.moveTo([{ interface: "eth0", place, problem: null, networks: () => [] }]);
  /** Which of the two messages of this round are those of the round before. */
  const areKept = (priority: number): readonly boolean[] => {
    const before = sent.splice(0);
    adverts.send(priority);
    expect(sent.map(({ to }) => to)).toEqual(peers.map(({ address }) => address));
    return sent.map(({ payload }, index) => payload === before[index]?.payload);
  };
  expect(areKept(200)).toEqual([false, false]);
  // The checksum covers the destination.
  expect(sent[0]?.payload).not.toEqual(sent[1]?.payload);
  expect(areKept(200)).toEqual([true, true]);
  expect(areKept(0)).toEqual([false, false]);
  plan = { ...plan, vrid: 52 };
  expect(areKept(0)).toEqual([false, false]);
  expect(areKept(0)).toEqual([true, true]);
});
