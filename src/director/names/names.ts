import { formatEndpoint } from "../../base/address.ts";
import type { Clock } from "../../base/clock.ts";
import { later } from "../../base/instant.ts";
import type { Log } from "../../base/log.ts";
import { counted } from "../../config/describe-plan.ts";
import type { FoundName, FoundServer, LookupPlan } from "../../config/lookup-plan.ts";
import { foundByLookup, type Found } from "../../config/named-servers.ts";
import type { NameStatus } from "../../ipc/status.ts";
import { adoptedName, heard, unknownName, type NameState } from "./name-state.ts";
import type { Resolver } from "./resolver.ts";

/** How long what was found waits for what is found of other names. */
const gatherMs = 20;

/** What names are looked up with. */
export interface NamesOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly resolver: Pick<Resolver, "find" | "keep">;
  /** Called when a name stands for other servers than before. */
  readonly onFound: () => void;
}

interface Name {
  plan: LookupPlan;
  state: NameState;
  /** Whether a lookup, successful or not, has ended since the name is known here. */
  isSettled: boolean;
  isAsking: boolean;
  cancel: () => void;
}

/**
 * The names of servers, each looked up again when what was found is over its time. Nobody waits for a lookup: what a name
 * stands for is what was last found, by this process or the one before.
 */
export class Names {
  readonly #options: NamesOptions;
  readonly #names = new Map<string, Name>();
  #onSettled: (() => void)[] = [];
  /** Takes back that somebody will be told; null if there is no news. */
  #cancelNews: (() => void) | null = null;

  constructor(options: NamesOptions) {
    this.#options = options;
  }

  /** Takes the names that are looked up from now on; `before` is what an earlier process found. */
  configure(plans: readonly LookupPlan[], before: readonly FoundName[] = []): void {
    const { clock, resolver } = this.#options;
    const found = foundByLookup(before);
    resolver.keep(new Set(plans.map(({ id }) => id)));
    const known = new Map(this.#names);
    this.#names.clear();
    for (const plan of plans) {
      const name = known.get(plan.id);
      known.delete(plan.id);
      if (name !== undefined) {
        this.#names.set(plan.id, name);
        const isSame = Bun.deepEquals(name.plan, plan);
        name.plan = plan;
        if (!isSame) this.#ask(name);
        continue;
      }
      const servers = found.get(plan.id);
      const now = clock.now();
      const state = servers === undefined ? unknownName(now) : adoptedName(servers, now);
      const made = { plan, state, isSettled: false, isAsking: false, cancel: () => undefined };
      this.#names.set(plan.id, made);
      this.#ask(made);
    }
    for (const gone of known.values()) gone.cancel();
    this.#settle();
  }

  /** What all names stand for that were ever found. */
  found(): Found {
    return new Map(
      [...this.#names].flatMap(([id, { state }]) => (state.isKnown ? [[id, state.servers] as const] : [])),
    );
  }

  /** Resolves when every name has been looked up once, successfully or not; after `mostMs` in any case. */
  settled(mostMs: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const cancel = clock.schedule(later(clock.now(), mostMs), resolve);
      this.#onSettled.push(() => {
        cancel();
        resolve();
      });
      this.#settle();
    });
  }

  status(): readonly NameStatus[] {
    const now = this.#options.clock.now();
    return [...this.#names.values()].map(({ plan, state }) => ({
      name: plan.name,
      upstream: plan.upstream,
      servers: state.servers.map(serverText),
      isKnown: state.isKnown,
      leftOut: state.leftOut,
      ttlS: state.validUntil === null ? null : Math.max(0, Math.ceil((state.validUntil - now) / 1000)),
      complaint: state.complaint,
    }));
  }

  /** Looks nothing up any more. */
  stop(): void {
    this.#cancelNews?.();
    this.#cancelNews = null;
    this.configure([]);
  }

  #ask(name: Name): void {
    name.cancel();
    if (name.isAsking) return;
    name.isAsking = true;
    const { plan } = name;
    void this.#options.resolver.find(plan, name.state.servers).then((finding) => {
      name.isAsking = false;
      if (this.#names.get(name.plan.id) !== name) return;
      // Asked otherwise meanwhile: the answer is to the old question.
      if (plan !== name.plan && !Bun.deepEquals(plan, name.plan)) return this.#ask(name);
      const { clock } = this.#options;
      const before = name.state;
      name.state = heard(before, finding, name.plan, clock.now());
      name.isSettled = true;
      name.cancel = clock.schedule(name.state.askAt, () => this.#ask(name));
      this.#log(name.plan, before, name.state);
      if (isNews(before, name.state)) this.#announce();
      this.#settle();
    });
  }

  /** What comes in within a moment is told together: each telling is a plan of all servers. */
  #announce(): void {
    const { clock } = this.#options;
    this.#cancelNews ??= clock.schedule(later(clock.now(), gatherMs), () => this.#tell());
  }

  #tell(): void {
    if (this.#cancelNews === null) return;
    this.#cancelNews();
    this.#cancelNews = null;
    this.#options.onFound();
  }

  #log(plan: LookupPlan, before: NameState, after: NameState): void {
    const { log } = this.#options;
    const title = `${plan.name} of upstream ${plan.upstream}`;
    const now = after.servers.length;
    if (after.complaint !== null && after.complaint !== before.complaint) {
      const rest = now === 0 ? "it has no server" : `${counted(now, "server")} of before stay`;
      log.warning(`${title} cannot be looked up: ${after.complaint}; ${rest}`);
    } else if (after.complaint === null && before.complaint !== null) {
      log.notice(`${title} can be looked up again`);
    }
    if (after.leftOut > 0 && after.leftOut !== before.leftOut)
      log.warning(
        `${title} has ${after.leftOut + now} servers: ${after.leftOut} are left out, as max_servers says`,
      );
    const [come, gone] = [after.servers, before.servers].map((some) => new Set(some.map(serverText)));
    const words = [
      ...[...(come ?? [])].filter((server) => gone?.has(server) !== true).map((server) => `${server} comes`),
      ...[...(gone ?? [])].filter((server) => come?.has(server) !== true).map((server) => `${server} goes`),
    ];
    if (words.length > 0) log.notice(`${title}: ${words.join(", ")}`);
  }

  #settle(): void {
    if (this.#onSettled.length === 0) return;
    if ([...this.#names.values()].some(({ isSettled }) => !isSettled)) return;
    // Whoever has waited for all of them finds them told.
    this.#tell();
    const waiting = this.#onSettled;
    this.#onSettled = [];
    for (const resolve of waiting) resolve();
  }
}

function serverText({ address, srv }: FoundServer): string {
  return srv === null ? address : formatEndpoint({ address, port: srv.port });
}

function isNews(before: NameState, after: NameState): boolean {
  const [old, now] = [before, after].map(({ servers }) => servers.map(wholeText).join());
  return after.isKnown && (!before.isKnown || old !== now);
}

/** Everything about a server that decides what becomes of it. */
function wholeText(server: FoundServer): string {
  const { srv } = server;
  return srv === null ? server.address : `${serverText(server)} ${srv.priority} ${srv.weight} ${srv.target}`;
}
