import { describe, expect, test } from "bun:test";
import zlib from "node:zlib";
import { compressor } from "../../../src/proxy/content/compression.ts";
import { craftResponse } from "../../../src/proxy/content/crafted-response.ts";
import { compileEncoding } from "../../../src/proxy/content/encoding.ts";
import type { ExchangeClient, ResponseSink, ResponseStart } from "../../../src/proxy/exchange-client.ts";
import type { OpenExchange } from "../../../src/proxy/open-exchange.ts";
import { PortionedExchange } from "../../../src/proxy/portioned-exchange.ts";
import { portionBytes, Turns } from "../../../src/proxy/turns.ts";
import type { BodyPiece } from "../../../src/proxy/body-piece.ts";
import { recordingLog } from "../../support/recording-log.ts";
import { requestView } from "../../support/request-view.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const plan = {
  codings: ["gzip" as const],
  types: ["text/plain"],
  minBytes: 10,
  levels: { gzip: 1, br: 1, zstd: 1 },
};

/** A client that takes what it is told to, and notes all that happens to it. */
class FakeClient {
  readonly code: Buffer[] = [];
  readonly heard: string[] = [];
  isFull = false;

  get isBlocked(): boolean {
    return this.isFull;
  }

  sendResponse(_start: ResponseStart, piece: BodyPiece, isLast: boolean): boolean {
    this.heard.push("head");
    return this.sendBody(piece, isLast);
  }

  sendBody({ bytes, end, start }: BodyPiece, isLast: boolean): boolean {
    this.code.push(Buffer.from(bytes.subarray(start, end)));
    if (isLast) this.heard.push("last");
    return !this.isFull;
  }

  exchangeDone(status: number): void {
    this.heard.push(`done ${status}`);
  }

  abort(status: number): void {
    this.heard.push(`abort ${status}`);
  }

  body(): Buffer {
    return zlib.gunzipSync(Buffer.concat(this.code), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  }
}

/** Notes how much of a body passes in one call, behind what is tested. */
function noting(sink: ResponseSink, note: (bytes: number) => void): ResponseSink {
  return {
    sendResponse: (start, piece, isLast) => {
      note(piece.end - piece.start);
      return sink.sendResponse(start, piece, isLast);
    },
    sendBody: (piece, isLast) => {
      note(piece.end - piece.start);
      return sink.sendBody(piece, isLast);
    },
    inPortions: (start, piece, isLast) => sink.inPortions?.(start, piece, isLast) === true,
    dropped: () => sink.dropped?.(),
  };
}

/** One response on its way from a fake exchange to a fake client, and an event loop that goes on when it is told. */
function onTheWay(type = "text/plain", accepted = "gzip"): Way {
  let acts: (() => void)[] = [];
  const client = new FakeClient();
  const { log, said } = recordingLog();
  const filter = compressor(compileEncoding(plan));
  const view = requestView("GET /", `Accept-Encoding: ${accepted}\r\n`);
  const passed = { inTurn: 0, faulty: false };
  const coder = filter(view, client) ?? client;
  const sink = noting(coder, (bytes) => {
    passed.inTurn += bytes;
    if (passed.faulty) throw new Error("the coder failed");
  });
  const told: string[] = [];
  const inner = {
    hasBegun: true,
    clientDrained: () => void told.push("go on"),
    cancel: () => void told.push("cancel"),
    refuse: (status: number) => {
      told.push(`refuse ${status}`);
      between.dropped();
      between.abort(status, false);
    },
    sweep: () => void told.push("sweep"),
  } as unknown as OpenExchange;
  const turns = new Turns((act) => void acts.push(act));
  const between = new PortionedExchange(
    client as unknown as ExchangeClient,
    sink,
    { turns, log },
    () => inner,
  );
  const turn = (): void => {
    passed.inTurn = 0;
    const now = acts;
    acts = [];
    for (const act of now) act();
  };
  const { fields, head } = craftResponse(
    "HTTP/1.1 200 OK",
    `Content-Type: ${type}\r\nTransfer-Encoding: chunked\r\n`,
  );
  const start: ResponseStart = { head, fields, rules: { removed: null, added: "" } };
  return { between, client, told, said, passed, turn, start, isIdle: () => acts.length === 0 };
}

interface Way {
  readonly between: PortionedExchange;
  readonly client: FakeClient;
  readonly told: string[];
  readonly said: readonly string[];
  /** Bytes of the body that were worked on in this turn; `faulty` has the next fail. */
  readonly passed: { inTurn: number; faulty: boolean };
  readonly turn: () => void;
  readonly start: ResponseStart;
  /** Whether nothing waits for another turn. */
  readonly isIdle: () => boolean;
}

const random = seededRandom(21);
const textOf = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => 97 + Math.trunc(random() * random() * 26)));
const pieceOf = (bytes: Buffer): BodyPiece => ({ bytes, start: 0, end: bytes.length });
const large = textOf(512 * 1024);

