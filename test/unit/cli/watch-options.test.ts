import { expect, test } from "bun:test";
import { mistakeIn, type WatchOptions } from "../../../src/cli/watch-options.ts";

const options: WatchOptions = {
  interface: null,
  all: false,
  read: null,
  write: null,
  vrids: null,
  count: null,
  durationMs: null,
  config: "/etc/edge-ha/edge-ha.toml",
  isConfigGiven: false,
  json: false,
  quiet: false,
};

test("mistakeIn() says what does not fit together", () => {
  const cases: readonly (readonly [Partial<WatchOptions>, RegExp])[] = [
    [{}, /^name an interface/],
    [{ interface: "eth0", all: true }, /only one of them$/],
    [{ interface: "eth0", read: "-" }, /only one of them$/],
    [{ read: "a.pcap", durationMs: 1000 }, /leave --duration out$/],
    [{ read: "a.pcap", write: "a.pcap" }, /would empty the file/],
    [{ all: true, durationMs: Number.NaN }, /--duration with its unit/],
    [{ all: true, count: Number.NaN }, /--count as a number/],
    [{ all: true, count: 0 }, /--count as a number/],
    [{ all: true, vrids: [51, 256] }, /--vrid as a number from 1 to 255/],
  ];
  for (const [wrong, text] of cases) expect(mistakeIn({ ...options, ...wrong })).toMatch(text);
});

test("mistakeIn() finds none in what fits", () => {
  const cases: readonly Partial<WatchOptions>[] = [
    { interface: "eth0", durationMs: 1000, count: 5, vrids: [1, 255] },
    { all: true, write: "a.pcap" },
    { read: "-", write: "a.pcap" },
  ];
  for (const right of cases) expect(mistakeIn({ ...options, ...right })).toBeNull();
});
