import * as native from "../native/index.ts";

/**
 * Opens memory that children can share, and gives its descriptor: all zero, closed on exec. It takes room as it is used, and its
 * size is final: no child can have an access of this process fail.
 */
export function createSharedMemory(bytes: number): number {
  return native.createMemory(bytes);
}

/** Makes what another program has left like what is made here. */
export function takeOverSharedMemory(descriptor: number): void {
  native.takeOver(descriptor);
}

/** Closes what `createSharedMemory` gave; what is mapped stays. */
export function closeSharedMemory(descriptor: number): void {
  native.close(descriptor);
}
