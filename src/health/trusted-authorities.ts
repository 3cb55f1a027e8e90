import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";
import { trustedBundle } from "../base/trusted-bundle.ts";

interface Known {
  readonly modifiedMs: number;
  readonly context: SecureContext;
}

const contexts = new Map<string, Known>();
let builtIn: SecureContext | null = null;

/**
 * Gives the authorities in a file, or for null those of the host, as TLS wants them; a file that was replaced is read
 * again. Throws the runtime's error if the named file cannot be read.
 */
export function contextOf(ca: string | null): SecureContext {
  const path = ca ?? trustedBundle();
  if (path === null) return (builtIn ??= createSecureContext());
  const { mtimeMs } = statSync(path);
  const known = contexts.get(path);
  if (known?.modifiedMs === mtimeMs) return known.context;
  const context = createSecureContext({ ca: readFileSync(path) });
  contexts.set(path, { modifiedMs: mtimeMs, context });
  return context;
}
