import { fromHex } from "../../src/base/bytes.ts";
import { FrameSocket } from "../../src/kernel/frame-socket.ts";
import { RouteNetlink } from "../../src/kernel/rtnetlink.ts";

/** Sends whole Ethernet frames, given in hexadecimal digits, again and again: `send-frames.ts INTERFACE HEX…` */
const [name = "", ...frames] = process.argv.slice(2);
const link = RouteNetlink.open()
  .links()
  .find((each) => each.name === name);
if (link === undefined) throw new Error(`no interface ${name}`);
const socket = FrameSocket.open();
const bytes = frames.map(fromHex);
for (let round = 1; ; round++) {
  for (const frame of bytes) socket.send(link.index, frame);
  console.log(`sent ${round} times`);
  await Bun.sleep(10);
}
