import { virtualAddressesOf } from "../families.ts";
import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model, Resolved } from "../model.ts";
import { serviceSockets } from "../sockets.ts";

/** What answers on an address on this host itself, and what to write so that it need not. */
interface Answerer {
  readonly path: KeyPath;
  readonly what: string;
  readonly remedy: string;
}

/** With `accept = false` nothing on this host can answer on a router's addresses; what the kernel forwards is another thing. */
export function acceptanceRules(model: Model): readonly Finding[] {
  return model.instances.flatMap((resolved) => {
    // The owner of the addresses accepts in any case.
    if (resolved.config.accepts || resolved.config.members.every(({ priority }) => priority === 255))
      return [];
    const { place, cause } = placeOf(resolved, model);
    return [...listeners(resolved, model), ...services(resolved, model)].map(({ path, what, remedy }) =>
      errorAt(
        place,
        `${cause}drops packets to the addresses of "${resolved.config.name}", and ${what} in line ${model.line(path)} answers on them`,
        `write accept = true, or ${remedy}`,
      ),
    );
  });
}

function placeOf(
  { config, path }: Resolved,
  model: Model,
): { readonly place: KeyPath; readonly cause: string } {
  const { sections } = model;
  const own = [...sections.vips, ...sections.vrrps].find(({ value }) => value.name === config.name)?.value;
  const above = sections.cluster?.path ?? [];
  const accept = own?.accept ?? null;
  if (accept === false) return { place: [...path, "accept"], cause: "" };
  if (accept === null && sections.cluster?.value.accept === false)
    return { place: [...above, "accept"], cause: "" };
  const cause = "means accept = false, which ";
  return { place: [...((own?.strict ?? null) === null ? above : path), "strict"], cause };
}

function listeners({ config }: Resolved, { sections }: Model): readonly Answerer[] {
  const own = new Set(virtualAddressesOf(config).map(({ address }) => address));
  const served = new Set(sections.sites.flatMap(({ value }) => value.listeners));
  return sections.listeners.flatMap(({ value, path }) => {
    const { address } = value.address;
    const answers =
      address === null ? value.vips.length === 0 || value.vips.includes(config.name) : own.has(address);
    if (!served.has(value.name) || !answers) return [];
    const remedy = "give the listener an address of its own or the vips that it is for";
    return [{ path, what: `[[listener]] "${value.name}"`, remedy }];
  });
}

function services({ config }: Resolved, { sections, instances }: Model): readonly Answerer[] {
  const own = new Set(virtualAddressesOf(config).map(({ address }) => address));
  const here = new Set(
    sections.nodes.flatMap(({ value }) =>
      Object.values(value.address)
        .flat()
        .map(({ address }) => address),
    ),
  );
  const isHere = (address: string): boolean =>
    here.has(address) || address.startsWith("127.") || address === "::1";
  const configs = instances.map((each) => each.config);
  return sections.services.flatMap(({ value, path }): readonly Answerer[] => {
    if (!serviceSockets(value, configs).some(({ address }) => own.has(address))) return [];
    const what = `[[service]] "${value.name}"`;
    if (value.forward === "proxy") return [{ path, what, remedy: 'forward = "dr" in the service' }];
    // IPVS hands these to the host itself.
    const local = [...value.servers, ...(value.sorry === null ? [] : [value.sorry])].find(({ address }) =>
      isHere(address),
    );
    if (local === undefined) return [];
    const remedy = "take servers that are not the load balancers themselves";
    return [{ path, what: `${local.address}, a server of ${what}`, remedy }];
  });
}
