import { expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../../support/lab.ts";
import { LocalHaproxy } from "../../support/local-haproxy.ts";
import { LocalNginx } from "../../support/local-nginx.ts";
import { freePort, ProxyDriver, simplePlan, upstream, upstreamServer } from "../../support/proxy-driver.ts";
import { converse, RawServer } from "../../support/raw-tcp.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { evilPath, seenPath, smugglingCorpus, type SmugglingCase } from "../../support/smuggling-corpus.ts";
import { readStrictly } from "../../support/strict-requests.ts";

setDefaultTimeout(60_000);

const mutations = 600;
/** What a change puts in: the octets that decide where lines, fields and messages end. */
const octets = "\r\n\t \0\x0b\x7f:;,0159aGx_-\x80\xff";

/** Whether these octets may go: the marks by which a request is known at the server have to stay. */
function isOutsideMarks(text: string, at: number): boolean {
  return !/\/[se]000/.test(text.slice(Math.max(0, at - 4), at + 5));
}

function mutate(text: string, random: () => number): string {
  let changed = text;
  for (let count = 1 + Math.trunc(random() * 3); count > 0; count--) {
    const at = Math.trunc(random() * changed.length);
    if (!isOutsideMarks(changed, at)) continue;
    const octet = octets[Math.trunc(random() * octets.length)] ?? "";
    const from = Math.trunc(random() * changed.length);
    const copied = changed.slice(from, from + 20);
    const candidates = [
      changed.slice(0, at) + octet + changed.slice(at + 1),
      changed.slice(0, at) + octet + changed.slice(at),
      changed.slice(0, at) + changed.slice(at + 1),
      /[se]000/.test(copied) ? changed : changed.slice(0, at) + copied + changed.slice(at),
    ];
    changed = candidates[Math.trunc(random() * candidates.length)] ?? changed;
  }
  return changed;
}

function corpus(seed: number): readonly SmugglingCase[] {
  const random = seededRandom(seed);
  const mutated = Array.from({ length: mutations }, () => {
    const from = smugglingCorpus[Math.trunc(random() * smugglingCorpus.length)];
    const text = mutate(from?.text ?? "", random);
    return { what: `seed ${seed}: ${JSON.stringify(text)}`, text };
  });
  return [...smugglingCorpus, ...mutated];
}

function marked(text: string, index: number): string {
  const mark = String(index).padStart(seenPath.length - 2, "0");
  return text.replaceAll(seenPath, `/s${mark}`).replaceAll(evilPath, `/e${mark}`);
}

const fields = "X-Origin: here\r\nContent-Length: 0\r\n";

/** A server that answers each request that is complete, by the letter of RFC 9112, and refuses what is wrong. */
function strictOrigin(): RawServer {
  return new RawServer((connection) => {
    const { fault, requests } = readStrictly(connection.received);
    for (let count = connection.sent ?? 0; count < requests; count++)
      connection.send(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
    connection.sent = requests;
    if (fault === null) return;
    connection.send(`HTTP/1.1 400 Bad Request\r\n${fields}Connection: close\r\n\r\n`);
    connection.socket.end();
  });
}

async function askAll(port: number, cases: readonly SmugglingCase[]): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const [index, { text }] of cases.entries()) answers.push(await converse(port, marked(text, index)));
  return answers;
}

function served(answer: string | undefined): number {
  return answer?.match(/X-Origin: here/gi)?.length ?? 0;
}

function servedOf(answers: readonly string[]): number {
  return answers.filter((answer) => served(answer) > 0).length;
}

/** What this proxy serves and both peers refuse, and why that is right. */
const servedHereOnly: readonly (readonly [text: RegExp, why: string])[] = [
  [
    /Transfer-Encoding:[ \t]*(?:,[ \t]*chunked|chunked[ \t]*,)/i,
    "empty elements of a list are ignored (RFC 9110 §5.6.1.2); the server is told `chunked` and nothing else",
  ],
  [/^[^ ]*[a-z]/, "a method is any token (RFC 9110 §9.1); nginx wants capitals"],
  [/^[^ ]+ http:/i, "the target's host replaces Host (RFC 9112 §3.2.2); HAProxy wants both to be the same"],
];

test("no server sees a request that the proxy did not see, however a request is framed, and nginx and HAProxy agree on what may pass", async () => {
  const seed = Number(process.env["EDGE_HA_SMUGGLING_SEED"] ?? 1);
  const cases = corpus(seed);
  const [ours, nginxPort, haproxyPort] = [freePort(), freePort(), freePort()];
  const origins = { ours: strictOrigin(), nginx: strictOrigin(), haproxy: strictOrigin() };
  const upstreams = [{ ...upstream("apps", [upstreamServer(origins.ours.port)]), keepAliveConnections: 0 }];
  await using driver = await ProxyDriver.start(simplePlan(ours, [], { upstreams }));
  await using _nginx = await LocalNginx.start(
    nginxPort,
    `client_max_body_size 0; location / { proxy_http_version 1.1; proxy_ignore_client_abort on;
       proxy_pass http://127.0.0.1:${origins.nginx.port}; }`,
  );
  await using _haproxy = await LocalHaproxy.start(haproxyPort, origins.haproxy.port);
  const [answers, byNginx, byHaproxy] = await Promise.all([
    askAll(ours, cases),
    askAll(nginxPort, cases),
    askAll(haproxyPort, cases),
  ]);
  await waitFor("no open connection", async () => (await driver.nextStatus()).connections === 0);
  await waitFor("no open connection to the server", () =>
    origins.ours.connections.every(({ isClosed, hasEnded }) => isClosed || hasEnded),
  );

  const problems: string[] = [];
  const seen = new Map<number, number>();
  for (const { received } of origins.ours.connections) {
    if (received === "") continue; // the client was refused before its request was under way
    const mark = /(?:\/|Host: )[se](\d{3})/.exec(received)?.[1];
    const what = `${JSON.stringify(received)} of ${cases[Number(mark)]?.what}`;
    const { fault, requests } = readStrictly(received);
    if (mark === undefined) problems.push(`nobody's request: ${what}`);
    if (fault !== null) problems.push(`${fault}: ${what}`);
    if (requests > 1) problems.push(`two requests over a connection for one: ${what}`);
    seen.set(Number(mark), (seen.get(Number(mark)) ?? 0) + requests);
  }
  let alone = 0;
  for (const [index, { text, what }] of cases.entries()) {
    const count = served(answers[index]);
    if (answers[index]?.includes("***")) problems.push(`no end: ${what}`);
    if ((seen.get(index) ?? 0) !== count)
      problems.push(`${seen.get(index)} requests at the server, ${count} answered: ${what}`);
    if (count <= served(byNginx[index]) || count <= served(byHaproxy[index])) continue;
    // The peers may end a connection whose client has ended its half before they look at what came ahead of that.
    const patient = async (port: number): Promise<number> =>
      served(await converse(port, marked(text, index), 300));
    if (count <= (await patient(nginxPort)) || count <= (await patient(haproxyPort))) continue;
    alone++;
    if (!servedHereOnly.some(([known]) => known.test(text))) problems.push(`served here only: ${what}`);
  }
  console.log(
    `${cases.length} cases: ${servedOf(answers)} served here, ${servedOf(byNginx)} by nginx, ${servedOf(byHaproxy)} by HAProxy, ${alone} here alone`,
  );
  expect(problems).toEqual([]);
});
