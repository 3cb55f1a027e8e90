import { readFileSync } from "node:fs";
import { errorText } from "../base/system-error.ts";
import type { TlsListenerPlan, UpstreamTlsPlan } from "../config/http-plan.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import { addressFiles, type AccessPlan } from "../config/routing-plan.ts";

/**
 * What stands in the files of certificates, keys, users and networks, by path. The supervisor reads them, for keys belong to root and the
 * proxies run as nobody in particular; they go beside the plan and never into it, for plans are shown.
 */
export type Credentials = Readonly<Record<string, string>>;

/** Reads every file that a plan's TLS and sites need; throws, naming whose it is, if one cannot be read. */
export function readCredentials(plan: ProxyPlan): Credentials {
  const credentials: Record<string, string> = {};
  const read = (who: string, paths: readonly string[]): void => {
    for (const path of paths) {
      try {
        credentials[path] ??= readFileSync(path, "latin1");
      } catch (error) {
        throw new Error(`${who}: ${path} cannot be read: ${errorText(error)}`, { cause: error });
      }
    }
  };
  for (const { name, tls } of plan.listeners) if (tls !== null) read(`listener ${name}`, filesOf(tls));
  for (const { name, tls } of plan.upstreams) if (tls !== null) read(`upstream ${name}`, upstreamFiles(tls));
  for (const { hosts, routes } of plan.sites)
    for (const { admission } of routes)
      if (admission.basicAuth !== null) read(`site ${hosts.join(" ")}`, [admission.basicAuth.users]);
  for (const [path, place] of networkFiles(plan)) read(place, [path]);
  return credentials;
}

function named(access: AccessPlan | null, place: string): readonly (readonly [string, string])[] {
  return addressFiles(access).map((path) => [path, place]);
}

/** Gives the files with networks that a plan names, each with who names it. */
function networkFiles({ listeners, sites }: ProxyPlan): readonly (readonly [path: string, place: string])[] {
  return [
    ...listeners.flatMap(({ name, policy }) => named(policy.access, `listener ${name}`)),
    ...sites.flatMap(({ hosts, policy, routes }) =>
      [policy.access, ...routes.map(({ routing }) => routing.access)].flatMap((access) =>
        named(access, `site ${hosts.join(" ")}`),
      ),
    ),
  ];
}

function filesOf({ certificates, clients }: TlsListenerPlan): readonly string[] {
  const pairs = certificates.flatMap(({ certificate, key }) => [certificate, key]);
  return clients === null ? pairs : [...pairs, clients.ca];
}

function upstreamFiles({ ca, identity }: UpstreamTlsPlan): readonly string[] {
  const pair = identity === null ? [] : [identity.certificate, identity.key];
  return ca === null ? pair : [...pair, ca];
}

/**
 * Names what of a plan's TLS holds for as long as a process listens: the settings, and the certificate for clients that
 * name no host. The other certificates are chosen anew for each connection.
 */
export function lastingTls(plan: ProxyPlan, credentials: Credentials): string {
  const settings = plan.listeners.map(({ http2, proxyProtocol, sockets, tls }) =>
    tls === null
      ? [sockets]
      : [
          sockets,
          [http2, proxyProtocol !== null],
          [tls.minVersion, tls.ciphers, tls.clients],
          [tls.clients?.ca ?? "", tls.certificates[0]?.certificate ?? "", tls.certificates[0]?.key ?? ""].map(
            (path) => credentials[path] ?? "",
          ),
        ],
  );
  return JSON.stringify(settings);
}
