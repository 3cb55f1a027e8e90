import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { hasCode } from "../../../src/base/system-error.ts";
import type { LookupPlan } from "../../../src/config/lookup-plan.ts";
import { askInTime } from "../../../src/director/names/open-names.ts";
import { Resolver } from "../../../src/director/names/resolver.ts";
import { plannedLookup } from "../../support/planned-lookup.ts";

/** Name servers that lie, are silent, or have too much to say, over real sockets. */

const plan: LookupPlan = { ...plannedLookup, families: [4], timeoutMs: 10_000, tries: 1 };
/** For who is not answered: others are, however busy the machine is. */
const soon: LookupPlan = { ...plan, timeoutMs: 150 };

type Reply = (question: Buffer) => readonly Buffer[];

/** An answer to a question with one address, and bytes changed as told. */
function answer(question: Buffer, last: number, changed: Readonly<Record<number, number>> = {}): Buffer {
  const record = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, last]);
  const bytes = Buffer.concat([question, record]);
  bytes[2] = 0x81;
  bytes[3] = 0x80;
  bytes[7] = 1;
  for (const [at, value] of Object.entries(changed)) bytes[Number(at)] = value;
  return bytes;
}

/** Answers over TCP; null if the port is taken. */
function listenBeside(port: number, reply: Reply): Bun.TCPSocketListener | null {
  try {
    return Bun.listen({
      hostname: "127.0.0.1",
      port,
      socket: {
        data(socket, bytes) {
          for (const one of reply(bytes.subarray(2))) {
            socket.write(Buffer.concat([Buffer.from([one.length >> 8, one.length & 0xff]), one]));
          }
        },
      },
    });
  } catch (error) {
    if (hasCode(error, "EADDRINUSE")) return null;
    throw error;
  }
}

async function lookUp(reply: Reply, how = plan, overTcp: Reply = () => []): Promise<unknown> {
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(socket, bytes, port, address) {
        for (const one of reply(Buffer.from(bytes))) socket.send(one, port, address);
      },
    },
  });
  using listener = listenBeside(server.port, overTcp);
  if (listener === null) {
    // Somebody else has that port over TCP.
    server.close();
    return lookUp(reply, how, overTcp);
  }
  const resolver = new Resolver({
    ask: (question) => askInTime(systemClock, question),
    nameServers: () => [{ address: "127.0.0.1", port: listener.port }],
    hostAddresses: () => [],
  });
  try {
    const finding = await resolver.find(how, []);
    return finding.kind === "found" ? finding.servers.map(({ address }) => address) : finding.kind;
  } finally {
    server.close();
  }
}

/** What is no answer to a question, and says something else. */
const lies = (question: Buffer): readonly Buffer[] => [
  answer(question, 66, { 0: (question[0] ?? 0) ^ 1 }),
  answer(question, 66, { 14: 0x62 }),
  answer(question, 66, { [question.length - 3]: 28 }),
  question,
];

/** An answer that was cut to go over UDP. */
const cut = (question: Buffer): readonly Buffer[] => [answer(question, 66, { 2: 0x83 })];

describe("a resolver", () => {
  test("hears nothing but the answer to its question: not one with another id, to another question, or none at all", async () => {
    expect(await lookUp((question) => [answer(question, 1)])).toEqual(["192.0.2.1"]);
    expect(await lookUp((question) => [...lies(question), answer(question, 1)])).toEqual(["192.0.2.1"]);
    expect(await lookUp(lies, soon)).toBe("failed");
  });

  test("goes on after nonsense, silence and an answer that is too long for UDP", async () => {
    expect(await lookUp(() => [Buffer.from("nonsense")], soon)).toBe("failed");
    expect(await lookUp(() => [], soon)).toBe("failed");
    expect(await lookUp(cut, plan, (question) => [answer(question, 2)])).toEqual(["192.0.2.2"]);
    expect(await lookUp(cut, soon)).toBe("failed");
  });
});
