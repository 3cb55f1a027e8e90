import type { SyncGroupPlan, VrrpPlan } from "../config/node-plan.ts";
import { groupState, noticeState, type NoticeState } from "./notice.ts";
import { Notifier, type NotifierNeeds } from "./notifier.ts";
import type { Router } from "./router.ts";

type Told = Pick<Router, "name" | "plan" | "election" | "status">;

/** A sync group with all addresses of its members. */
export interface ToldGroup extends SyncGroupPlan {
  readonly addresses: readonly string[];
}

/** Makes notices out of the routers' changes of state, once for each change. */
export class StateNotices {
  readonly #notifier: Notifier;
  readonly #groups = new Map<string, NoticeState>();

  constructor(needs: NotifierNeeds) {
    this.#notifier = new Notifier(needs);
  }

  /** Gets ready for another plan, or throws; the result puts it in force. */
  prepare({ notify, instances, syncGroups }: VrrpPlan): () => void {
    const owns = [...instances, ...syncGroups].map((each) => each.notify);
    return this.#notifier.prepare(notify, owns);
  }

  /** Tells of a router that has changed its state. */
  tell(router: Told): void {
    const state = noticeState(router.election.state);
    if (state === null) return;
    const { name, reason, peer, addresses, priority, basePriority } = router.status();
    const about = { reason, peer: peer?.address ?? "", addresses };
    // Without a claim there is no priority, but keepalived names one.
    const notice = { kind: "INSTANCE", name, state, priority: priority || basePriority, ...about } as const;
    this.#notifier.tell(notice, router.plan.notify);
  }

  /** Tells of a group once all its members have come to the same state; the first is the one that changed last. */
  tellGroup(group: ToldGroup, members: readonly [Told, ...Told[]]): void {
    const { name, instances, addresses, notify } = group;
    const state = groupState(members.map(({ election }) => noticeState(election.state)));
    if (state === null || this.#groups.get(name) === state) return;
    this.#groups.set(name, state);
    const { reason, peer } = members[0].status();
    const about = { reason, peer: peer?.address ?? "", addresses };
    this.#notifier.tell({ kind: "GROUP", name, state, priority: 0, ...about }, notify, instances);
  }

  /** Waits until everything has been told, at most `limitMs`. */
  finish(limitMs: number): Promise<void> {
    return this.#notifier.finish(limitMs);
  }
}
