import { describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { listenRequests, parseConnector } from "../../../src/kernel/proc-connector.ts";

/** A datagram as a 6.18 kernel sends it: what happened, and up to 24 bytes of data. */
const datagram = (what: string, data: string): Uint8Array =>
  fromHex(
    `4c000000 03000000 02000000 00000000 01000000 01000000 02000000 00000000 2800 0000 ${what} 01000000 faa9da27f9000000 ${data}`,
  );

describe("listenRequests()", () => {
  test("asks to listen, and then for the wanted kinds only", () => {
    expect(listenRequests().map(toHex)).toEqual([
      "28000000030000000000000000000000010000000100000000000000000000000400000001000000",
      "2c00000003000000000000000000000001000000010000000000000000000000080000000100000003020000",
    ]);
  });
});

describe("parseConnector()", () => {
  const zeros = "000000000000000000000000";

  test("reads the answer to a request", () => {
    expect(parseConnector(datagram("00000000", `00000000 ${zeros} 0000000000000000`))).toEqual({
      events: [],
      answer: 0,
    });
    expect(parseConnector(datagram("00000000", `16000000 ${zeros} 0000000000000000`)).answer).toBe(22);
  });

  test("reads a new process, and passes over a new thread", () => {
    const fork = "96460000 96460000 f3460000 f3460000 0000000000000000";
    expect(parseConnector(datagram("01000000", fork)).events).toEqual([
      { kind: "fork", parent: 18_070, pid: 18_163 },
    ]);
    const thread = "8a420000 8a420000 f5460000 ee460000 0000000000000000";
    expect(parseConnector(datagram("01000000", thread)).events).toEqual([]);
  });

  test("reads another program, and another name of a process but not of a thread", () => {
    expect(parseConnector(datagram("02000000", `f3460000 f3460000 ${zeros} 00000000`)).events).toEqual([
      { kind: "exec", pid: 18_163 },
    ]);
    const pool = "f5460000 ee460000 42756e20506f6f6c2030000000000000";
    expect(parseConnector(datagram("00020000", pool)).events).toEqual([]);
    const own = "ee460000 ee460000 6e67696e780000000000000000000000";
    expect(parseConnector(datagram("00020000", own)).events).toEqual([{ kind: "name", pid: 18_158 }]);
  });

  test("passes over ends, other senders and what is cut off", () => {
    const end = datagram("00000080", `f3460000 f3460000 ${zeros} 00000000`);
    expect(parseConnector(end).events).toEqual([]);
    const whole = datagram("02000000", `f3460000 f3460000 ${zeros} 00000000`);
    const other = whole.slice();
    other[16] = 4;
    expect(parseConnector(other).events).toEqual([]);
    for (let length = 0; length < whole.length; length++) {
      expect(parseConnector(whole.subarray(0, length)).events).toEqual([]);
    }
  });
});
