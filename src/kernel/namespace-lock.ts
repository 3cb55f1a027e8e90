import { hasCode, SystemError } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { unixAddress } from "./socket-address.ts";
import { AF_UNIX, SOCK_NONBLOCK, SOCK_STREAM } from "./socket-constants.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const ucredBytes = 12;

/** Who holds a lock; all 0 if the kernel does not tell: so many have asked already, or the holder does not answer yet. */
export interface LockHolder {
  readonly pid: number;
  readonly uid: number;
}

const askers = 64;
const nobodyKnown: LockHolder = { pid: 0, uid: 0 };
/** Between two calls of its holder's, when it begins and when it ends, a lock is held and nobody answers: so often it is tried again. */
const mostTries = 10;
const pauseMs = 2;

/**
 * Takes a lock that one process in this network namespace can hold: an abstract Unix socket, which the kernel keeps
 * apart by network namespace and frees when its holder dies, however it dies. Gives null when it was taken, else who has
 * it; throws `SystemError` when neither can be found out.
 */
export function lockNamespace(name: string): LockHolder | null {
  const address = unixAddress(`@${name}`);
  if (address === null) throw new SystemError("bind", "EINVAL", name);
  for (let tries = 1; tries <= mostTries; tries++) {
    if (tries > 1) Bun.sleepSync(pauseMs);
    if (hasTaken(address)) return null;
    const holder = holderOf(address);
    if (holder !== null) return holder;
  }
  return nobodyKnown;
}

function hasTaken(address: Uint8Array): boolean {
  const fd = native.open(AF_UNIX, SOCK_STREAM, 0);
  try {
    native.bind(fd, address);
    native.listen(fd, askers);
    return true; // the descriptor stays open for as long as this process lives
  } catch (error) {
    native.close(fd);
    if (hasCode(error, "EADDRINUSE")) return false;
    throw error;
  }
}

/** Null if it is held, and nobody answers. */
function holderOf(address: Uint8Array): LockHolder | null {
  const fd = native.open(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  try {
    native.connect(fd, address);
    const credentials = native.getOption(fd, SOL_SOCKET, SO_PEERCRED, ucredBytes);
    const view = new DataView(credentials.buffer, credentials.byteOffset, ucredBytes);
    return { pid: view.getInt32(0, true), uid: view.getUint32(4, true) };
  } catch (error) {
    if (hasCode(error, "EAGAIN")) return nobodyKnown;
    if (hasCode(error, "ECONNREFUSED")) return null;
    throw error;
  } finally {
    native.close(fd);
  }
}
