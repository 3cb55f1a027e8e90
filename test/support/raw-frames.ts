import { fromHex } from "../../src/base/bytes.ts";
import { FrameSocket } from "../../src/kernel/frame-socket.ts";
import { RouteNetlink } from "../../src/kernel/rtnetlink.ts";

/** Sends Ethernet frames as they are. `raw-frames.ts INTERFACE FRAME…`, frames in hexadecimal digits. */
const [name = "", ...frames] = process.argv.slice(2);
const routes = RouteNetlink.open();
const link = routes.links().find((each) => each.name === name);
if (link === undefined) throw new Error(`no interface ${name}`);
const socket = FrameSocket.open();
for (const frame of frames) socket.send(link.index, fromHex(frame));
socket.close();
routes.close();
