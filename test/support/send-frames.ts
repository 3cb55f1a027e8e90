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
for (;;) {
  for (const frame of frames) socket.send(link.index, fromHex(frame));
  await Bun.sleep(50);
}
