import { expect, setDefaultTimeout, test } from "bun:test";
import { freePort, ProxyDriver, simplePlan, upstreamServer } from "../../support/proxy-driver.ts";
import { RawClient, RawServer } from "../../support/raw-tcp.ts";
import { waitFor } from "../../support/lab.ts";

setDefaultTimeout(60_000);

const lengths = [
  "",
  "Content-Length: 4\r\n",
  "Content-Length: 40\r\n",
  "Content-Length: 0\r\n",
  "Content-Length : 4\r\n",
  "Content-Length: 4\n",
];
const codings = [
  "",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Transfer-Encoding:\tchunked\r\n",
  "Transfer-Encoding: xchunked\r\n",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
  "X: 1\r\n Transfer-Encoding: chunked\r\n",
  "X: 1\nTransfer-Encoding: chunked\r\n",
  "Transfer_Encoding: chunked\r\n",
  "Connection: Content-Length, Transfer-Encoding\r\n",
];
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const bodies = [
  smuggled,
  `0\r\n\r\n${smuggled}`,
  `4\r\nabcd\r\n0\r\n\r\n${smuggled}`,
  `0\n\n${smuggled}`,
  `5;\n\r\nabcde\r\n0\r\n\r\n${smuggled}`,
];

/** Counts requests in the bytes a server got, as a lenient server would: a request line wherever one can start. */
function requestLines(received: string): number {
  return received.match(/(?:POST|GET) \/\S* HTTP\/1\.1\r\n/g)?.length ?? 0;
}

/** Takes out bodies by the framing of the heads before them, as a strict server does. */
function strictRequests(received: string): number {
  let count = 0;
  let left = received;
  for (;;) {
    const end = left.indexOf("\r\n\r\n");
    if (end < 0) return count;
    const head = left.slice(0, end + 4);
    count++;
    left = left.slice(head.length);
    const length = /\r\nContent-Length: (\d+)\r\n/.exec(head)?.[1];
    if (length !== undefined) left = left.slice(Number(length));
    if (!head.includes("\r\nTransfer-Encoding: chunked\r\n")) continue;
    const last = left.indexOf("0\r\n\r\n");
    left = last < 0 ? "" : left.slice(last + 5);
  }
}

test("no server sees a request that the proxy did not see, however a request is framed", async () => {
  const port = freePort();
  await using origin = new RawServer(() => undefined);
  origin.script = (connection) => {
    // Answers whatever it takes for complete requests, so that everything that could follow does follow.
    const answered = connection.sent ?? 0;
    for (let count = answered; count < strictRequests(connection.received); count++) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    connection.sent = strictRequests(connection.received);
  };
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
  let answers = 0;
  for (const length of lengths) {
    for (const coding of codings) {
      for (const body of bodies) {
        await using client = await RawClient.connect(port);
        client.send(`POST /seen HTTP/1.1\r\nHost: a\r\n${length}${coding}\r\n${body}`);
        client.shutdown();
        answers += (await client.expectEnd()).match(/HTTP\/1\.1 200 OK/g)?.length ?? 0;
      }
    }
  }
  await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
  const seen = origin.connections.map(({ received }) => strictRequests(received)).reduce((a, b) => a + b, 0);
  const status = await driver.nextStatus();
  expect(seen).toBeLessThanOrEqual(status.requests);
  expect(status.responses["2xx"]).toBe(answers);
  for (const { received } of origin.connections) {
    // A body that holds a request line is inside its frame; nothing else does.
    expect(strictRequests(received)).toBeLessThanOrEqual(requestLines(received));
    expect(received).not.toMatch(/transfer_encoding|\n /i);
    for (const head of received.match(/POST \/seen[^]*?\r\n\r\n/g) ?? []) {
      expect(head.match(/content-length|transfer-encoding/gi)?.length ?? 0).toBeLessThanOrEqual(1);
    }
  }
  console.log(
    `${status.requests} requests seen by the proxy, ${seen} by the server, ${status.responses["4xx"]} refused`,
  );
});
