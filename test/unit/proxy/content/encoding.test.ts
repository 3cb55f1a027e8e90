import { describe, expect, test } from "bun:test";
import zlib from "node:zlib";
import type { Coding } from "../../../../src/config/content-plan.ts";
import { chooseCoding } from "../../../../src/proxy/content/accept-encoding.ts";
import { heldTag, isEncodable, variesByEncoding } from "../../../../src/proxy/content/encodable.ts";
import { EncodedBodies } from "../../../../src/proxy/content/encoded-bodies.ts";
import { Encoder, encodeWhole } from "../../../../src/proxy/content/encoder.ts";
import { portionBytes, Turns } from "../../../../src/proxy/turns.ts";
import { seededRandom } from "../../../support/seeded-random.ts";

const codings: readonly Coding[] = ["zstd", "br", "gzip"];
const decoders: Readonly<Record<Coding, (code: Buffer) => Buffer>> = {
  gzip: (code) => zlib.gunzipSync(code),
  br: (code) => zlib.brotliDecompressSync(code),
  zstd: (code) => zlib.zstdDecompressSync(code),
};

describe("chooseCoding()", () => {
  // RFC 9110 §12.5.3, §12.4.2 (weights), §8.4.1.3 (x-gzip).
  const cases: readonly (readonly [
    accepted: string | null,
    coding: Coding | null,
    refusesIdentity?: boolean,
  ])[] = [
    [null, null],
    ["", null],
    ["gzip", "gzip"],
    ["GZip", "gzip"],
    ["x-gzip", "gzip"],
    ["gzip, deflate, br, zstd", "zstd"],
    ["gzip, deflate, br", "br"],
    ["deflate", null],
    ["compress, identity", null],
    ["*", "zstd"],
    ["*;q=0", null],
    ["*;q=0, gzip", "gzip", true],
    ["gzip;q=0", null],
    ["gzip;q=0, *", "zstd"],
    ["zstd;q=0, *", "br"],
    ["br;q=0.5, gzip;q=0.8", "gzip"],
    ["gzip;q=1.0, br;q=1", "br"],
    ["gzip ; q=0.001 ,, br;q=0.000", "gzip"],
    ["gzip;Q=0.5", "gzip"],
    ["gzip;q=2", null],
    ["gzip;q=0.1234", null],
    ["gzip;q=", null],
    ["gzip;q=-1, br", "br"],
    ["identity, gzip;q=0.5", null],
    ["identity;q=0.5, gzip", "gzip"],
    ["identity, gzip", "gzip"],
    ["identity;q=0", null],
    ["identity;q=0, gzip;q=0.1", "gzip", true],
    ["identity;q=0, *", "zstd", true],
    ["gzip;level=9", "gzip"],
    ["gzipped", null],
  ];
  for (const [accepted, coding, refusesIdentity = false] of cases) {
    test(`gives ${coding ?? "none"} for ${accepted === null ? "no field" : JSON.stringify(accepted)}`, () => {
      expect(chooseCoding(accepted, codings)).toEqual({ coding, refusesIdentity });
    });
  }

  test("takes what stands first where the client does not mind, and only what is offered", () => {
    expect(chooseCoding("zstd, br, gzip", ["gzip", "br"]).coding).toBe("gzip");
    expect(chooseCoding("zstd", ["gzip"]).coding).toBeNull();
  });
});

