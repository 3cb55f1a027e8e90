import { createSocket } from "node:dgram";
import { fromHex } from "../../src/base/bytes.ts";

/** Sends to BFD's port what no session may believe, each once: `bfd-garbage.ts ADDRESS OWN-DISCRIMINATOR`. */
const [address = "", discriminator = "0"] = process.argv.slice(2);
const yours = Number(discriminator).toString(16).padStart(8, "0");
const tail = (mine: string, your: string): string => `${mine} ${your} 0000ea60 0000c350 00000000`;
const rightTtl: readonly string[] = [
  "",
  "20",
  `00c00318 ${tail("00000001", yours)}`,
  `20c00317 ${tail("00000001", yours)}`,
  `20c00330 ${tail("00000001", yours)}`,
  `20c00018 ${tail("00000001", yours)}`,
  `20c10318 ${tail("00000001", yours)}`,
  `20400318 ${tail("00000000", yours)}`,
  `20c00318 ${tail("00000001", "00000000")}`,
  `20c4031a ${tail("00000001", yours)} 0102`,
  `20400318 ${tail(
    "00000001",
    yours.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")),
  )}`,
];
const socket = createSocket("udp4");
await new Promise<void>((resolve) => socket.bind(0, resolve));
const send = (hex: string): Promise<void> =>
  new Promise((resolve) => socket.send(fromHex(hex), 3784, address, () => resolve()));
socket.setTTL(255);
for (const hex of rightTtl) await send(hex);
socket.setTTL(64);
// It would take the session down.
await send(`20400318 ${tail("00000001", yours)}`);
socket.close();
