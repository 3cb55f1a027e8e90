import type { CacheFolderProblem } from "../base/cache-folder.ts";
import type { KeyPairProblem } from "../base/certificate-file.ts";
import type { Prefix } from "../base/address.ts";
import type { BfdConfig, Config, InstanceConfig, TrackConfig } from "./config.ts";
import type { Finding, KeyPath } from "./finding.ts";
import type { Sections } from "./sections.ts";
import { closest, quoted } from "./suggestion.ts";
import { textUnder, type TomlTable } from "./toml-tree.ts";

/** A virtual router after derivation, and the table it came from. */
export interface Resolved {
  readonly config: InstanceConfig;
  readonly path: KeyPath;
  /** Its addresses in the order of the file, without what was derived. */
  readonly listed: readonly Prefix[];
}

/** What the rules look at. */
export interface Model {
  readonly sections: Sections;
  readonly instances: readonly Resolved[];
  readonly tracks: readonly TrackConfig[];
  readonly bfd: readonly BfdConfig[];
  readonly declared: DeclaredNames;
  /** Tells the line of a value, for messages that name a second place. */
  readonly line: (path: KeyPath) => number;
  readonly host: HostKnowledge;
}

/** What the host that reads the file knows of what it names. */
export interface HostKnowledge {
  /** Says who besides root could change what a command runs; null if nobody can. */
  readonly trustProblem: (command: readonly string[]) => string | null;
  /** Says why a file is none of certificates; null if it is one. */
  readonly authorityProblem: (path: string) => string | null;
  /** Says what is wrong with the files of a certificate and its key; null if nothing is. */
  readonly keyPairProblem: (certificate: string, key: string) => KeyPairProblem | null;
  /** Says why a file is of no use as one of users; null if it is. */
  readonly usersProblem: (path: string) => string | null;
  /** Gives the host names that a certificate is for; none if that cannot be known. */
  readonly certificateNames: (certificate: string) => readonly string[];
  /** Says why a path is no file or no folder that can be read; null if it is one. */
  readonly pageProblem: (path: string, kind: "file" | "folder") => string | null;
  /** Says why answers cannot be kept in a folder; null if they can. */
  readonly cacheFolderProblem: (path: string) => CacheFolderProblem | null;
  /** Says why a file is no list of networks; null if it is one. */
  readonly networkFileProblem: (path: string) => string | null;
}

/** Of a host that is not asked. */
export const noKnowledge: HostKnowledge = {
  trustProblem: () => null,
  authorityProblem: () => null,
  keyPairProblem: () => null,
  pageProblem: () => null,
  cacheFolderProblem: () => null,
  usersProblem: () => null,
  certificateNames: () => [],
  networkFileProblem: () => null,
};

/** The kinds of tables that others refer to by name. */
export type NamedKind =
  | "node"
  | "vip"
  | "track"
  | "bfd"
  | "service"
  | "address_group"
  | "server_group"
  | "listener"
  | "upstream";

/** Every name the file gives, also of tables that are dropped for an error of their own: a reference to such a one is right. */
export type DeclaredNames = Readonly<Record<NamedKind, readonly string[]>>;

/** Collects the names in a file. */
export function declaredNames(tree: TomlTable): DeclaredNames {
  const of = (...keys: readonly string[]): readonly string[] =>
    keys.flatMap((key) => {
      const list = tree.entries.get(key)?.node;
      if (list?.kind !== "array") return [];
      return list.items.flatMap((item) => {
        const name = item.kind === "table" ? textUnder(item, "name") : null;
        return name === null ? [] : [name];
      });
    });
  return {
    node: of("node"),
    vip: of("vip", "vrrp"),
    track: of("track"),
    bfd: of("bfd"),
    service: of("service"),
    address_group: of("address_group"),
    server_group: of("server_group"),
    listener: of("listener"),
    upstream: of("upstream"),
  };
}

/** Makes the finding for a name that no table has. */
export function unknownName(path: KeyPath, name: string, kind: NamedKind, known: readonly string[]): Finding {
  const header = kind === "vip" ? "[[vip]] or [[vrrp]]" : `[[${kind}]]`;
  const near = closest(name, known);
  const list = known.length === 0 ? "" : `, or use one of ${quoted(known)}`;
  const remedy = near === null ? `add a ${header} with this name${list}` : `did you mean "${near}"?`;
  return { severity: "error", path, what: `there is no ${header} named "${name}"`, remedy };
}

/** Writes a table of the file as a message speaks of it. */
export function calledVip(resolved: Resolved): string {
  return `[[${resolved.config.form}]] "${resolved.config.name}"`;
}

/** Gives what planning looks at, before there is a configuration. */
export function planningConfig({ sections, instances }: Model): Pick<Config, "nodes" | "instances"> {
  return {
    nodes: sections.nodes.map(({ value }) => ({
      name: value.name,
      addresses: Object.entries(value.address).flatMap(([on, list]) =>
        list.map((own) => ({ interface: on, ...own })),
      ),
    })),
    instances: instances.map(({ config }) => config),
  };
}
