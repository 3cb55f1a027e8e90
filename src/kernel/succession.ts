import * as native from "../native/index.ts";

/** What runs in the place of this program, under its process id. */
export interface SuccessorCommand {
  /** The executable's path, and then its arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** What stays open beside the standard streams. */
  readonly descriptors: readonly number[];
}

/** Runs a program in the place of this one; comes back only by throwing `SystemError`, with everything as it was. */
export function execute({ command, environment, descriptors }: SuccessorCommand): never {
  return native.execute({
    path: strings([command[0] ?? ""]),
    words: strings(command),
    environment: strings(Object.entries(environment).map(([name, value]) => `${name}=${value}`)),
    descriptors: new Uint8Array(Int32Array.from(descriptors).buffer),
  });
}

/** Tells whether a child that this process did not start itself, but has, is gone. */
export function hasEnded(pid: number): boolean {
  return native.reap(pid);
}

function strings(list: readonly string[]): Uint8Array {
  return new TextEncoder().encode(list.map((each) => `${each}\0`).join(""));
}
