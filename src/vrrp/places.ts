import type { Prefix } from "../base/address.ts";
import type { HeartbeatPlan, VrrpInstancePlan } from "../config/node-plan.ts";
import type { PathPlace } from "./adverts.ts";
import { type Interfaces, linkProblem } from "./interfaces.ts";
import { chooseSource, type Source, type SourceNeeds } from "./source.ts";
import type { VirtualMacs } from "./virtual-macs.ts";

/** Where virtual routers can speak and listen at present: their links, and the host's own addresses there. */
export class Places {
  readonly #interfaces: Interfaces;
  readonly #isVirtual: (address: string) => boolean;
  readonly #virtualMacs: Pick<VirtualMacs, "problem" | "linkOf">;

  constructor(
    interfaces: Interfaces,
    isVirtual: (address: string) => boolean,
    virtualMacs: Pick<VirtualMacs, "problem" | "linkOf">,
  ) {
    this.#interfaces = interfaces;
    this.#isVirtual = isVirtual;
    this.#virtualMacs = virtualMacs;
  }

  /** Gives the instance's own interface first, then its heartbeats. */
  of(plan: VrrpInstancePlan): readonly [PathPlace, ...PathPlace[]] {
    const { address: source, problem: missing } = this.#sourceOf(plan);
    const { group } = plan;
    const heartbeats = plan.heartbeats.map((heartbeat) => {
      const { address, problem } = this.#configured(plan, heartbeat);
      return this.#place(heartbeat.interface, { group, source: address, missing: problem });
    });
    return [this.#spoken(plan, this.#place(plan.interface, { group, source, missing })), ...heartbeats];
  }

  /** On its own interface a router speaks with its virtual MAC, if it has one. */
  #spoken(plan: VrrpInstancePlan, path: PathPlace): PathPlace {
    if (plan.virtualMac === null || path.place === null) return path;
    const place = { ...path.place, speaker: this.#virtualMacs.linkOf(plan) };
    return { ...path, place, problem: path.problem ?? this.#virtualMacs.problem(plan) };
  }

  #sourceOf(plan: VrrpInstancePlan): Source {
    return chooseSource(plan, this.#around(plan.interface));
  }

  #configured(plan: VrrpInstancePlan, { interface: on, source }: HeartbeatPlan): Source {
    return chooseSource({ ...plan, source }, this.#around(on));
  }

  #around(on: string): SourceNeeds {
    const link = this.#interfaces.linkNamed(on);
    return {
      onLink: link === null ? [] : this.#interfaces.on(link.index),
      find: (address) => this.#interfaces.findAnywhere(address),
      isVirtual: this.#isVirtual,
    };
  }

  #place(
    on: string,
    wish: { readonly group: string; readonly source: string | null; readonly missing: string | null },
  ): PathPlace {
    const { group, source, missing } = wish;
    const link = this.#interfaces.linkNamed(on);
    const problem = linkProblem(on, link) ?? (source === null ? missing : null);
    const place = link === null || source === null ? null : { link, group, source, speaker: null };
    return {
      interface: on,
      place,
      problem,
      networks: () => (link === null ? [] : this.#networksOf(link.index)),
    };
  }

  #networksOf(linkIndex: number): readonly Prefix[] {
    return this.#interfaces
      .on(linkIndex)
      .filter(({ address }) => !this.#isVirtual(address))
      .map(({ address, prefixLength }) => ({ address, length: prefixLength }));
  }
}
