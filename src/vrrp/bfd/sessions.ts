import { familyOf, prefixContains } from "../../base/address.ts";
import type { Log } from "../../base/log.ts";
import { errorText } from "../../base/system-error.ts";
import type { BfdSessionPlan } from "../../config/bfd-plan.ts";
import type { VrrpInstancePlan } from "../../config/node-plan.ts";
import type { BfdReport } from "../../ipc/status.ts";
import { addressProtocol, type Link } from "../../kernel/rtnetlink.ts";
import type { Deadlines } from "../deadlines.ts";
import type { Election, ElectionEvent } from "../election-types.ts";
import type { Host } from "../host.ts";
import { type Interfaces, linkProblem } from "../interfaces.ts";
import type { Way } from "./bfd-host.ts";
import { ControlPorts } from "./control-ports.ts";
import type { Sight } from "../tracking.ts";
import { Endpoint, type EndpointNeeds } from "./endpoint.ts";
import { lossEvent } from "./loss.ts";
import type { DownCause } from "./session-types.ts";

/**
 * Bidirectional forwarding detection (RFC 5880, RFC 5881): every session of this node by its name. It says within
 * milliseconds that a neighbour is silent, and no more: what follows from that is the elections' and the tracks' to
 * decide. No echo, no demand mode of our own, no authentication, one hop only.
 *
 *   packet.ts    bytes                        control-ports.ts  port 3784, which packet is whose
 *   session.ts   what a packet means (pure)   endpoint.ts       one session's socket, timer, counters
 *   timing.ts    what was negotiated (pure)   sessions.ts       all of them, and the way to each peer
 */
export class BfdSessions {
  readonly #needs: SessionsNeeds;
  readonly #ports: ControlPorts;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Ways that could not be opened, not to be tried again at every event. */
  readonly #failed = new Map<Endpoint, string>();

  readonly #shared: EndpointNeeds;

  constructor(needs: SessionsNeeds) {
    this.#needs = needs;
    this.#shared = { ...needs, changed: (endpoint, cause) => this.#changed(endpoint, cause) };
    this.#ports = new ControlPorts(needs.host.bfd);
  }

