import { familyOf, formatEndpoint, type Endpoint, type Family } from "../../base/address.ts";
import type { FoundServer, LookupPlan } from "../../config/lookup-plan.ts";
import { randomId, writeQuestion, type DnsRecordType, type DnsReply } from "../../health/dns/message.ts";
import { failureText } from "../../health/failure-text.ts";
import {
  joinFamilies,
  joinTargets,
  plainFinding,
  srvRecords,
  type AddressFinding,
  type Finding,
} from "./finding.ts";
import { outcomeOf, type Outcome } from "./outcome.ts";

/** What a resolver works with. */
export interface ResolverOptions {
  /** Asks one name server once; throws what went wrong, or that it took too long. */
  readonly ask: (question: Question) => Promise<DnsReply>;
  /** The name servers of the host, in their order. */
  readonly nameServers: () => readonly Endpoint[];
  /** What the host's own list of names says; empty if nothing. */
  readonly hostAddresses: (name: string) => readonly string[];
}

/** One question to one name server. */
export interface Question {
  readonly to: Endpoint;
  readonly protocol: "udp" | "tcp";
  readonly bytes: Uint8Array;
  readonly timeoutMs: number;
}

/** The host's list may change at any time, and to look costs nothing. */
const listedForMs = 5_000;

/** Looks names up: in the host's list, else at name servers, by UDP, and by TCP where an answer is too long for that. */
export class Resolver {
  readonly #options: ResolverOptions;
  /** Who answered last, by lookup: the next question goes there first, so that one that is dead costs its time once. */
  readonly #last = new Map<string, Endpoint>();

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** Looks up what a name stands for; what cannot be looked up stays as it is `known`. Never rejects. */
  async find(plan: LookupPlan, known: readonly FoundServer[]): Promise<Finding> {
    if (plan.kind === "address")
      return plainFinding(await this.#addresses(plan, plan.name, addressesOf(known)));
    const outcome = await this.#question(plan, plan.name, "SRV");
    if (outcome.kind !== "records") return outcome;
    // Each target takes questions of its own.
    const records = srvRecords(outcome.data).slice(0, plan.mostServers);
    const names = [...new Set(records.map(({ target }) => target))];
    const targets = await Promise.all(
      names.map(async (name) => {
        const before = addressesOf(known.filter(({ srv }) => srv?.target === name));
        return [name, await this.#addresses(plan, name, before)] as const;
      }),
    );
    return joinTargets({ records, ttlMs: outcome.ttlMs }, new Map(targets), known);
  }

  /** Forgets names that are not looked up any more. */
  keep(lookups: ReadonlySet<string>): void {
    for (const id of this.#last.keys()) if (!lookups.has(id)) this.#last.delete(id);
  }

  async #addresses(plan: LookupPlan, name: string, known: readonly string[]): Promise<AddressFinding> {
    const { families } = plan;
    const listed = this.#options
      .hostAddresses(name)
      .filter((address) => families.includes(familyOf(address)));
    if (listed.length > 0) return { kind: "found", addresses: listed, ttlMs: listedForMs, complaint: null };
    const outcomes = await Promise.all(
      families.map(async (family): Promise<readonly [Family, Outcome]> => [
        family,
        await this.#question(plan, name, family === 4 ? "A" : "AAAA"),
      ]),
    );
    return joinFamilies(outcomes, known);
  }

  /** Asks one name server after the other until one has an answer, or says that there is nothing. */
  async #question(plan: LookupPlan, name: string, type: DnsRecordType): Promise<Outcome> {
    let reason = "there is no name server to ask";
    for (let round = 0; round < plan.tries; round++) {
      for (const to of this.#order(plan)) {
        const outcome = await this.#askOne(plan, { to, name, type });
        if (outcome.kind !== "failed") {
          this.#last.set(plan.id, to);
          return outcome;
        }
        reason = `${outcome.reason} (${formatEndpoint(to)})`;
      }
    }
    return { kind: "failed", reason };
  }

  async #askOne(
    { timeoutMs }: LookupPlan,
    { to, name, type }: { readonly to: Endpoint; readonly name: string; readonly type: DnsRecordType },
  ): Promise<Outcome> {
    const bytes = writeQuestion({ name, record: type, recursion: true }, randomId());
    const { ask } = this.#options;
    try {
      const reply = await ask({ to, protocol: "udp", bytes, timeoutMs });
      const whole = reply.isTruncated ? await ask({ to, protocol: "tcp", bytes, timeoutMs }) : reply;
      return outcomeOf(whole, name, type);
    } catch (error) {
      return { kind: "failed", reason: failureText(error) };
    }
  }

  #order({ id, resolvers }: LookupPlan): readonly Endpoint[] {
    const all = resolvers.length === 0 ? this.#options.nameServers() : resolvers;
    const last = this.#last.get(id);
    const first = all.filter(({ address, port }) => address === last?.address && port === last.port);
    return first.length === 0 ? all : [...first, ...all.filter((one) => !first.includes(one))];
  }
}

function addressesOf(servers: readonly FoundServer[]): readonly string[] {
  return [...new Set(servers.map(({ address }) => address))];
}
