import { familyOf } from "../../base/address.ts";
import { remembered } from "../../base/remembered.ts";
import type { CheckConfig } from "../config.ts";
import { errorAt, warningAt, type Finding, type KeyPath } from "../finding.ts";
import { isRoot, rootFindings } from "./scripts.ts";
import { unknownName, type Model } from "../model.ts";
import { formatDuration } from "../units.ts";

/** A check, where it stands, and the servers it is made of. */
interface PlacedCheck {
  readonly check: CheckConfig;
  readonly path: KeyPath;
  readonly addresses: readonly string[];
}

/** Checks have ended before they are due again, and what they name is there. */
export function checkRules(model: Model): readonly Finding[] {
  const rules = [timingFindings, bodyFindings, sourceFindings, tlsFindings, scriptFindings, agentFindings];
  return [
    ...placedChecks(model).flatMap((placed) => rules.flatMap((rule) => rule(placed, model))),
    ...listFindings(model),
  ];
}

/** Of several checks each has to be another one, and one may speak for the weight. */
function listFindings({ sections }: Model): readonly Finding[] {
  const lists = [...sections.services, ...sections.upstreams]
    .filter(hasChecks)
    .flatMap(({ value, path }) =>
      value.servers
        .map(({ check }, index) => ({ checks: check, path: [...path, "servers", index, "check"] }))
        .concat({ checks: value.check, path: [...path, "check"] }),
    );
  return lists.flatMap(({ checks, path }) => {
    if (checks === null || checks.length < 2) return [];
    return checks.flatMap((check, index): readonly Finding[] => {
      const before = checks.slice(0, index);
      if (before.some((other) => Bun.deepEquals(other, check)))
        return [errorAt([...path, index], "is the same check again", "remove it here")];
      if (!saysWeight(check) || !before.some(saysWeight)) return [];
      const what = "two checks would say what weight the server gets";
      return [errorAt([...path, index], what, "let one of them say it")];
    });
  });
}

/** Of a table without any, its servers are not gone through again: they may be thousands, and several rules ask. */
export function hasChecks({ value }: { readonly value: Checked }): boolean {
  return value.check !== null || haveChecks(value);
}

const haveChecks = remembered(({ servers }: Checked) => servers.some(({ check }) => check !== null));

interface Checked {
  readonly check: readonly CheckConfig[] | null;
  readonly servers: readonly { readonly check: readonly CheckConfig[] | null }[];
}

function saysWeight(check: CheckConfig): boolean {
  return (
    check.kind === "agent" ||
    (check.kind === "script" && check.setsWeight) ||
    (check.kind === "file" && check.weight !== 0)
  );
}

/** Gives the checks in a `check` of these servers, each with its place; of several that is its place in the list. */
export function listedChecks(
  checks: readonly CheckConfig[] | null,
  path: KeyPath,
  addresses: readonly string[],
): readonly PlacedCheck[] {
  const isList = (checks ?? []).length > 1;
  return (checks ?? []).map((check, index) => ({ check, path: isList ? [...path, index] : path, addresses }));
}

/** Gives every check of the file: common ones with all servers that have none of their own. */
export function placedChecks({ sections }: Model): readonly PlacedCheck[] {
  const tables = [
    ...sections.services.filter(hasChecks).map(({ value, path }) => ({
      path,
      common: value.check,
      servers: value.servers.map(({ address, check }) => ({ address, check })),
    })),
    ...sections.upstreams.filter(hasChecks).map(({ value, path }) => ({
      path,
      common: value.check,
      servers: value.servers.map(({ address, check }) => ({
        // What a name stands for is not known yet.
        address: "name" in address ? null : address.address,
        check,
      })),
    })),
  ];
  return tables.flatMap(({ path, common, servers }) => {
    const rest = servers.flatMap(({ address, check }) =>
      check === null && address !== null ? [address] : [],
    );
    const own = servers.flatMap(({ address, check }, index) =>
      listedChecks(check, [...path, "servers", index, "check"], address === null ? [] : [address]),
    );
    return listedChecks(common, [...path, "check"], rest).concat(own);
  });
}

