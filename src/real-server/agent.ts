import { existsSync } from "node:fs";
import { formatEndpoint, plainAddress, prefixContains, type Prefix } from "../base/address.ts";
import { SystemError } from "../base/system-error.ts";
import type { AgentAddress } from "../config/agent-words.ts";

/** What the agent listens with. */
export interface AgentOptions extends AgentAddress {
  /** Who may ask; empty is everybody. */
  readonly allow: readonly Prefix[];
  /** Gives the answer of this moment. */
  readonly answer: () => string;
}

// A director asks and goes; more at once are no directors.
const mostConnections = 64;
/** How long a director may take to read its line. */
const lingerS = 2;

/** Answers directors that ask how much this web server can take: one line each, then the connection is closed. */
export class Agent {
  readonly #listener: Bun.TCPSocketListener;
  readonly #open = new Set<Bun.Socket<unknown>>();
  #options: AgentOptions;

  private constructor(options: AgentOptions, hostname: string) {
    this.#options = options;
    this.#listener = Bun.listen({
      hostname,
      port: options.port,
      // What the director sends is read, so that the end is no reset that takes the answer with it.
      allowHalfOpen: true,
      socket: {
        open: (socket) => this.#greet(socket),
        data: () => undefined,
        end: (socket) => void socket.end(),
        timeout: (socket) => socket.terminate(),
        close: (socket) => void this.#open.delete(socket),
        error: (socket) => socket.terminate(),
      },
    });
  }

  /** Listens; throws the system's error if the address cannot be had. */
  static listen(options: AgentOptions): Agent {
    // A machine without IPv6 has no `::` either.
    const every = existsSync("/proc/net/if_inet6") ? "::" : "0.0.0.0";
    const address = options.address ?? every;
    try {
      return new Agent(options, address);
    } catch (error) {
      // The runtime names the address alone.
      const code = error instanceof Error && "code" in error ? String(error.code) : "EADDRINUSE";
      throw new SystemError("listen", code, `${formatEndpoint({ ...options, address })} for the agent`);
    }
  }

  /** Changes who may ask. */
  update(options: Pick<AgentOptions, "allow">): void {
    this.#options = { ...this.#options, ...options };
  }

  /** Ends listening, and connections with it. */
  close(): void {
    this.#listener.stop(true);
  }

  #greet(socket: Bun.Socket<unknown>): void {
    const { allow, answer } = this.#options;
    const from = plainAddress(socket.remoteAddress);
    const isAllowed = allow.length === 0 || allow.some((prefix) => prefixContains(prefix, from));
    if (!isAllowed || this.#open.size >= mostConnections) {
      socket.terminate();
      return;
    }
    this.#open.add(socket);
    socket.timeout(lingerS);
    socket.write(answer());
    socket.shutdown();
  }
}