describe("PortionedExchange", () => {
  test("passes a short body on at once, in one piece", () => {
    for (const length of [3000, portionBytes]) {
      const { between, client, isIdle, start } = onTheWay();
      expect(between.sendResponse(start, pieceOf(large.subarray(0, length)), true)).toBeTrue();
      between.exchangeDone(200);
      expect(client.heard).toEqual(["head", "last", "done 200"]);
      expect(client.code).toHaveLength(1);
      expect(client.body().equals(large.subarray(0, length))).toBeTrue();
      expect(isIdle()).toBeTrue();
    }
  });

  test("passes on at once what is not worked on, however long", () => {
    for (const [type, accepted] of [
      ["image/png", "gzip"],
      ["text/plain", "identity"],
    ]) {
      const { between, client, isIdle, start } = onTheWay(type, accepted);
      expect(between.sendResponse(start, pieceOf(large), false)).toBeTrue();
      expect(between.sendBody(pieceOf(large), true)).toBeTrue();
      between.exchangeDone(200);
      expect(client.code.map(({ length }) => length)).toEqual([large.length, large.length]);
      expect(isIdle()).toBeTrue();
    }
  });

  test("parts a long body among turns, holds the source back, and ends behind the last of it", () => {
    const { between, client, passed, said, start, told, turn } = onTheWay();
    expect(between.sendResponse(start, pieceOf(large), false)).toBeFalse();
    for (let part = 1; part < 8; part++) {
      expect(passed.inTurn).toBe(portionBytes);
      expect(client.body().equals(large.subarray(0, part * portionBytes))).toBeTrue();
      expect(told).toEqual([]);
      turn();
    }
    expect(told).toEqual(["go on"]);
    expect(between.sendBody(pieceOf(large), true)).toBeFalse();
    between.exchangeDone(200);
    for (let part = 0; part < 8; part++) {
      expect(client.heard).toEqual(["head"]);
      turn();
    }
    expect(client.heard).toEqual(["head", "last", "done 200"]);
    expect(client.body().equals(Buffer.concat([large, large]))).toBeTrue();
    expect([told, said]).toEqual([["go on"], []]);
  });

  test("stops at a client that takes no more, and goes on when it does", () => {
    const { between, client, isIdle, start, told, turn } = onTheWay();
    client.isFull = true;
    expect(between.sendResponse(start, pieceOf(large), true)).toBeFalse();
    between.exchangeDone(200);
    turn();
    turn();
    expect(isIdle()).toBeTrue();
    expect(client.body()).toHaveLength(portionBytes);
    for (let part = 2; part <= 8; part++) {
      between.clientDrained();
      turn();
      expect(client.body()).toHaveLength(part * portionBytes);
    }
    expect(client.heard).toEqual(["head", "last", "done 200"]);
    expect(told).toEqual([]);
  });

  test("lets go of all where the client is gone, or the exchange breaks", () => {
    for (const end of ["cancel", "abort", "refuse", "refuse behind the end"] as const) {
      const { between, client, isIdle, start, told, turn } = onTheWay();
      between.sendResponse(start, pieceOf(large), end === "refuse behind the end");
      if (end === "refuse behind the end") between.exchangeDone(200);
      if (end === "cancel") between.cancel();
      else if (end === "abort") between.abort(200, false);
      else between.refuse(502);
      turn();
      turn();
      expect(isIdle()).toBeTrue();
      expect(client.body()).toHaveLength(portionBytes);
      const heard = {
        cancel: [],
        abort: ["abort 200"],
        refuse: ["abort 502"],
        "refuse behind the end": ["abort 200"],
      };
      expect(client.heard).toEqual(["head", ...heard[end]]);
      expect(told).toEqual(end === "cancel" ? ["cancel"] : end === "refuse" ? ["refuse 502"] : []);
    }
  });

  test("breaks the response off where the coder fails in a later turn", () => {
    for (const isOver of [false, true]) {
      const { between, client, passed, said, start, told, turn } = onTheWay();
      between.sendResponse(start, pieceOf(large), isOver);
      if (isOver) between.exchangeDone(200);
      passed.faulty = true;
      turn();
      expect(client.heard).toEqual(["head", isOver ? "abort 200" : "abort 502"]);
      expect(told).toEqual(isOver ? [] : ["refuse 502"]);
      expect(said).toEqual(["warning: a response was broken off: Error: the coder failed"]);
    }
  });

  test("gives what came, in its order, whatever pieces come when", () => {
    for (let round = 0; round < 60; round++) {
      const { between, client, passed, start, told, turn } = onTheWay();
      const body = large.subarray(0, 3000 + Math.trunc(random() * (large.length - 3000)));
      let at = 0;
      let mayCome = true;
      let isBlocked = false;
      const taken = (isTaken: boolean): void => {
        mayCome = isTaken;
        isBlocked = client.isFull;
      };
      const send = (): void => {
        const to = Math.min(body.length, at + Math.trunc(random() * random() * 300_000));
        const piece = { bytes: Buffer.from(body), start: at, end: to, isFree: true };
        const isFirst = at === 0 && client.heard.length === 0;
        at = to;
        const isLast = to === body.length;
        taken(isFirst ? between.sendResponse(start, piece, isLast) : between.sendBody(piece, isLast));
        if (isLast) between.exchangeDone(200);
      };
      for (let step = 0; client.heard.at(-1) !== "done 200"; step++) {
        expect(step).toBeLessThan(10_000);
        client.isFull = random() < 0.3;
        // Servers in HTTP/2 may send more than they were asked for.
        if (at < body.length && (mayCome || random() < 0.05)) send();
        if (random() < 0.7) {
          turn();
          expect(passed.inTurn).toBeLessThanOrEqual(portionBytes);
        }
        isBlocked ||= client.isFull;
        if (isBlocked && random() < 0.5) {
          client.isFull = false;
          isBlocked = false;
          if (client.heard.at(-1) !== "done 200") between.clientDrained();
        }
        if (told.length > 0) mayCome = true;
        told.length = 0;
      }
      expect(client.body().equals(body)).toBeTrue();
    }
  });

  test("serves others between the parts of a long body", async () => {
    const heard: string[] = [];
    const order = Promise.withResolvers<void>();
    using server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (socket, bytes) => {
          heard.push(bytes.toString());
          socket.write("pong");
        },
      },
    });
    const pong = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port,
      socket: { data: () => pong.resolve() },
    });
    socket.write("ping");
    await pong.promise; // both ends are there: what is written from now on lies ready in the other's buffer
    const client = new FakeClient();
    const sink: ResponseSink = {
      sendResponse: () => true,
      sendBody: (_piece, isLast) => {
        heard.push(isLast ? "last" : "part");
        return true;
      },
      inPortions: () => true,
    };
    const { log } = recordingLog();
    const inner = { hasBegun: true } as unknown as OpenExchange;
    const around = { turns: new Turns(), log };
    const between = new PortionedExchange(client as unknown as ExchangeClient, sink, around, () => inner);
    client.exchangeDone = () => order.resolve();
    between.sendResponse(onTheWay().start, pieceOf(large), true);
    between.exchangeDone(200);
    socket.write("request");
    await order.promise;
    expect(heard.at(-1)).toBe("last");
    expect(heard.indexOf("request")).toBeGreaterThan(0);
    expect(heard.indexOf("request")).toBeLessThan(heard.length - 1);
    socket.end();
  });
});
