import { describe, expect, test } from "bun:test";
import { foreignWord } from "../../../src/config/foreign-words.ts";
import { notBuilt } from "../../../src/config/not-built.ts";
import { readConfig } from "../../../src/config/read.ts";
import { base, vip } from "./expect-lines.ts";

const tables = {
  file: "",
  vip: base + vip,
  sync_group: `${base}${vip}[[sync_group]]\nname = "all"\nvips = ["public"]\n`,
  track: `${base}${vip}[[track]]\ninterface = "eth1"\n`,
  bfd: `${base}${vip}[[bfd]]\nname = "gw"\npeer = "10.16.8.1"\ninterface = "eth1"\n`,
} as const;

/** What keepalived calls it, where an operator writes it, and a word of ours that the answer has to have. */
const words: readonly (readonly [keyof typeof tables, string, string])[] = [
  ["file", "vrrp_script", "[[track]]"],
  ["file", "vrrp_track_process", "[[track]] with process"],
  ["file", "vrrp_track_file", "[[track]] with file"],
  ["file", "track_file", "[[track]] with file"],
  ["file", "bfd_instance", "[[bfd]]"],
  ["vip", "track_interface", "[[track]] with interface"],
  ["vip", "track_script", "[[track]] with script"],
  ["vip", "track_process", "[[track]] with process"],
  ["vip", "track_file", "[[track]] with file"],
  ["vip", "track_bfd", "[[track]] with bfd"],
  ["vip", "down_timer_adverts", "down_after"],
  ["vip", "use_vmac", "virtual_mac"],
  ["sync_group", "track_script", "[[track]] with script"],
  ["track", "param_match", "arguments"],
  ["track", "quorum", "at_least"],
  ["track", "terminate_delay", "down_delay"],
  ["track", "init_fail", "first result"],
  ["bfd", "neighbor_ip", "peer"],
  ["bfd", "min_rx", "min_receive"],
  ["bfd", "min_tx", "interval"],
  ["bfd", "multihop", "one hop"],
];

describe("a word of keepalived's", () => {
  test.each(words)("in %s: %s is answered with ours", (table, word, ours) => {
    const { diagnostics } = readConfig(`${tables[table]}${word} = 1\n`, "f");
    const answer = diagnostics.find(({ what }) => what === "unknown key");
    expect(answer?.remedy).toContain(ours);
    expect(answer?.remedy).not.toStartWith("the keys here are");
  });
});

describe("a key of ours in a table that has not got it", () => {
  test.each([
    ["", "cache", "[[site]]"],
    ["", "rate_limit", "[[site]]"],
    ["site", "tls", "[[listener]]"],
    ["site.route", "tls", "[[listener]]"],
    ["upstream.servers", "tls", "[[upstream]]"],
  ])("in %p: %s is answered with where to write it", (place, key, where) => {
    expect(foreignWord(place, key)).toContain(where);
    expect(notBuilt(place, key)).toBeNull();
  });
});
