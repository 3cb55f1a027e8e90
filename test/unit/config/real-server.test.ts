import { describe, expect, test } from "bun:test";
import { formatTunnel } from "../../../src/config/tunnel-words.ts";
import { realServerConfig } from "../../../src/config/real-server.ts";
import { base, configOf, linesOf, vip } from "./expect-lines.ts";

const second = `[[vip]]
name = "second"
address = "10.16.8.101/24"
interface = "eth1"
vrid = 99
prefer = ["lb1", "lb2"]
`;
const service = (more: string, name = "web", port = 80): string =>
  `[[service]]\nname = "${name}"\nvips = ["public"]\nport = ${port}\n${more}\n`;
const direct = service('forward = "dr"\nservers = [{ address = "10.16.8.8" }]');
const words = (text: string): readonly string[] =>
  realServerConfig(configOf(base + vip + text)).tunnels.map(formatTunnel);

const agentOf = (table: string) => realServerConfig(configOf(`${base}${vip}[real_server]\n${table}`)).agent;

const wrong = (table: string): string => linesOf(`${base}${vip}[real_server]\n${table}\n`).join("\n");

describe("realServer", () => {
  test("carries the addresses of [real_server] where it names some", () => {
    const text = `${base}${vip}${second}${direct}[real_server]\nvips = ["second"]\naddresses = ["192.0.2.1", "10.16.8.101"]\n`;
    expect(realServerConfig(configOf(text)).addresses).toEqual(["10.16.8.101", "192.0.2.1"]);
  });

  test("carries those of the services otherwise, but not of those that are relayed", () => {
    const { addresses } = realServerConfig(
      configOf(`${base}${vip}${second}${direct}[real_server]\ntunnel = "ipip"\n`),
    );
    expect(addresses).toHaveLength(1);
    expect(realServerConfig(configOf(base + vip + direct.replace('"dr"', '"proxy"'))).addresses).toEqual([]);
  });

  test("unpacks what the services pack up, for servers of either family", () => {
    expect(words(direct)).toEqual([]);
    expect(
      words(service('forward = "tunnel"\nservers = [{ address = "10.16.8.8" }, { address = "10.16.8.9" }]')),
    ).toEqual(["ipip"]);
    const gue = 'forward = "tunnel"\ntunnel = { type = "gue", port = 5555, checksum = "remote" }';
    expect(words(service(`${gue}\nservers = [{ address = "2001:db8::8" }]`))).toEqual(["gue:5555/6"]);
    const gre = 'forward = "tunnel"\ntunnel = { type = "gre", checksum = "full" }';
    expect(words(service(`${gre}\nservers = [{ address = "10.16.8.8" }]`))).toEqual(["gre+csum"]);
  });

  test("unpacks what [real_server] says instead where it says so", () => {
    const tunnelled = service('forward = "tunnel"\nservers = [{ address = "10.16.8.8" }]');
    expect(words(`${tunnelled}[real_server]\ntunnel = ["gre", "gue:6080/6"]\n`)).toEqual([
      "gre",
      "gue:6080/6",
    ]);
    expect(words(`${tunnelled}[real_server]\ntunnel = []\n`)).toEqual([]);
  });

  test("refuses tunnels that there are not, and those that exclude each other", () => {
    expect(linesOf(`${base}${vip}[real_server]\ntunnel = "fou"\n`)).toEqual([
      expect.stringContaining(
        'real_server.tunnel: "fou" is no tunnel; write ipip, gre, gre+csum or gue:6080',
      ),
    ]);
    expect(linesOf(`${base}${vip}[real_server]\ntunnel = ["gre", "gre+csum"]\n`)).toEqual([
      expect.stringContaining("cannot be taken together; GRE is unpacked either with checksums or without"),
    ]);
  });

  test("lets the nodes ask the agent unless the file names others", () => {
    expect(agentOf("")).toBeNull();
    const usual = agentOf('agent = { address = ":8081" }\n');
    expect(usual).toMatchObject({ address: null, port: 8081, weight: "none" });
    expect(usual?.allow.map(({ address }) => address)).toEqual(
      expect.arrayContaining(["127.0.0.1", "::1", "10.16.8.10", "172.16.8.11"]),
    );
    const named = agentOf(
      'agent = { address = "[2001:db8::8]:1", allow = ["192.0.2.0/24"], weight = "cpu" }\n',
    );
    expect(named).toEqual({
      address: "2001:db8::8",
      port: 1,
      allow: [{ address: "192.0.2.0", length: 24 }],
      weight: "cpu",
    });
  });

  test("refuses an agent and a health that cannot be", () => {
    expect(wrong('agent = { address = "8081" }')).toContain(
      'real_server.agent.address: "8081" is no address with a port; write address = ":8081"',
    );
    expect(wrong('agent = { address = ":8081", allow = [] }')).toContain(
      "real_server.agent.allow: is an empty list",
    );
    const health = 'health = { type = "tcp", port = 80 }';
    expect(wrong(health)).toContain('real_server.health: tells nobody; add agent = { address = ":8081" }');
    expect(wrong('agent = { address = ":8081" }\nhealth = { type = "tcp" }')).toContain(
      "has no port of its own",
    );
    expect(
      realServerConfig(configOf(`${base}${vip}[real_server]\nagent = { address = ":8081" }\n${health}\n`))
        .health,
    ).toMatchObject({
      kind: "tcp",
      port: 80,
    });
  });

  test("tells which sockets which servers have to have", () => {
    const { sockets } = realServerConfig(configOf(`${base}${vip}${direct}`));
    expect(sockets).toEqual([{ address: "172.16.8.100", port: 80, protocol: "tcp", servers: ["10.16.8.8"] }]);
  });
});
