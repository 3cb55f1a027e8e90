import { SystemError } from "../base/system-error.ts";
import * as native from "../native/index.ts";
import { unixAddress } from "./socket-address.ts";
import { AF_UNIX, SOCK_NONBLOCK, SOCK_STREAM } from "./socket-constants.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const ucredBytes = 12;

/** Who holds a lock; all 0 if so many have asked that the kernel does not tell any more. */
export interface LockHolder {
  readonly pid: number;
  readonly uid: number;
}

const askers = 64;

/**
 * Takes a lock that one process in this network namespace can hold: an abstract Unix socket, which the kernel keeps
 * apart by network namespace and frees when its holder dies, however it dies. Gives null when it was taken, else who has
 * it; throws `SystemError` when neither can be found out.
 */
export function lockNamespace(name: string): LockHolder | null {
  const address = unixAddress(`@${name}`);
  if (address === null) throw new SystemError("bind", "EINVAL", name);
  const fd = native.open(AF_UNIX, SOCK_STREAM, 0);
  try {
    native.bind(fd, address);
    native.listen(fd, askers);
    return null; // the descriptor stays open for as long as this process lives
  } catch (error) {
    native.close(fd);
    if (error instanceof SystemError && error.code === "EADDRINUSE") return holderOf(address);
    throw error;
  }
}

function holderOf(address: Uint8Array): LockHolder {
  const fd = native.open(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  try {
    native.connect(fd, address);
    const credentials = native.getOption(fd, SOL_SOCKET, SO_PEERCRED, ucredBytes);
    const view = new DataView(credentials.buffer, credentials.byteOffset, ucredBytes);
    return { pid: view.getInt32(0, true), uid: view.getUint32(4, true) };
  } catch (error) {
    if (error instanceof SystemError && error.code === "EAGAIN") return { pid: 0, uid: 0 };
    throw error;
  } finally {
    native.close(fd);
  }
}
