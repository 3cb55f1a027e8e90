import { Crowd } from "./crowd.ts";
import { freePort, ProxyDriver, simplePlan, upstreamServer } from "./proxy-driver.ts";
import { RawServer } from "./raw-tcp.ts";

/** Memory of a proxy process after each round of the same work, in MiB. */
export interface SoakReport {
  readonly mebibytes: readonly number[];
  readonly requests: number;
  readonly aborted: number;
}

const connections = 50;
const page = "x".repeat(2000);
const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const half = "POST /never HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nhalf of it";

async function answered(port: number, requests: number): Promise<void> {
  await using crowd = await Crowd.open(port, connections);
  const pipelined = 20;
  for (let left = requests; left > 0; left -= connections * pipelined)
    await crowd.countAll(get.repeat(pipelined), pipelined * page.length);
}

async function aborted(port: number, driver: ProxyDriver, requests: number): Promise<void> {
  for (let left = requests; left > 0; left -= connections * 5) {
    await using crowd = await Crowd.open(port, connections * 5);
    crowd.send(left % 500 === 0 ? half : get.replace("/", "/never"));
    await Bun.sleep(5); // so that some are amid a connect and some amid their body
  }
  for (let open = 1; open > 0;) open = (await driver.nextStatus()).connections;
}

/** Serves requests and has others cut by their clients, in rounds, and takes the memory of the process after each. */
export async function soak(o: {
  readonly rounds: number;
  readonly requests: number;
  readonly aborts: number;
}): Promise<SoakReport> {
  await using origin = new RawServer((connection, bytes) => {
    connection.received = ""; // it keeps nothing, or it would be the one that grows
    for (let at = bytes.indexOf("GET / "); at >= 0; at = bytes.indexOf("GET / ", at + 1))
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${page.length}\r\n\r\n${page}`);
    if (origin.connections.length > 2000) origin.connections.length = 0;
  });
  const port = freePort();
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
  const mebibytes: number[] = [];
  for (let round = 0; round < o.rounds; round++) {
    await answered(port, o.requests / o.rounds);
    await aborted(port, driver, o.aborts / o.rounds);
    mebibytes.push(driver.residentBytes() / 2 ** 20);
  }
  return { mebibytes, requests: o.requests, aborted: o.aborts };
}