describe("isEncodable()", () => {
  const plan = { types: ["text/html", "application/json", "text/*"], minBytes: 100 };
  const says = (
    fields: Readonly<Record<string, string>>,
    status = 200,
    length: number | null = 1000,
  ): boolean => {
    const all: Readonly<Record<string, string>> = { "content-type": "text/html; charset=utf-8", ...fields };
    return isEncodable(plan, { status, length, value: (name) => all[name] ?? null });
  };

  test("is true for text of some length, whatever its status", () => {
    expect(says({})).toBeTrue();
    expect(says({}, 200, null)).toBeTrue();
    expect(says({}, 404)).toBeTrue();
    expect(says({}, 503)).toBeTrue();
    expect(says({ "content-type": "Application/JSON" })).toBeTrue();
    expect(says({}, 206, 1)).toBeTrue();
  });

  test("is false without a body, for short ones and for other types", () => {
    for (const status of [100, 204, 205, 304]) expect(says({}, status)).toBeFalse();
    expect(says({}, 200, 99)).toBeFalse();
    expect(says({}, 200, 0)).toBeFalse();
    expect(says({ "content-type": "image/png" })).toBeFalse();
    expect(says({ "content-type": "" })).toBeFalse();
    expect(says({ "content-type": "text/event-stream" })).toBeFalse();
    expect(
      isEncodable(
        { types: ["text/event-stream"], minBytes: 0 },
        {
          status: 200,
          length: null,
          value: (name) => (name === "content-type" ? "text/event-stream" : null),
        },
      ),
    ).toBeTrue();
    expect(
      isEncodable(
        { types: ["application/*"], minBytes: 0 },
        {
          status: 200,
          length: null,
          value: (name) => (name === "content-type" ? "application/grpc+proto" : null),
        },
      ),
    ).toBeFalse();
  });

  test("is false for what is encoded, is a part, has a digest or may not be changed (RFC 9110 §7.7)", () => {
    expect(says({ "content-encoding": "gzip" })).toBeFalse();
    expect(says({ "content-range": "bytes */1000" }, 416)).toBeFalse();
    expect(says({ "repr-digest": "sha-256=:AA==:" })).toBeFalse();
    expect(says({ "cache-control": "max-age=5, No-Transform" })).toBeFalse();
    expect(says({ "cache-control": "no-transformers" })).toBeTrue();
  });
});

test("variesByEncoding() and heldTag() read lists", () => {
  expect(variesByEncoding("Origin, Accept-Encoding")).toBeTrue();
  expect(variesByEncoding("*")).toBeTrue();
  expect(variesByEncoding("X-Accept-Encoding")).toBeFalse();
  expect(variesByEncoding(null)).toBeFalse();
  // RFC 9110 §13.1.2: the client holds what was encoded, and its tag is the weak one.
  expect(heldTag('"1"', '"0", W/"1"')).toBe('W/"1"');
  expect(heldTag('"1"', '"1"')).toBeNull();
  expect(heldTag('W/"1"', 'W/"1"')).toBeNull();
  expect(heldTag(null, 'W/"1"')).toBeNull();
});

describe("Encoder", () => {
  const random = seededRandom(7);
  const text = (length: number): Buffer =>
    Buffer.from(Array.from({ length }, () => 97 + Math.trunc(random() * random() * 26)));

  for (const coding of codings) {
    test(`makes ${coding} that decodes to what came, however it was cut`, () => {
      for (const length of [1, 2, 1000, 65_535, 65_536, 200_000]) {
        const body = text(length);
        const encoder = new Encoder(coding, coding === "zstd" ? 2 : 4);
        const codes: Buffer[] = [];
        for (let at = 0; at < length;) {
          const end = Math.min(length, at + 1 + Math.trunc(random() * length * 0.4));
          codes.push(encoder.encode(body, at, end, false));
          at = end;
        }
        codes.push(encoder.encode(body, length, length, true));
        encoder.close();
        expect(decoders[coding](Buffer.concat(codes)).equals(body)).toBeTrue();
      }
    });

    test(`flushes ${coding} with each piece`, async () => {
      const encoder = new Encoder(coding, 4);
      const makers = {
        gzip: zlib.createGunzip,
        br: zlib.createBrotliDecompress,
        zstd: zlib.createZstdDecompress,
      };
      const decoder = makers[coding]();
      const came = Promise.withResolvers<string>();
      decoder.once("data", (bytes: Buffer) => came.resolve(bytes.toString()));
      decoder.write(encoder.encode(Buffer.from("data: 1\n\n"), 0, 9, false));
      expect(await came.promise).toBe("data: 1\n\n");
      encoder.close();
      decoder.destroy();
    });

    test(`ends ${coding} where its code fills the room to the byte`, () => {
      const noise = Buffer.from(Array.from({ length: 66_000 }, () => Math.trunc(random() * 256)));
      for (let length = 65_440; length <= 65_560; length++) {
        const code = encodeWhole(coding, 1, { bytes: noise, start: 0, end: length });
        expect(decoders[coding](code).length).toBe(length);
      }
    });

    test(`throws once ${coding} is closed`, () => {
      const encoder = new Encoder(coding, 1);
      encoder.close();
      expect(() => encoder.encode(Buffer.from("a"), 0, 1, true)).toThrow("closed");
    });
  }

  test("throws what the coder says", () => {
    const encoder = new Encoder("gzip", 1);
    encoder.encode(Buffer.from("a"), 0, 1, true);
    expect(() => encoder.encode(Buffer.from("a"), 0, 1, false)).toThrow("gzip cannot encode: Z_STREAM_ERROR");
    encoder.close();
  });
});

