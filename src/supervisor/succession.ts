import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { HandedOver } from "../ipc/handover.ts";
import { execute } from "../kernel/succession.ts";
import type { InheritedSocket } from "./inherited-sockets.ts";
import type { SlotLimits } from "./slot-office.ts";

/** Names the descriptor of what a predecessor has left; set by `succeed` only. */
const variable = "EDGE_HA_SUCCESSION";

/** What a program leaves to the one that takes its place. */
export interface Succession {
  /** Two versions that do not know each other's form do not follow one another. */
  readonly format: 1;
  readonly sockets: readonly InheritedSocket[];
  /** Memory where its processes count what is limited; null in what a version before 0.1.0 leaves. */
  readonly counts: number | null;
  /** How many there are of what is lent to its processes, by name; nothing in what an older version leaves. */
  readonly slots: SlotLimits;
  /** The process of the elections, which go on in it until there is another one. */
  readonly vrrp: number | null;
  /** These answer clients until there are others, and then finish what is open. */
  readonly proxies: readonly number[];
  /** Children that are about to end. */
  readonly leaving: readonly number[];
  /** Names of the virtual routers that are active. */
  readonly active: readonly string[];
  /** Those that the operator has handed over. */
  readonly handedOver: readonly HandedOver[];
  /** How long the service has been running. */
  readonly uptimeMs: number;
}

const form: z.ZodType<Succession> = z.object({
  format: z.literal(1),
  sockets: z.array(z.object({ descriptor: z.number(), storedAs: z.string().nullable() })),
  counts: z.number().nullable().default(null),
  slots: z.record(z.string(), z.number()).default({}),
  vrrp: z.number().nullable(),
  proxies: z.array(z.number()),
  leaving: z.array(z.number()),
  active: z.array(z.string()),
  handedOver: z.array(
    z.object({
      interface: z.string(),
      family: z.union([z.literal(4), z.literal(6)]),
      vrid: z.number(),
      at: z.string(),
    }),
  ),
  uptimeMs: z.number(),
});

/** Reads what a predecessor has left to this process, if there was one; throws if that cannot be understood. */
export function readSuccession(environment: NodeJS.ProcessEnv): Succession | null {
  const text = environment[variable];
  if (text === undefined) return null;
  delete environment[variable];
  const descriptor = Number(text);
  try {
    return form.parse(JSON.parse(readFileSync(`/proc/self/fd/${descriptor}`, "utf8")));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Has another program take this one's place, with what it leaves. Comes back only by throwing, and everything is as it was
 * then.
 */
export function succeed(
  command: readonly string[],
  environment: NodeJS.ProcessEnv,
  succession: Succession,
): never {
  const state = unnamedFile(JSON.stringify(succession));
  try {
    const kept = Object.entries(environment).flatMap(([name, value]): [string, string][] =>
      value === undefined || name.startsWith("LISTEN_") ? [] : [[name, value]],
    );
    return execute({
      command,
      environment: { ...Object.fromEntries(kept), [variable]: String(state) },
      descriptors: [
        state,
        ...(succession.counts === null ? [] : [succession.counts]),
        ...succession.sockets.map(({ descriptor }) => descriptor),
      ],
    });
  } finally {
    closeSync(state);
  }
}

/** A file that nobody else can open and that goes with its last descriptor. */
function unnamedFile(text: string): number {
  const directory = mkdtempSync(join(tmpdir(), "edge-ha-succession-"));
  try {
    const descriptor = openSync(join(directory, "state"), "wx+", 0o600);
    writeSync(descriptor, text);
    return descriptor;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
