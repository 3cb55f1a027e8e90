import type { Endpoint } from "../base/address.ts";
import { receiveOn, type ClientSocket } from "./datagram-socket.ts";
import type { Engine } from "./engine.ts";
import { Flow, type FlowOwner, type FlowTarget } from "./flow.ts";
import type { FlowRoute } from "./flow-route.ts";
import type { FlowLimit } from "./flow-limit.ts";
import type { Caller } from "./selection/scheduler.ts";
import type { RelayServer } from "./snapshot.ts";

/** What the UDP sockets of a process share. */
export interface FlowContext {
  readonly engine: Engine;
  readonly limit: FlowLimit<Flow>;
  /** This process could open no socket towards a server. */
  readonly failedHere: (error: unknown) => void;
}

/**
 * One UDP socket that clients send to. It is bound to one address, so that answers leave from the one that the client spoke to, and
 * the kernel brings all datagrams of a client's port to the same process.
 */
export class DatagramRelay implements FlowOwner {
  private readonly context: FlowContext;
  private readonly localAddress: string;
  private readonly flows = new Map<string, Flow>();
  private route: FlowRoute;
  private socket: ClientSocket | null = null;
  private isClosed = false;

  constructor(context: FlowContext, { address }: Endpoint, route: FlowRoute) {
    this.context = context;
    this.localAddress = address;
    this.route = route;
    context.engine.sweep.add(this);
  }

  /** Whether its flows lead to this process itself. */
  get isLocal(): boolean {
    return this.route.isLocal;
  }

  get flowCount(): number {
    return this.flows.size;
  }

  /** Receives on an inherited socket from now on. */
  async listen(fd: number): Promise<void> {
    const { log } = this.context.engine;
    const socket = await receiveOn(fd, {
      data: (_, bytes, port, address) => this.received(bytes, address, port),
      error: (...all: readonly unknown[]) => {
        const error = all.find((one) => one instanceof Error);
        log.error(`a datagram was dropped: ${error?.stack ?? String(error)}`);
      },
    });
    if (this.isClosed) socket.close();
    else this.socket = socket;
  }

  /** Goes by another plan. */
  configure(route: FlowRoute): void {
    this.route = route;
    for (const flow of this.flows.values()) if (!route.adopt(flow)) flow.end();
  }

  /** Ends the flows of clients that speak to an address which another node has now. */
  cut(addresses: readonly string[]): void {
    if (addresses.includes(this.localAddress)) this.endFlows();
  }

  /** Receives no more, and ends every flow. */
  close(): void {
    this.isClosed = true;
    this.context.engine.sweep.remove(this);
    this.socket?.close();
    this.endFlows();
  }

  sweep(now: number): void {
    for (const flow of this.flows.values()) flow.sweep(now);
  }

  idleBy(flow: Flow): number {
    return this.context.engine.sweep.after(this.route.idleTimeoutMs(flow));
  }

  answer(flow: Flow, bytes: Buffer): void {
    if (this.route.leaves?.(flow, bytes) === false) return;
    const { client } = flow;
    try {
      this.socket?.send(bytes, client.clientPort, client.clientAddress);
    } catch {
      // The address has gone to another node, or the client cannot be reached: the answer is lost, as it would be on a wire.
    }
  }

  settled(flow: Flow): void {
    this.context.limit.settle(flow);
  }

  opened(flow: Flow): void {
    this.route.opened?.(flow);
  }

  ended(flow: Flow): void {
    this.context.limit.leave(flow);
    this.flows.delete(flow.key);
    this.route.ended?.(flow);
  }

  retry({ client }: Flow, bytes: Buffer, tried: readonly RelayServer[]): void {
    this.dispatch(client, bytes, tried);
  }

  suspect(server: RelayServer): void {
    this.context.engine.suspects.add(server.probe);
  }

  failedHere(error: unknown): void {
    this.context.failedHere(error);
  }

  private received(bytes: Buffer, clientAddress: string, clientPort: number): void {
    const flow = this.route.isOnePacket ? undefined : this.flows.get(`${clientAddress} ${clientPort}`);
    // One that is drained, or down and inhibited, keeps the flows that it has.
    if (flow?.isLocal === true || flow?.server?.load.isGone === false) this.pass(flow, bytes);
    else this.dispatch({ clientAddress, clientPort, localAddress: this.localAddress }, bytes, null);
  }

  /** Finds a server for a datagram; what goes to a server that is down, or to the sorry server, is looked at anew each time. */
  private dispatch(client: Caller, bytes: Buffer, tried: readonly RelayServer[] | null): void {
    const target = this.route.target(client, tried, bytes);
    const key = this.keyOf(client, target);
    const flow = this.flows.get(key);
    if (target !== null && flow?.server === target.server) {
      flow.send(bytes);
      return;
    }
    flow?.end();
    const begun = target === null ? null : this.begin(key, client, { ...target, tried: tried ?? [] });
    if (begun !== null) this.pass(begun, bytes);
  }

  private pass(flow: Flow, bytes: Buffer): void {
    if (this.route.comes?.(flow, bytes) !== false) flow.send(bytes);
  }

  private begin(
    key: string,
    client: Caller,
    target: FlowTarget & { readonly tried: readonly RelayServer[] },
  ): Flow | null {
    const { engine, limit } = this.context;
    if (!limit.makeRoom()) return null;
    // Of HTTP/3 the requests are counted.
    if (!this.isLocal) engine.counters.requests += 1;
    const flow = new Flow(this, key, client, target);
    limit.add(flow);
    this.flows.set(key, flow);
    return flow;
  }

  private keyOf({ clientAddress, clientPort }: Caller, target: FlowTarget | null): string {
    const client = `${clientAddress} ${clientPort}`;
    return this.route.isOnePacket ? `${client} ${target?.server?.key ?? ""}` : client;
  }

  private endFlows(): void {
    for (const flow of this.flows.values()) flow.end();
  }
}
