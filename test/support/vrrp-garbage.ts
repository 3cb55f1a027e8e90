import { RawMulticast } from "../../src/kernel/raw-multicast.ts";
import { RouteNetlink } from "../../src/kernel/rtnetlink.ts";
import { seededRandom } from "./seeded-random.ts";

/** Sends bytes that are no advertisements to the VRRP group: `vrrp-garbage.ts INTERFACE SOURCE VRID COUNT`. */
const [name = "", source = "", vrid = "0", count = "0"] = process.argv.slice(2);
const routes = RouteNetlink.open();
const link = routes.links().find((each) => each.name === name);
if (link === undefined) throw new Error(`no interface ${name}`);
const socket = RawMulticast.open({ protocol: 112, link, group: "224.0.0.18", source, ttl: 255, tos: 0 });
const random = seededRandom(7);
for (let index = 0; index < Number(count); index++) {
  const bytes = Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
  // Most of them look like ours as far as the VRID.
  if (bytes.length > 2 && index % 3 !== 0) bytes.set([index % 2 === 0 ? 0x21 : 0x31, Number(vrid)]);
  socket.send(bytes);
  if (index % 50 === 0) await Bun.sleep(1);
}
socket.close();
routes.close();
