import { coversHost } from "../../base/certificate-file.ts";
import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import type { ListenerEntry } from "../schema/listener.ts";
import type { Element } from "../sections.ts";

/** What listeners can be told about TLS, and whether the files they name are of use. */
export function tlsRules(model: Model): readonly Finding[] {
  return model.sections.listeners.flatMap((listener) => [
    ...withoutTls(listener),
    ...keyPairs(listener, model),
    ...clientAuthorities(listener, model),
    ...uncoveredHosts(listener, model),
  ]);
}

function withoutTls({ value, path }: Element<ListenerEntry>): readonly Finding[] {
  if (value.tls !== null) return [];
  const remedy = 'write tls = [{ certificate = "…", key = "…" }] beside it, or remove it';
  const given = [
    ...(value.tls_ciphers === null ? [] : ["tls_ciphers"]),
    ...(value.client_certificates === null ? [] : ["client_certificates"]),
  ];
  return given.map((key) => errorAt([...path, key], "says nothing on a listener in clear text", remedy));
}

function keyPairs({ value, path }: Element<ListenerEntry>, model: Model): readonly Finding[] {
  return (value.tls ?? []).flatMap(({ certificate, key }, index) => {
    const problem = model.host.keyPairProblem(certificate, key);
    if (problem === null) return [];
    const at = [...path, "tls", index, problem.file];
    return problem.severity === "error"
      ? [errorAt(at, problem.what, "name PEM files of a certificate and of its own key, without passphrase")]
      : [warningAt(at, problem.what, "renew it, put the new one in its place, and say `edge-ha reload`")];
  });
}

function clientAuthorities({ value, path }: Element<ListenerEntry>, model: Model): readonly Finding[] {
  const ca = value.client_certificates?.ca ?? null;
  const problem = ca === null ? null : model.host.authorityProblem(ca);
  const at = [...path, "client_certificates", "ca"];
  return problem === null ? [] : [errorAt(at, problem, "name a file with certificates in PEM form")];
}

/** Hosts whose clients would be shown a certificate that is for others. */
function uncoveredHosts({ value, path }: Element<ListenerEntry>, model: Model): readonly Finding[] {
  if (value.tls === null) return [];
  const names = value.tls.flatMap(({ certificate }) => model.host.certificateNames(certificate));
  if (names.length === 0) return [];
  const hosts = model.sections.sites
    .filter(({ value: { listeners } }) => listeners.includes(value.name))
    .flatMap((site) => site.value.hosts)
    .filter((host) => host !== "*" && !names.some((name) => name === host || coversHost(name, host)));
  if (hosts.length === 0) return [];
  const list = [...new Set(hosts)].slice(0, 5).join(", ");
  const what = `none of these certificates is for ${list}${hosts.length > 5 ? " and others" : ""}`;
  return [warningAt([...path, "tls"], what, "add a certificate for it, or browsers will warn their users")];
}