function timingFindings({ check, path }: PlacedCheck): readonly Finding[] {
  const findings: Finding[] = [];
  const { intervalMs, fastIntervalMs, jitterMs, timeoutMs } = check;
  if (timeoutMs > intervalMs) {
    const what = `a timeout of ${formatDuration(timeoutMs)} is longer than the interval of ${formatDuration(intervalMs)}: checks come late`;
    const remedy = `write timeout = "${formatDuration(intervalMs)}" or less`;
    findings.push(warningAt([...path, "timeout"], what, remedy));
  }
  if (fastIntervalMs !== null && fastIntervalMs > intervalMs) {
    const what = `${formatDuration(fastIntervalMs)} is slower than the interval of ${formatDuration(intervalMs)}`;
    findings.push(
      errorAt([...path, "fast_interval"], what, `write less than "${formatDuration(intervalMs)}"`),
    );
  }
  if (jitterMs !== null && jitterMs > intervalMs) {
    const what = `${formatDuration(jitterMs)} is more than the interval of ${formatDuration(intervalMs)} that it is taken from`;
    findings.push(errorAt([...path, "jitter"], what, `write "${formatDuration(intervalMs / 10)}", say`));
  }
  return findings;
}

function bodyFindings({ check, path }: PlacedCheck): readonly Finding[] {
  if (check.kind !== "http" || check.body === null || check.method !== "HEAD") return [];
  const what = "an answer to HEAD has no body";
  return [errorAt([...path, "method"], what, 'write method = "GET", or leave out what is asked of the body')];
}

function sourceFindings({ check, path, addresses }: PlacedCheck, model: Model): readonly Finding[] {
  const { source, address } = check;
  if (source === null) return [];
  const at = [...path, "source"];
  const sources = typeof source === "string" ? [source] : Object.values(source);
  const targets = address === null ? addresses : [address];
  const unlike = targets.find((target) => sources.some((own) => familyOf(own) !== familyOf(target)));
  const nodes = model.declared.node;
  return [
    ...(typeof source === "string" ? [] : Object.keys(source))
      .filter((node) => !nodes.includes(node))
      .map((node) => unknownName([...at, node], node, "node", nodes)),
    ...(unlike === undefined
      ? []
      : [
          errorAt(
            at,
            `nothing reaches ${unlike} from an address of the other family`,
            `write one of IPv${familyOf(unlike)}`,
          ),
        ]),
  ];
}

function tlsFindings({ check, path }: PlacedCheck, model: Model): readonly Finding[] {
  const tls = "tls" in check ? check.tls : null;
  if (tls === null) return [];
  const { ca, verifies, serverName } = tls;
  if (!verifies && ca !== null) {
    const what = "names authorities that are not asked, as verify = false";
    return [errorAt([...path, "ca"], what, "leave out one of the two")];
  }
  const problem = ca === null ? null : model.host.authorityProblem(ca);
  const unfit =
    problem === null ? [] : [errorAt([...path, "ca"], problem, "name a file with certificates in PEM form")];
  if (!verifies || serverName !== null) return unfit;
  const names =
    check.kind === "smtp" ? 'sni = "mail.example"' : 'sni = "shop.example", host = "shop.example"';
  const what = "the certificate has to be for the server's address, as no name is asked for: few are";
  return [...unfit, warningAt(path, what, `write ${names} or verify = false`)];
}

function scriptFindings({ check, path }: PlacedCheck, model: Model): readonly Finding[] {
  if (check.kind !== "script" || !isRoot(check.user)) return [];
  return rootFindings(model, check.command, [...path, "script"]);
}

/** An agent listens beside what it speaks for. */
function agentFindings({ check, path }: PlacedCheck): readonly Finding[] {
  if (check.kind !== "agent" || check.port !== null) return [];
  const what = "does not say where the agent listens, which is not where the service does";
  return [errorAt(path, what, "write port = 9999")];
}
