import { expect, test } from "bun:test";
import {
  formatTunnel,
  readTunnel,
  tunnelConflict,
  type TunnelForm,
} from "../../../src/config/tunnel-words.ts";

const forms = (...words: readonly string[]): readonly TunnelForm[] =>
  words.flatMap((word) => readTunnel(word) ?? []);

test.each(["ipip", "ipip/6", "gre", "gre+csum", "gre+csum/6", "gue:6080", "gue:1/6", "gue:65535"])(
  "%s is read, and written the same",
  (word) => {
    const form = readTunnel(word);
    expect(form === null ? null : formatTunnel(form)).toBe(word);
  },
);

test("the parts of a word mean what they say", () => {
  expect(readTunnel("gue:6080/6")).toEqual({ type: "gue", over: 6, port: 6080, hasChecksum: false });
  expect(readTunnel("gre+csum/4")).toEqual({ type: "gre", over: 4, port: null, hasChecksum: true });
});

test.each(["", "gue", "gue:0", "gue:65536", "ipip:80", "ipip+csum", "gre/5", "GRE", "gre ", "fou:6080"])(
  "%p is no tunnel",
  (word) => {
    expect(readTunnel(word)).toBeNull();
  },
);

test("GRE with and without checksums exclude each other on one family", () => {
  expect(tunnelConflict(forms("gre", "gre+csum"))).toContain("name one of them");
  expect(tunnelConflict(forms("gre", "gre+csum/6", "ipip"))).toBeNull();
});
