import { expect, test } from "bun:test";
import { join } from "node:path";
import { addressBytes, virtualLinkLocal } from "../../../src/base/address.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { type Advert, encodeAdvert, noAuthentication } from "../../../src/vrrp/packet.ts";
import { waitFor } from "../../support/lab.ts";
import { instancePlan, vrrpPlan } from "../../support/vrrp-plans.ts";
import { VrrpRole } from "../../support/vrrp-role.ts";
import { pairLab } from "./pair-lab.ts";

const vip = "2001:db8::100";
const advert: Advert = {
  family: 6,
  version: 3,
  vrid: 51,
  priority: 100,
  intervalMs: 100,
  addresses: [virtualLinkLocal(51), vip],
  auth: noAuthentication,
};

interface Wish {
  readonly advert?: Partial<Advert>;
  readonly source?: string;
  readonly destination?: string;
  readonly hopLimit?: number;
  /** What happens to the message on its way. */
  readonly damage?: (message: Uint8Array) => void;
  readonly length?: number;
}

/** Makes a frame with an advertisement, right but for what is asked for. */
function frame(wish: Wish, toMac = "333300000012"): string {
  const { source = "fe80::66", destination = "ff02::12", hopLimit = 255 } = wish;
  const whole = encodeAdvert({ ...advert, ...wish.advert }, { source, destination }, "pseudo-header");
  wish.damage?.(whole);
  const message = whole.subarray(0, wish.length ?? whole.length);
  const header = Uint8Array.of(0x60, 0, 0, 0, 0, message.length, 112, hopLimit);
  const ethernet = fromHex(`${toMac} 020000000066 86dd`);
  return toHex(concatBytes(ethernet, header, addressBytes(source), addressBytes(destination), message));
}

const set = (offset: number, value: number) => (message: Uint8Array) => void (message[offset] = value);

test("what RFC 9568 §7.1 has a router check over IPv6 is checked, counted and said", async () => {
  await using pair = await pairLab();
  const us = await VrrpRole.start(
    pair.lb1,
    vrrpPlan([instancePlan({ vip, advertIntervalMs: 100, priority: 200 })]),
  );
  await us.reaches("active");
  const own = /inet6 (fe80:\S+)\/64 scope link (?!.*deprecated)/.exec(
    await pair.lb1.ip(["-6", "-o", "address", "show", "dev", "eth0", "scope", "link"]),
  )?.[1];
  const mac = /link\/ether (\S+)/.exec(await pair.lb1.ip(["link", "show", "dev", "eth0"]))?.[1] ?? "";
  if (own === undefined) throw new Error("no link-local address");
  const list = [vip, virtualLinkLocal(51)];
  const cases: readonly (readonly [string, string, string])[] = [
    ["droppedTtl", "its hop limit is 254, not 255", frame({ hopLimit: 254 })],
    ["droppedVersion", "its version is 2, which IPv6 has not", frame({ damage: set(0, 0x21) })],
    ["droppedType", "its type is 3, not 1", frame({ damage: set(0, 0x33) })],
    ["droppedLength", "it has 30 bytes where 2 addresses need 40", frame({ length: 30 })],
    ["droppedChecksum", "its checksum is wrong", frame({ damage: set(12, 0x77) })],
    ["droppedCount", "it lists no address", frame({ advert: { addresses: [] } })],
    ["droppedInterval", "its interval is 0", frame({ advert: { intervalMs: 0 } })],
    ["droppedReflected", "it has our own source address", frame({ source: own })],
    ["droppedUnicast", "it came to our own address", frame({ destination: own }, mac.replaceAll(":", ""))],
    ["oddSource", "its source 2001:db8::66 is not link-local", frame({ source: "2001:db8::66" })],
    ["oddLinkLocal", `its first address ${vip} is not link-local`, frame({ advert: { addresses: list } })],
    ["oddAddressList", `it lists ${vip}, we have`, frame({ advert: { addresses: [vip] } })],
    ["oddInterval", "its interval is 300 ms, ours is 100 ms", frame({ advert: { intervalMs: 300 } })],
  ];
  const script = join(import.meta.dir, "../../support/raw-frames.ts");
  const frames = cases.map(([, , each]) => each);
  const { exitCode, stderr } = await pair.lb2.run([process.execPath, script, "eth0", ...frames]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  for (const [counter, explanation] of cases) {
    await waitFor(`${counter} is counted`, () => (us.status()?.counters[counter] ?? 0) > 0);
    expect(us.log()).toContain(explanation);
  }
  expect(us.status()?.counters).toMatchObject({
    droppedTtl: 1,
    droppedChecksum: 1,
    oddSource: 1,
    received: 4,
  });
  expect(us.status()).toMatchObject({ state: "active", peer: { address: "fe80::66", priority: 100 } });
}, 60_000);
