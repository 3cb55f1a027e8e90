import { describe, expect, test } from "bun:test";
import { formatTunnel } from "../../../src/config/tunnel-words.ts";
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
  configOf(base + vip + text).realServer.tunnels.map(formatTunnel);

describe("realServer", () => {
  test("carries the addresses of [real_server] where it names some", () => {
    const text = `${base}${vip}${second}${direct}[real_server]\nvips = ["second"]\naddresses = ["192.0.2.1", "10.16.8.101"]\n`;
    expect(configOf(text).realServer.addresses).toEqual(["10.16.8.101", "192.0.2.1"]);
  });

  test("carries those of the services otherwise, but not of those that are relayed", () => {
    const { addresses } = configOf(
      `${base}${vip}${second}${direct}[real_server]\ntunnel = "ipip"\n`,
    ).realServer;
    expect(addresses).toHaveLength(1);
    expect(configOf(base + vip + direct.replace('"dr"', '"proxy"')).realServer.addresses).toEqual([]);
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
});
