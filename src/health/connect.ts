import { createConnection, type Socket } from "node:net";
import { formatEndpoint, type Endpoint } from "../base/address.ts";
import { SystemError } from "../base/system-error.ts";

/**
 * Connects to an endpoint. When `signal` aborts, before or after the connection is there, the socket is reset at
 * once, so that nothing of a failed attempt lives on in the kernel. Rejects with the runtime's error.
 */
export function connect(target: Endpoint, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: target.address, port: target.port });
    const abort = (): void => {
      socket.resetAndDestroy();
      reject(new SystemError("connect", "ETIMEDOUT", formatEndpoint(target)));
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    socket.once("close", () => {
      signal.removeEventListener("abort", abort);
      reject(new SystemError("connect", "ECONNRESET", formatEndpoint(target)));
    });
    // Also the errors after the connection is there end here: whoever uses it sees the close.
    socket.on("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}
