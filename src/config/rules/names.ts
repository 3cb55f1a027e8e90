import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import { unknownName, type Model, type NamedKind } from "../model.ts";
import type { Element } from "../sections.ts";

/** Every name is given once, and every reference has a table. */
export function nameRules(model: Model): readonly Finding[] {
  return [...duplicateNames(model), ...references(model)];
}

interface Named {
  readonly path: KeyPath;
  readonly value: { readonly name: string | null };
}

function duplicateNames(model: Model): readonly Finding[] {
  const { sections } = model;
  return [
    ...duplicates(sections.nodes, "[[node]]", model),
    ...duplicates([...sections.vips, ...sections.vrrps], "[[vip]] or [[vrrp]]", model),
    ...duplicates(sections.syncGroups, "[[sync_group]]", model),
    ...duplicates(sections.tracks, "[[track]]", model),
    ...duplicates(sections.bfds, "[[bfd]]", model),
    ...duplicates(sections.services, "[[service]]", model),
    ...duplicates(sections.addressGroups, "[[address_group]]", model),
    ...duplicates(sections.serverGroups, "[[server_group]]", model),
    ...duplicates(sections.listeners, "[[listener]]", model),
    ...duplicates(sections.upstreams, "[[upstream]]", model),
  ];
}

function duplicates(elements: readonly Named[], kind: string, model: Model): readonly Finding[] {
  const first = new Map<string, KeyPath>();
  return elements.flatMap(({ path, value }) => {
    if (value.name === null) return [];
    const earlier = first.get(value.name);
    if (earlier === undefined) {
      first.set(value.name, path);
      return [];
    }
    const line = model.line([...earlier, "name"]);
    return [
      errorAt(
        [...path, "name"],
        `"${value.name}" is already the name of the ${kind} in line ${line}`,
        "choose another name",
      ),
    ];
  });
}

function each<T>(
  elements: readonly Element<T>[],
  check: (value: T, path: KeyPath) => readonly Finding[],
): readonly Finding[] {
  return elements.flatMap(({ value, path }) => check(value, path));
}

function references(model: Model): readonly Finding[] {
  const { sections } = model;
  const check = (kind: NamedKind, names: readonly string[] | null, path: KeyPath): readonly Finding[] =>
    checkList(model, kind, names, path);
  return [
    ...each(sections.vips, (value, path) => ownTracks(model, value, path)),
    ...each(sections.vrrps, (value, path) => ownTracks(model, value, path)),
    ...each(sections.syncGroups, (value, path) => [
      ...check("vip", value.vips, [...path, "vips"]),
      ...trackReferences(model, { track: value.track, routers: value.vips }, path),
    ]),
    ...each(sections.tracks, (value, path) => [
      ...check("vip", value.vips, [...path, "vips"]),
      ...(["service", "upstream", "bfd"] as const).flatMap((kind) =>
        value[kind] === null ? [] : checkOne(model, kind, value[kind], [...path, kind]),
      ),
    ]),
    ...each(sections.addressGroups, (value, path) => check("vip", value.vips, [...path, "vips"])),
    ...each(sections.services, (value, path) => check("vip", value.vips, [...path, "vips"])),
    ...each(sections.listeners, (value, path) => check("vip", value.vips, [...path, "vips"])),
    ...each(sections.sites, (value, path) => [
      ...check("listener", value.listeners, [...path, "listeners"]),
      ...value.route.flatMap((route, index) =>
        route.upstream === null
          ? []
          : checkOne(model, "upstream", route.upstream, [...path, "route", index, "upstream"]),
      ),
    ]),
    ...(sections.realServer === null
      ? []
      : check("vip", sections.realServer.value.vips, ["real_server", "vips"])),
  ];
}

function ownTracks(
  model: Model,
  { name, track }: { readonly name: string; readonly track: readonly string[] | null },
  path: KeyPath,
): readonly Finding[] {
  return trackReferences(model, { track, routers: [name] }, path);
}

/** Tracks may have got their names from their programs, so these count beside those in the file. */
function trackReferences(
  model: Model,
  value: { readonly routers: readonly string[]; readonly track: readonly string[] | null },
  path: KeyPath,
): readonly Finding[] {
  const known = [...new Set([...model.declared.track, ...model.tracks.map(({ name }) => name)])];
  return (value.track ?? []).flatMap((name, index) => {
    const at = [...path, "track", index];
    if (!known.includes(name)) return [unknownName(at, name, "track", known)];
    const position = model.tracks.findIndex((track) => track.name === name);
    const vips = model.sections.tracks[position]?.value.vips ?? null;
    return value.routers
      .filter((router) => vips?.includes(router) === false)
      .map((router) => {
        const what = `the vips of [[track]] "${name}" do not have "${router}" among them`;
        return errorAt(at, what, `add "${router}" there, or remove the track here`);
      });
  });
}

function checkList(
  model: Model,
  kind: NamedKind,
  names: readonly string[] | null,
  path: KeyPath,
): readonly Finding[] {
  return (names ?? []).flatMap((name, index) => {
    const at = [...path, index];
    if ((names ?? []).indexOf(name) < index)
      return [errorAt(at, `"${name}" is already in the list`, "remove it here")];
    return checkOne(model, kind, name, at);
  });
}

function checkOne(model: Model, kind: NamedKind, name: string, path: KeyPath): readonly Finding[] {
  const known = model.declared[kind];
  return known.includes(name) ? [] : [unknownName(path, name, kind, known)];
}
