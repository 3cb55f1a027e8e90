/** A table as large as one that an operator of keepalived reported: 2,277 services with 37,205 servers behind them. */

/** How many services and servers there are. */
export interface TableSize {
  readonly services: number;
  readonly servers: number;
}

const reported: TableSize = { services: 2_277, servers: 37_205 };

/** One of its services, on port 80. */
export interface LargeService {
  readonly address: string;
  readonly servers: readonly { readonly address: string; readonly weight: number }[];
}

/** Gives the services; `weight` is that of the very last server. */
export function largeTable(weight: number, size: TableSize = reported): readonly LargeService[] {
  const upTo = (service: number): number => Math.floor((size.servers * service) / size.services);
  let number = 0;
  return Array.from({ length: size.services }, (_, index) => {
    const servers = Array.from({ length: upTo(index + 1) - upTo(index) }, (_server, place) => {
      number += 1;
      const address = `10.${100 + (number >> 14)}.${(number >> 7) & 127}.${(number & 127) + 1}`;
      return { address, weight: number === size.servers ? weight : place + 1 };
    });
    return { address: `10.99.${1 + (index >> 7)}.${(index & 127) + 1}`, servers };
  });
}

/** The whole of it as one node's file. */
export function largeFile(weight: number, size: TableSize = reported): string {
  const services = largeTable(weight, size).map(({ address, servers }, index) => {
    const list = servers.map((server) => `{ address = "${server.address}", weight = ${server.weight} }`);
    return `[[service]]
name = "s${index}"
addresses = ["${address}"]
port = 80
forward = "dr"
scheduler = "wrr"
servers = [${list.join(", ")}]
`;
  });
  return `[cluster]
name = "large"
[[node]]
name = "lb1"
address = { eth0 = "10.98.0.11/24" }
${services.join("")}`;
}

/** The same for keepalived. */
export function largeKeepalivedFile(weight: number): string {
  return largeTable(weight)
    .map(({ address, servers }) => {
      const list = servers.map(
        (server) => `  real_server ${server.address} 80 {\n    weight ${server.weight}\n  }\n`,
      );
      return `virtual_server ${address} 80 {\n  lvs_sched wrr\n  lvs_method DR\n  protocol TCP\n${list.join("")}}\n`;
    })
    .join("");
}

/** The same as `ipvsadm --save -n` writes it, in the order of the file. */
export function savedLines(weight: number, size: TableSize = reported): readonly string[] {
  return largeTable(weight, size).flatMap(({ address, servers }) => {
    const lines = servers.map(
      (server) => `-a -t ${address}:80 -r ${server.address}:80 -g -w ${server.weight}`,
    );
    return [`-A -t ${address}:80 -s wrr`].concat(lines);
  });
}
