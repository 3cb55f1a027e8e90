import type { CheckConfig } from "../config.ts";
import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { ServiceEntry, ServiceServerEntry } from "../schema/service.ts";
import { hasChecks, listedChecks } from "./checks.ts";

/** Answers to a check are recognised for so long after its last packet. */
const longestTimeoutMs = 60_000;

const remedy = "remove it: the server's own address is checked then";

/** A check goes to a VIP by way of a server only where clients' packets do: unchanged, to a server that has the VIP. */
export function viaRules({ sections }: Model): readonly Finding[] {
  const upstreams = sections.upstreams.filter(hasChecks).flatMap(({ value, path }) => {
    const lists = [
      listedChecks(value.check, [...path, "check"], []),
      ...value.servers.map(({ check }, index) =>
        listedChecks(check, [...path, "servers", index, "check"], []),
      ),
    ];
    return lists
      .flat()
      .filter(({ check }) => check.via !== null)
      .map((placed) =>
        errorAt([...placed.path, "via"], "clients of an upstream do not come by a VIP", remedy),
      );
  });
  return [
    ...upstreams,
    ...sections.services.filter(hasChecks).flatMap(({ value, path }) =>
      listedChecks(value.check, [...path, "check"], [])
        .flatMap(({ check, path: at }) =>
          check.via === null ? [] : serviceFindings(check, at, value, usersOf(value)),
        )
        .concat(
          value.servers.flatMap((server, index) =>
            listedChecks(server.check, [...path, "servers", index, "check"], []).flatMap(
              ({ check, path: at }) =>
                check.via === null ? [] : serviceFindings(check, at, value, [server]),
            ),
          ),
        ),
    ),
  ];
}

/** The servers that the service's own check is for. */
function usersOf({ servers }: ServiceEntry): readonly ServiceServerEntry[] {
  return servers.filter(({ check }) => check === null);
}

function serviceFindings(
  check: CheckConfig,
  path: KeyPath,
  service: ServiceEntry,
  servers: readonly ServiceServerEntry[],
): readonly Finding[] {
  const at = [...path, "via"];
  const refuse = (what: string, cure = remedy): readonly Finding[] => [errorAt(at, what, cure)];
  const forward = servers.map((server) => server.forward ?? service.forward).find((way) => way !== "dr");
  if (forward === "tunnel")
    return refuse("a check cannot go through a tunnel: the kernel packs clients' packets alone");
  if (forward !== undefined)
    return refuse(`with forward = "${forward}" clients' packets come to the server's own address too`);
  if (!isOfPackets(check)) {
    return refuse(
      `type = "${typeOf(check)}" says nothing about a VIP`,
      'write type = "tcp", "http", "https", "smtp", "grpc", "dns", "udp" or "ping", or remove it',
    );
  }
  if (service.fwmark !== null && service.ports.length === 0)
    return refuse("a mark that somebody else puts does not tell which VIP to ask");
  if (check.address !== null)
    return refuse("connect_address says where to go already", "remove one of the two");
  if (check.mark !== null)
    return refuse("its packets carry a mark of their own, not fwmark", "remove one of the two");
  if (check.timeoutMs <= longestTimeoutMs) return [];
  return [
    errorAt([...path, "timeout"], "answers are not waited for so long with via", 'write "60s" or less'),
  ];
}

function typeOf(check: CheckConfig): string {
  return check.kind;
}

const kindsOfPackets: ReadonlySet<CheckConfig["kind"]> = new Set([
  "tcp",
  "http",
  "smtp",
  "grpc",
  "dns",
  "udp",
  "ping",
]);

function isOfPackets({ kind }: CheckConfig): boolean {
  return kindsOfPackets.has(kind);
}
