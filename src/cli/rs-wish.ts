import { readFile } from "node:fs/promises";
import { errorText, hasCode } from "../base/system-error.ts";
import type { Config, RealServerConfig } from "../config/config.ts";
import { formatDiagnostic } from "../config/diagnostic.ts";
import { readConfig } from "../config/read.ts";
import { realServerConfig } from "../config/real-server.ts";
import { readTunnel, tunnelConflict, tunnelExamples, type TunnelForm } from "../config/tunnel-words.ts";
import type { KnownDirector } from "../real-server/survey.ts";
import { readVip, type Wish } from "../real-server/table.ts";

/** What the command line says of what is to be served. */
export interface WishOptions {
  /** From `--vip`, as written. */
  readonly vips: readonly string[];
  /** From `--tunnel`, as written. */
  readonly tunnels: readonly string[];
  /** Configuration file that names what the command line does not. */
  readonly config: string;
}

/** What is to be served, or what is wrong with how it was said. */
export type WishReading =
  | {
      readonly kind: "wish";
      readonly wish: Wish;
      /** The configuration's table, if that was read. */
      readonly realServer: RealServerConfig | null;
      /** The nodes of the configuration, by the addresses of their own. */
      readonly directors: readonly KnownDirector[];
    }
  | { readonly kind: "wrong"; readonly problems: readonly string[] };

/** Reads the whole wish from the command line, or its VIPs and tunnels from the configuration. */
export async function findWish(options: WishOptions, mayBeEmpty: boolean): Promise<WishReading> {
  if (options.vips.length > 0) return readGiven(options.vips, options.tunnels);
  let text: Uint8Array;
  try {
    text = await readFile(options.config);
  } catch (error) {
    if (mayBeEmpty && hasCode(error, "ENOENT")) return readGiven([], options.tunnels);
    return wrong(
      `no --vip is given, and ${options.config} cannot be read: ${errorText(error)}; write --vip ADDRESS`,
    );
  }
  const { config, diagnostics } = readConfig(text, options.config);
  if (config === null) {
    return wrong(...diagnostics.map((diagnostic) => formatDiagnostic(options.config, diagnostic)));
  }
  return wishOf(config, options, mayBeEmpty);
}

/** Reads VIPs and tunnels as they are written on the command line. */
export function readGiven(vipTexts: readonly string[], tunnelWords: readonly string[]): WishReading {
  const vips = vipTexts.map(readVip);
  const tunnels = tunnelWords.map((word) => ({ word, form: readTunnel(word) }));
  const forms = tunnels.flatMap(({ form }): readonly TunnelForm[] => (form === null ? [] : [form]));
  const conflict = tunnelConflict(forms);
  const problems = [
    ...vips.flatMap((one) => (one.kind === "wrong" ? [one.problem] : [])),
    ...tunnels.flatMap(({ word, form }) =>
      form === null ? [`${word} is no tunnel; write ${tunnelExamples}`] : [],
    ),
    ...(conflict === null ? [] : [conflict]),
  ];
  if (problems.length > 0) return { kind: "wrong", problems };
  const addresses = vips.flatMap((one) => (one.kind === "vip" ? [one.address] : []));
  return { kind: "wish", wish: { vips: addresses, tunnels: forms }, realServer: null, directors: [] };
}

function wishOf(config: Config, options: WishOptions, mayBeEmpty: boolean): WishReading {
  const { nodes } = config;
  const realServer = realServerConfig(config);
  const reading = readGiven(realServer.addresses, options.tunnels);
  if (reading.kind === "wrong") return reading;
  if (reading.wish.vips.length === 0 && !mayBeEmpty) {
    return wrong(
      `${options.config} names no VIP with a service that is forwarded by direct routing or tunnel; write --vip ADDRESS`,
    );
  }
  const directors = nodes.flatMap(({ name, addresses }) =>
    addresses.map(({ address }): KnownDirector => ({ name, address })),
  );
  if (options.tunnels.length > 0) return { ...reading, realServer, directors };
  const conflict = tunnelConflict(realServer.tunnels);
  if (conflict !== null) return wrong(`${options.config}: ${conflict}, with --tunnel`);
  const wish = { ...reading.wish, tunnels: realServer.tunnels };
  return { kind: "wish", wish, realServer, directors };
}

function wrong(...problems: readonly string[]): WishReading {
  return { kind: "wrong", problems };
}
