import type { Child, Host } from "./lab.ts";

/** How many connections the load keeps open. */
export const connections: number = 16;

/** What wrk counted; it opens a connection again after each error. */
export interface LoadReport {
  readonly requests: number;
  readonly errors: number;
  readonly badStatuses: number;
  readonly text: string;
}

/** Starts wrk on one address, until it is ended. */
export function startLoad(client: Host, address: string): Child {
  return client.spawn(["wrk", "-t1", `-c${connections}`, "-d10m", "--timeout", "5s", `http://${address}/`]);
}

/** Ends a load before its time is over, and reads what wrk says. */
export async function endLoad(load: Child): Promise<LoadReport> {
  load.kill("SIGINT");
  const status = await load.exited;
  if (status !== 0) throw new Error(`wrk ended with ${status}: ${load.output()}`);
  const text = load.output();
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  return {
    requests: number(/(\d+) requests in/),
    errors: (errors ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0),
    badStatuses: number(/Non-2xx or 3xx responses: (\d+)/),
    text,
  };
}
