import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";

/** Where distributions keep the authorities that a host trusts. */
const hostBundles: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

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
  const path = ca ?? hostBundle();
  if (path === null) return (builtIn ??= createSecureContext());
  const { mtimeMs } = statSync(path);
  const known = contexts.get(path);
  if (known?.modifiedMs === mtimeMs) return known.context;
  const context = createSecureContext({ ca: readFileSync(path) });
  contexts.set(path, { modifiedMs: mtimeMs, context });
  return context;
}

let foundBundle: string | null | undefined;

/** Looked for once: a bundle that is replaced keeps its place. */
function hostBundle(): string | null {
  foundBundle ??= hostBundles.find((path) => statSync(path, { throwIfNoEntry: false }) !== undefined) ?? null;
  return foundBundle;
}
