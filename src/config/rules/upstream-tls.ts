import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import type { UpstreamEntry } from "../schema/upstream.ts";
import type { UpstreamTlsEntry } from "../schema/upstream-tls.ts";
import type { Element } from "../sections.ts";

/** What upstreams can be told about TLS, and whether the files they name are of use. */
export function upstreamTlsRules(model: Model): readonly Finding[] {
  return model.sections.upstreams.flatMap((upstream) => {
    const { tls } = upstream.value;
    if (tls === null) return [];
    return [
      ...behindHeader(upstream),
      ...authorities(upstream, tls, model),
      ...identity(upstream, tls, model),
    ];
  });
}

/** The header belongs ahead of the handshake, and the runtime sends nothing before it. */
function behindHeader({ path, value }: Element<UpstreamEntry>): readonly Finding[] {
  if (value.proxy_protocol === null) return [];
  const remedy = "remove one of them; X-Forwarded-For carries the client's address";
  return [errorAt([...path, "proxy_protocol"], "cannot be sent ahead of TLS", remedy)];
}

function authorities(
  { path }: Element<UpstreamEntry>,
  { ca, verify }: UpstreamTlsEntry,
  model: Model,
): readonly Finding[] {
  if (ca === null) return [];
  const at = [...path, "tls", "ca"];
  if (!verify) return [errorAt(at, "says nothing beside verify = false", "remove one of them")];
  const problem = model.host.authorityProblem(ca);
  return problem === null ? [] : [errorAt(at, problem, "name a file with certificates in PEM form")];
}

function identity(
  { path }: Element<UpstreamEntry>,
  { certificate, key }: UpstreamTlsEntry,
  model: Model,
): readonly Finding[] {
  if (certificate === null && key === null) return [];
  const at = [...path, "tls"];
  if (certificate === null)
    return [
      errorAt([...at, "key"], "has no certificate beside it", 'write certificate = "…" too, or remove it'),
    ];
  if (key === null)
    return [errorAt([...at, "certificate"], "has no key beside it", 'write key = "…" too, or remove it')];
  const problem = model.host.keyPairProblem(certificate, key);
  if (problem === null) return [];
  const place = [...at, problem.file];
  return problem.severity === "error"
    ? [errorAt(place, problem.what, "name PEM files of a certificate and of its own key, without passphrase")]
    : [warningAt(place, problem.what, "renew it, put the new one in its place, and say `edge-ha reload`")];
}
