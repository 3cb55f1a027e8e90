import type { Socket } from "node:net";
import { formatEndpoint } from "../base/address.ts";
import type { HttpProbePlan, StatusRange } from "../config/node-plan.ts";
import { SystemError } from "../base/system-error.ts";
import { connect } from "./connect.ts";
import { Client, type Dispatcher } from "./undici.ts";

/** This much of a body is read before the attempt counts as answered. */
export const bodyLimitBytes = 65_536;
/** An answer's head may be this long. */
export const headLimitBytes = 16_384;

/**
 * Sends one request on a connection of its own and compares the status; the result says what came, a failure is
 * thrown. Redirects are not followed, the body is read to its end or to the limit and forgotten.
 */
export async function probeHttp(probe: HttpProbePlan, signal: AbortSignal): Promise<string> {
  const socket = await connect(probe.target, signal);
  try {
    const status = await request(probe, socket);
    if (!isHealthy(probe.status, status))
      throw new Error(`status ${status}, want ${rangesText(probe.status)}`);
    return `status ${status}`;
  } finally {
    socket.resetAndDestroy();
  }
}

/** Tells whether a status lies in one of the ranges. */
export function isHealthy(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some(({ from, to }) => from <= status && status <= to);
}

function rangesText(ranges: readonly StatusRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
}

function request(probe: HttpProbePlan, socket: Socket): Promise<number> {
  const authority = formatEndpoint(probe.target);
  const client = new Client(`http://${authority}`, {
    // The connection is there already, and the attempt's deadline closes it: undici's own timers are too coarse.
    // undici sends nothing if the answer comes before its call of the connector returns.
    connect: (_options, callback) => queueMicrotask(() => hand(socket, callback)),
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: headLimitBytes,
  });
  return new Promise((resolve, reject) => {
    client.dispatch(
      {
        method: probe.method,
        path: probe.path,
        headers: { host: probe.host ?? authority, "user-agent": "edge-ha", accept: "*/*" },
        reset: true,
      },
      answerReader(resolve, reject),
    );
  });
}

function hand(socket: Socket, take: (...answer: [Error, null] | [null, Socket]) => void): void {
  if (socket.destroyed) take(new SystemError("connect", "ECONNRESET"), null);
  else take(null, socket);
}

/** Resolves with the status once the answer is complete, or its body longer than anyone needs to know. */
function answerReader(
  resolve: (status: number) => void,
  reject: (error: Error) => void,
): Dispatcher.DispatchHandler {
  let status = 0;
  let received = 0;
  return {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, statusCode) => {
      status = statusCode;
    },
    onResponseData: (controller, chunk) => {
      received += chunk.length;
      if (received < bodyLimitBytes) return;
      resolve(status);
      controller.abort(new Error("the rest of the body is not wanted"));
    },
    onResponseEnd: () => resolve(status),
    onResponseError: (_controller, error) => reject(error),
  };
}
