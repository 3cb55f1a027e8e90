import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../../support/lab.ts";
import { freePort, listener, ProxyDriver, simplePlan, upstreamServer } from "../../support/proxy-driver.ts";
import { RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** A real client that shows each piece as it comes. */
class Listener implements AsyncDisposable {
  heard = "";
  readonly subprocess: Bun.Subprocess<"ignore", "pipe", "inherit">;

  constructor(...words: readonly string[]) {
    this.subprocess = Bun.spawn(["curl", "-sN", ...words], { stdin: "ignore", stdout: "pipe" });
    void this.listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.subprocess.kill("SIGKILL");
    await this.subprocess.exited;
  }

  private async listen(): Promise<void> {
    for await (const bytes of this.subprocess.stdout) this.heard += new TextDecoder().decode(bytes);
  }
}

describe("server-sent events", () => {
  test.each(["--http1.1", "--http2-prior-knowledge"])(
    "come one by one, and the server hears that nobody listens any more, with %s",
    async (version) => {
      const port = freePort();
      await using origin = new RawServer((connection, bytes) => {
        if (bytes.startsWith("GET ")) connection.send(head);
      });
      const plan = simplePlan(port, [upstreamServer(origin.port)], {
        listeners: [listener(port, { http2: true })],
      });
      await using _driver = await ProxyDriver.start(plan);
      await using client = new Listener(version, `http://127.0.0.1:${port}/events`);
      await waitFor("the request", () => origin.received().includes("\r\n\r\n"));
      const connection = origin.connections[0];
      let sent = "";
      for (const name of ["one", "two", "three"]) {
        const event = `event: tick\ndata: ${name}\n\n`;
        sent += event;
        connection?.send(chunk(event));
        await waitFor(`event ${name} before the next is sent`, () => client.heard === sent);
      }
      client.subprocess.kill("SIGTERM");
      // Over HTTP/1.1 its FIN may be that of a client that has said all it has to say: the next event tells.
      await waitFor("the end at the server", () => {
        connection?.send(chunk(":\n"));
        return connection?.isClosed === true;
      });
      expect(client.heard).toBe(sent);
    },
  );
});
