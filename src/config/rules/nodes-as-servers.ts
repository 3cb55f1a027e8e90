import { warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";

/**
 * Warns of nodes that are servers of what they balance. Where packets come to them as they came to the first node, with the
 * virtual address on them, they balance these again: to the first node as well, and so to and fro.
 */
export function nodesAsServers({ sections }: Model): readonly Finding[] {
  if (sections.nodes.length < 2) return [];
  const nodes = new Map(
    sections.nodes.flatMap(({ value }) =>
      Object.values(value.address).flatMap((list) =>
        list.map(({ address }) => [address, value.name] as const),
      ),
    ),
  );
  return sections.services.flatMap(({ value, path }) => {
    // Almost always no server is a node, and there may be tens of thousands.
    if (!value.servers.some(({ address }) => nodes.has(address))) return [];
    return value.servers.flatMap((server, index) => {
      const node = nodes.get(server.address);
      const forward = server.forward ?? value.forward;
      if (node === undefined || (forward !== "dr" && forward !== "tunnel")) return [];
      const what = `[[node]] "${node}" balances the service too: what another node sends it this way it may send back`;
      const remedy = 'write forward = "proxy", or servers that are no nodes';
      return [warningAt([...path, "servers", index, "address"], what, remedy)];
    });
  });
}
