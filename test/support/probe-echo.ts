/**
 * A UDP echo server for probe-udp.ts: `bun probe-echo.ts PORT NAME` answers every datagram with its own bytes
 * and NAME behind them, on all addresses of the host, those included that it gets later.
 */
import { argv } from "node:process";

const [port, name] = [Number(argv[2]), argv[3] ?? ""];
const nameBytes = new TextEncoder().encode(name);

await Bun.udpSocket({
  hostname: "0.0.0.0",
  port,
  socket: {
    data(socket, data, fromPort, fromAddress) {
      socket.send(Buffer.concat([data, nameBytes]), fromPort, fromAddress);
    },
    error() {
      // A client that is gone is no reason to stop.
    },
  },
});
console.log("ready");
