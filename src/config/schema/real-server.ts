import { z } from "zod";
import type { Prefix } from "../../base/address.ts";
import { readAgentAddress, type AgentAddress, type AgentWeight } from "../agent-words.ts";
import type { CheckConfig } from "../config.ts";
import { readTunnel, tunnelConflict, tunnelExamples, type TunnelForm } from "../tunnel-words.ts";
import { checkSchema } from "./check.ts";
import { address, choice, complaint, names, orElse, orNull, prefix, table, wants } from "./fields.ts";

/** `agent = { address = ":8081" }`. */
export interface AgentEntry {
  readonly address: AgentAddress;
  /** Null is the nodes of the cluster. */
  readonly allow: readonly Prefix[] | null;
  readonly weight: AgentWeight;
}

/** `[real_server]`: what `edge-ha rs` takes on. */
export interface RealServerEntry {
  readonly vips: readonly string[];
  readonly addresses: readonly string[];
  /** Null is what the services pack up with. */
  readonly tunnel: readonly TunnelForm[] | null;
  readonly agent: AgentEntry | null;
  readonly health: CheckConfig | null;
}

const tunnelWord = z
  .string({ error: wants("a tunnel in quotes", 'tunnel = "ipip"') })
  .transform((word, context): TunnelForm => {
    const form = readTunnel(word);
    if (form !== null) return form;
    context.addIssue(complaint(`${JSON.stringify(word)} is no tunnel`, `write ${tunnelExamples}`));
    return z.NEVER;
  });

const tunnel: z.ZodType<readonly TunnelForm[]> = z.preprocess(
  (value) => (typeof value === "string" ? [value] : value),
  z
    .array(tunnelWord, { error: wants("a tunnel or a list of them", 'tunnel = ["ipip", "gue:6080"]') })
    .superRefine((forms, context) => {
      const conflict = tunnelConflict(forms);
      if (conflict !== null) context.addIssue(complaint("cannot be taken together", conflict));
    }),
);

const agentExample = 'address = ":8081", or address = "192.0.2.8:8081"';

const agentAddress = z
  .string({ error: wants("an address with a port, in quotes", agentExample) })
  .transform((value, context): AgentAddress => {
    const found = readAgentAddress(value);
    if (found !== null) return found;
    const what = `${JSON.stringify(value)} is no address with a port`;
    context.addIssue(complaint(what, `write ${agentExample}`));
    return z.NEVER;
  });

const allowExample = 'allow = ["192.0.2.10", "198.51.100.0/24"]';

const agent: z.ZodType<AgentEntry> = table(
  {
    address: agentAddress,
    allow: orNull(
      z
        .array(prefix(allowExample), { error: wants("a list of addresses", allowExample) })
        .min(1, { error: complaint("is an empty list", `write ${allowExample}, or leave it out`) }),
    ),
    weight: orElse(choice(["none", "cpu"]), "none"),
  },
  'agent = { address = ":8081" }',
);

/** `[real_server]`. */
export const realServerSchema: z.ZodType<RealServerEntry> = table(
  {
    vips: orElse(names("vips"), []),
    addresses: orElse(
      z.array(address('addresses = ["192.0.2.100"]'), {
        error: wants("a list of addresses", 'addresses = ["192.0.2.100"]'),
      }),
      [],
    ),
    tunnel: orNull(tunnel),
    agent: orNull(agent),
    health: orNull(checkSchema),
  },
  "[real_server]",
).superRefine(({ agent: told, health }, context) => {
  if (health === null) return;
  const path = ["health"];
  if (told === null) {
    const message = complaint("tells nobody", 'add agent = { address = ":8081" }, which directors ask');
    context.addIssue({ code: "custom", path, message });
  }
  if (health.via !== null) {
    const message = complaint("a server asks its own VIPs anyway", "remove it");
    context.addIssue({ code: "custom", path: [...path, "via"], message });
  }
  if (health.port === null) {
    const message = complaint("has no port of its own", 'write it, as in { type = "tcp", port = 80 }');
    context.addIssue({ code: "custom", path, message });
  }
});
