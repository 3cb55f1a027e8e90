import { Lab, type Host } from "./lab.ts";

/** A pair of load balancers, two web servers and a client on one network; hosts without any process yet. */
export interface Pair extends AsyncDisposable {
  readonly lab: Lab;
  readonly lb1: Host;
  readonly lb2: Host;
  readonly web1: Host;
  readonly web2: Host;
  readonly client: Host;
}

/** Makes the pair's hosts: lb1 and lb2 at 192.0.2.11 and .12, web1 and web2 at .21 and .22, the client at .50. */
export async function createPair(): Promise<Pair> {
  const lab = await Lab.create();
  await lab.bridge("lan");
  const host = (name: string, number: number): Promise<Host> =>
    lab.host(name, { eth0: { bridge: "lan", address: `192.0.2.${number}/24` } });
  return {
    lab,
    lb1: await host("lb1", 11),
    lb2: await host("lb2", 12),
    web1: await host("web1", 21),
    web2: await host("web2", 22),
    client: await host("client", 50),
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}
