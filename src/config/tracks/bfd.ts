import { type Finding, warningAt } from "../finding.ts";
import type { Model } from "../model.ts";
import { delaysOf, type TrackElement, type TrackKind } from "./kind.ts";

/** `bfd = "gateway"`: a `[[bfd]]` session that has to be up. */
export const bfdKind: TrackKind = {
  subject: "bfd",
  keys: ["up_delay", "down_delay", "reverse"],
  calledAfter: (entry) => entry.bfd ?? "",
  read: (entry, effect) => ({ kind: "bfd", ...effect, session: entry.bfd ?? "", ...delaysOf(entry) }),
  rules: (track, model) => [...endFindings(track, model), ...darknessFindings(track, model)],
};

/** A node without an end of the session knows nothing of it. */
function endFindings(track: TrackElement, model: Model): readonly Finding[] {
  const { value, path } = track;
  const session = model.bfd.find(({ name }) => name === value.bfd);
  const name = model.tracks[model.sections.tracks.indexOf(track)]?.name;
  if (session === undefined || session.ends.length === 0 || name === undefined) return [];
  const routers = model.instances.filter(({ config }) => config.tracks.includes(name));
  const nodes = new Set(routers.flatMap(({ config }) => config.members.map(({ node }) => node)));
  const without = [...nodes].find((node) => session.ends.every((end) => end.node !== node));
  if (without === undefined) return [];
  const what = `"${without}" has no end of [[bfd]] "${session.name}", so that this track says nothing there`;
  return [warningAt([...path, "bfd"], what, `write a peer for "${without}" in the [[bfd]], or narrow vips`)];
}

/** The session with a dead node is down on every other one. */
function darknessFindings({ value, path }: TrackElement, model: Model): readonly Finding[] {
  const session = model.bfd.find(({ name }) => name === value.bfd);
  if (value.weight !== 0 || value.reverse === true || session === undefined) return [];
  const node = model.sections.nodes.find(({ value: { address } }) =>
    session.ends.some(({ peer }) =>
      Object.values(address).some((list) => list.some((own) => own.address === peer)),
    ),
  );
  if (node === undefined) return [];
  const what = `when "${node.value.name}" dies the others lose this session, and give their addresses up too`;
  const remedy =
    "track a session with a router beyond these nodes, or write bfd in [cluster] to claim sooner";
  return [warningAt([...path, "bfd"], what, remedy)];
}
