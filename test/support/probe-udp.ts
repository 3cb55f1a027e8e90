import type { UdpReport } from "./probe.ts";

/**
 * Asks an echo server every millisecond and notes when answers came: `bun probe-udp.ts ADDRESS PORT`.
 * On SIGTERM it prints a `UdpReport` as JSON and ends.
 */
const [address, port] = [process.argv[2] ?? "", Number(process.argv[3])];
const decoder = new TextDecoder();
const numberBytes = 4;

let sent = 0;
let received = 0;
let lastAnswerAt = 0;
let lastAnswerBy = "";
const startedAt = performance.now();
const silences: { atMs: number; lengthMs: number }[] = [];
const holders: { atMs: number; name: string; afterSilenceMs: number }[] = [];

function noteAnswer(name: string): void {
  const now = performance.now();
  received += 1;
  // Silences below this are the machine's own hiccups; they would only fill the report.
  if (lastAnswerAt > 0 && now - lastAnswerAt > 3) {
    silences.push({ atMs: lastAnswerAt - startedAt, lengthMs: now - lastAnswerAt });
  }
  if (name !== lastAnswerBy) {
    const afterSilenceMs = lastAnswerAt > 0 ? now - lastAnswerAt : 0;
    holders.push({ atMs: now - startedAt, name, afterSilenceMs });
  }
  lastAnswerAt = now;
  lastAnswerBy = name;
}

const socket = await Bun.udpSocket({
  hostname: "0.0.0.0",
  socket: {
    data(_socket, data) {
      noteAnswer(decoder.decode(data.subarray(numberBytes)));
    },
    error() {
      // Port or host unreachable: silence, which is what is measured.
    },
  },
});

const datagram = Buffer.alloc(numberBytes);
const timer = setInterval(() => {
  // After a delayed tick the missed datagrams are not sent in a heap: one shows the answer as well.
  datagram.writeUInt32BE(sent);
  sent += 1;
  try {
    socket.send(datagram, port, address);
  } catch {
    // No route at the moment: silence.
  }
}, 1);
console.log("ready");

process.on("SIGTERM", () => {
  clearInterval(timer);
  const report: UdpReport = {
    startedAtMs: performance.timeOrigin + startedAt,
    sent,
    received,
    silences,
    holders,
    sinceLastAnswerMs: performance.now() - lastAnswerAt,
  };
  console.log(JSON.stringify(report));
  process.exit(0);
});