  /** Goes over to other sessions; those with the same name, interface and peer go on. */
  exchange(plans: readonly BfdSessionPlan[]): void {
    const before = new Map(this.#endpoints);
    this.#endpoints.clear();
    for (const plan of plans) {
      const old = before.get(plan.name);
      if (old !== undefined && isSameSession(old.plan, plan)) {
        before.delete(plan.name);
        this.#endpoints.set(plan.name, old);
        if (JSON.stringify(old.plan) !== JSON.stringify(plan)) old.configure(plan);
      } else {
        this.#endpoints.set(plan.name, new Endpoint(plan, this.#freeDiscriminator(before), this.#shared));
      }
    }
    for (const old of before.values()) this.#end(old, "removed from the configuration");
    this.look();
  }

  /** Looks for the way to every peer, as links and addresses come and go. */
  look(): void {
    for (const endpoint of this.#endpoints.values()) this.#connect(endpoint);
  }

  /** Tries again what could not be opened. */
  retry(): void {
    this.#failed.clear();
    this.look();
  }

  /** Tells how a session looks to a track; null while it has not had the time to come up, or if there is none. */
  sight(name: string): Sight | null {
    return this.#endpoints.get(name)?.sight() ?? null;
  }

  /** Says how all of them stand. */
  report(): BfdReport {
    const sessions = [...this.#endpoints.values()].map((endpoint) => endpoint.status());
    return { sessions, strays: this.#ports.strays.drops() };
  }

  /** Ends all of them: the peers are told that it is no failure (RFC 5880 §6.8.16). */
  stop(reason: string): void {
    for (const endpoint of this.#endpoints.values()) this.#end(endpoint, reason);
    this.#endpoints.clear();
  }

  /** A neighbour's silence concerns those that follow it; whatever else ends a session says nothing about its life. */
  #changed({ plan, reason, detectionMs }: Endpoint, cause: DownCause | null): void {
    const { host, followers, changed } = this.#needs;
    if (cause !== "silent") return changed();
    const silence = { session: plan.name, interface: plan.interface, peer: plan.peer, detectionMs, reason };
    const isUp = (name: string): boolean => this.#endpoints.get(name)?.state === "up";
    for (const follower of followers()) {
      const event = lossEvent(follower, silence, { at: host.clock.now(), isUp });
      if (event !== null) follower.follow(event);
    }
    changed();
  }

  #end(endpoint: Endpoint, reason: string): void {
    endpoint.disable(reason);
    this.#ports.disconnect(endpoint);
    this.#failed.delete(endpoint);
  }

  #connect(endpoint: Endpoint): void {
    const found = this.#wayOf(endpoint.plan);
    if (typeof found === "string") {
      this.#failed.delete(endpoint);
      return this.#cut(endpoint, found);
    }
    const key = wayKey(found);
    if (endpoint.way !== null && wayKey(endpoint.way) === key) return;
    if (this.#failed.get(endpoint) === key) return;
    try {
      // A session does not outlive its way: the peer knows it by the address it comes from.
      if (endpoint.way !== null) this.#cut(endpoint, "the address or the interface has changed");
      this.#ports.connect(endpoint, found);
      this.#failed.delete(endpoint);
    } catch (error) {
      this.#failed.set(endpoint, key);
      this.#cut(endpoint, `no socket on ${found.link.name}: ${errorText(error)}`);
    }
  }

  #cut(endpoint: Endpoint, reason: string): void {
    this.#ports.disconnect(endpoint);
    endpoint.cut(reason);
  }

  /** Finds from where to speak, or says why there is no way. */
  #wayOf(plan: BfdSessionPlan): Way | string {
    const { interfaces } = this.#needs;
    const link = interfaces.linkNamed(plan.interface);
    const problem = linkProblem(plan.interface, link);
    if (problem !== null || link === null) return problem ?? `interface ${plan.interface} does not exist`;
    const source = plan.source ?? this.#ownAddress(link, plan.peer);
    if (source === null) return `interface ${link.name} has no address in the network of ${plan.peer}`;
    const isThere = interfaces.on(link.index).some(({ address }) => address === source);
    return isThere ? { link, source, peer: plan.peer } : `source address ${source} is not on ${link.name}`;
  }

  /** The link's first address in the peer's network that is no virtual one. */
  #ownAddress(link: Link, peer: string): string | null {
    const own = this.#needs.interfaces.on(link.index).find(({ address, prefixLength, protocol }) => {
      if (familyOf(address) !== familyOf(peer) || protocol === addressProtocol.vrrp) return false;
      return prefixContains({ address, length: prefixLength }, peer);
    });
    return own?.address ?? null;
  }

  /** RFC 5880 §6.8.1: unique on this host, not 0, and better random. */
  #freeDiscriminator(others: ReadonlyMap<string, Endpoint>): number {
    const taken = new Set([...this.#endpoints.values(), ...others.values()].map((one) => one.discriminator));
    for (;;) {
      const candidate = 1 + Math.floor(this.#needs.host.bfd.random() * 0xffff_ffff);
      if (!taken.has(candidate)) return candidate;
    }
  }
}

/** What the sessions of a process take. */
export interface SessionsNeeds {
  readonly host: Pick<Host, "clock" | "bfd">;
  readonly interfaces: Interfaces;
  readonly deadlines: Deadlines;
  readonly log: Log;
  /** The virtual routers that are told of a silent neighbour. */
  readonly followers: () => Iterable<Follower>;
  /** Called after every change of a session's state, and when one that is not up has had its time. */
  readonly changed: () => void;
}

/** A virtual router, as far as it is told of a neighbour's death. */
export interface Follower {
  readonly plan: VrrpInstancePlan;
  readonly election: Election;
  follow(event: ElectionEvent): void;
}

function isSameSession(a: BfdSessionPlan, b: BfdSessionPlan): boolean {
  return a.interface === b.interface && a.peer === b.peer && a.source === b.source;
}

function wayKey({ link, source }: Way): string {
  return `${link.index} ${link.name} ${source}`;
}