describe("EncodedBodies", () => {
  test("encodes a body once, and forgets the one that was not asked for longest", () => {
    const bodies = new EncodedBodies(6000);
    const [a, b, c] = ["a", "b", "c"].map((letter) => Buffer.from(letter.repeat(2000)));
    if (a === undefined || b === undefined || c === undefined) throw new Error("unreachable");
    const code = bodies.of(a, "gzip", 5);
    expect(zlib.gunzipSync(code ?? "").equals(a)).toBeTrue();
    bodies.of(b, "gzip", 5);
    expect(bodies.of(a, "gzip", 5)).toBe(code);
    bodies.of(c, "gzip", 5);
    expect(bodies.of(a, "gzip", 5)).toBe(code);
    expect(bodies.of(a, "gzip", 6)).not.toBe(code);
    // What would be no shorter stays as it is.
    expect(bodies.of(Buffer.from("abc"), "br", 4)).toBeNull();
  });

  test("encodes a long body in turns, once, while it goes as it is", () => {
    const acts: (() => void)[] = [];
    const bodies = new EncodedBodies(8 * portionBytes, new Turns((act) => void acts.push(act)));
    const body = Buffer.from("abcdef".repeat(portionBytes / 2));
    expect(bodies.soon(body, "gzip", 5)).toBeNull();
    expect(bodies.knows(body, "gzip", 5)).toBeFalse(); // is being made already
    expect(acts).toHaveLength(1);
    let turns = 0;
    for (let act = acts.shift(); act !== undefined; act = acts.shift()) {
      act();
      turns++;
    }
    expect(turns).toBeGreaterThanOrEqual(3);
    expect(bodies.knows(body, "gzip", 5)).toBeTrue();
    expect(zlib.gunzipSync(bodies.soon(body, "gzip", 5) ?? "").equals(body)).toBeTrue();
    // One that could not be kept with its code is not worth the work.
    expect(bodies.soon(Buffer.alloc(5 * portionBytes), "gzip", 5)).toBeNull();
    expect(acts).toHaveLength(0);
    // A short one is there at once.
    expect(bodies.soon(body.subarray(0, portionBytes), "gzip", 5)).not.toBeNull();
  });

  test("has eight coders at most, whatever bodies they are for", () => {
    const acts: (() => void)[] = [];
    const bodies = new EncodedBodies(64 * portionBytes, new Turns((act) => void acts.push(act)));
    const wanted = ["abc", "def", "ghi"]
      .map((text) => Buffer.from(text.repeat(portionBytes)))
      .flatMap((body) => codings.map((coding) => ({ body, coding })));
    const known = (): readonly boolean[] => wanted.map(({ body, coding }) => bodies.knows(body, coding, 1));
    expect(known()).toEqual(Array(9).fill(false));
    const runAll = (): void => {
      for (let act = acts.shift(); act !== undefined; act = acts.shift()) act();
    };
    runAll();
    expect(known()).toEqual([...Array(8).fill(true), false]);
    runAll();
    expect(known()).toEqual(Array(9).fill(true));
  });
});
