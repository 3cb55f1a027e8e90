import { createServer, type Socket } from "node:net";

/**
 * Servers that do what servers do when they are ill, one a port, on every address of the host it runs on.
 * `/count` on the control port tells how many connections each has had.
 */
export const badServers = {
  well: 8001,
  hanging: 8002,
  flooding: 8003,
  resetting: 8004,
  redirecting: 8005,
  dribbling: 8006,
  missing: 8007,
  lying: 8008,
  talkative: 8009,
  garbled: 8010,
  shouting: 8011,
  whispering: 8013,
} as const;

/** Nobody listens here. */
export const deadPort = 8012;
/** Where the counts are told. */
export const controlPort = 8099;

const block = Buffer.alloc(65_536, "x");

/** Writes without end, as fast as the other side takes it. */
function pour(socket: Socket, bytes: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on("drain", more);
  more();
}

const behaviours: Readonly<Record<keyof typeof badServers, (socket: Socket) => void>> = {
  well: (socket) => onRequest(socket, () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")),
  hanging: () => undefined,
  flooding: (socket) =>
    onRequest(socket, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      pour(socket, block);
    }),
  resetting: (socket) => onRequest(socket, () => socket.resetAndDestroy()),
  redirecting: (socket) =>
    onRequest(socket, () => {
      const location = `http://${socket.localAddress}:${badServers.well}/`;
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
    }),
  dribbling: (socket) => {
    const text = "HTTP/1.1 200 OK\r\nX-Slow: ".padEnd(10_000, "x");
    let sent = 0;
    const timer = setInterval(() => socket.write(text[sent++ % text.length] ?? "x"), 20);
    socket.on("close", () => clearInterval(timer));
  },
  missing: (socket) =>
    onRequest(socket, () => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")),
  lying: (socket) =>
    onRequest(socket, () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it", () =>
        socket.resetAndDestroy(),
      );
    }),
  talkative: (socket) =>
    onRequest(socket, () => {
      socket.write("HTTP/1.1 200 OK\r\n");
      pour(socket, Buffer.from(`X-More: ${"y".repeat(1_000)}\r\n`));
    }),
  garbled: (socket) => onRequest(socket, () => socket.end("220 mail.example ESMTP ready\r\n")),
  shouting: (socket) => pour(socket, block),
  whispering: (socket) =>
    onRequest(socket, () => {
      const text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
      let sent = 0;
      const timer = setInterval(() => {
        socket.write(text[sent++] ?? "");
        if (sent === text.length) clearInterval(timer);
      }, 2);
      socket.on("close", () => clearInterval(timer));
    }),
};

function onRequest(socket: Socket, react: () => void): void {
  socket.once("data", react);
}

/** Starts all servers; the counts are connections since then. */
function startServers(): void {
  const counts: Record<string, number> = {};
  for (const [name, port] of Object.entries(badServers)) {
    counts[name] = 0;
    createServer((socket) => {
      counts[name] = (counts[name] ?? 0) + 1;
      socket.on("error", () => undefined);
      behaviours[name as keyof typeof badServers](socket);
    }).listen(port, "0.0.0.0");
  }
  Bun.serve({ port: controlPort, fetch: () => Response.json(counts) });
}

if (import.meta.main) startServers();
