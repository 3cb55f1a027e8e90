import { describe, expect, test } from "bun:test";
import { concatBytes, fromHex, toHex } from "../../../src/base/bytes.ts";
import { Ipvs, type IpvsServer, type IpvsService } from "../../../src/kernel/ipvs.ts";
import { keyAttribute, writeServer, writeService } from "../../../src/kernel/ipvs-messages.ts";
import type { NetlinkMessage } from "../../../src/kernel/netlink/message.ts";
import { written } from "../../support/written-attributes.ts";
import { acknowledge, done, FakeNetlink, reply, type FakeAnswer } from "../../support/fake-netlink.ts";

const family = 0x21;
const key = { family: 4, protocol: 6, address: "192.0.2.100", port: 80 } as const;
const service: IpvsService = {
  key,
  scheduler: "rr",
  flags: 0,
  persistenceS: 0,
  netmask: 32,
  persistenceEngine: null,
  servers: [],
};
const server: IpvsServer = {
  address: "10.0.0.8",
  port: 80,
  forward: "dr",
  tunnel: null,
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  activeConnections: 0,
  inactiveConnections: 0,
  persistentConnections: 0,
};
const serverBytes = written((writer) => writeServer(writer, server));

const generic = (command: number, ...attributes: readonly Uint8Array[]): Uint8Array =>
  concatBytes(Uint8Array.of(command, 1, 0, 0), ...attributes);
const command = (request: NetlinkMessage): number => request.payload[0] ?? -1;

/** A kernel with IPVS whose answers to everything but the family's name are given. */
const kernel = (answer: (request: NetlinkMessage) => FakeAnswer): { fake: FakeNetlink; ipvs: Ipvs } => {
  const fake = new FakeNetlink((request) =>
    request.type === 0x10
      ? [[reply(request, 0x10, fromHex("01020000 0600010021000000"))], [acknowledge(request)]]
      : answer(request),
  );
  return { fake, ipvs: Ipvs.over(fake.connection(), () => undefined) };
};
const refusing = (errno: number): Ipvs => kernel((request) => [[acknowledge(request, errno)]]).ipvs;

const mustNotLoad = (): never => {
  throw new Error("must not load");
};

describe("opening", () => {
  test("asks again after the module has been loaded", () => {
    let isLoaded = false;
    const fake = new FakeNetlink((request) =>
      isLoaded
        ? [[reply(request, 0x10, fromHex("01020000 0600010021000000"))], [acknowledge(request)]]
        : [[acknowledge(request, 2)]],
    );
    Ipvs.over(fake.connection(), () => {
      isLoaded = true;
    });
    expect(fake.requests.length).toBe(2);
  });

  test("throws ENOENT when loading does not help", () => {
    const fake = new FakeNetlink((request) => [[acknowledge(request, 2)]]);
    expect(() => Ipvs.over(fake.connection(), () => undefined)).toThrow("CTRL_CMD_GETFAMILY IPVS: ENOENT");
  });

  test("does not load a module when the right is missing", () => {
    const fake = new FakeNetlink((request) => [[acknowledge(request, 1)]]);
    expect(() => Ipvs.over(fake.connection(), mustNotLoad)).toThrow("EPERM");
  });
});

describe("services()", () => {
  test("lists services and asks for the servers of each", () => {
    const other = { ...key, port: 443 };
    const { fake, ipvs } = kernel((request) => {
      if (command(request) === 4) {
        return [
          [
            reply(
              request,
              family,
              generic(
                1,
                written((writer) => writeService(writer, service)),
              ),
              2,
            ),
            reply(
              request,
              family,
              generic(
                1,
                written((writer) => writeService(writer, { ...service, key: other })),
              ),
              2,
            ),
          ],
          [done(request)],
        ];
      }
      const isFirst = toHex(request.payload) === toHex(generic(8, keyAttribute(key)));
      return [
        isFirst ? [reply(request, family, generic(5, serverBytes), 2), done(request)] : [done(request)],
      ];
    });
    expect(ipvs.services()).toEqual([
      { ...service, servers: [server] },
      { ...service, key: other },
    ]);
    expect(fake.requests.slice(1).map((request) => [request.type, request.flags, command(request)])).toEqual([
      [family, 0x301, 4],
      [family, 0x301, 8],
      [family, 0x301, 8],
    ]);
  });

  test("leaves out a service that goes between the two dumps", () => {
    const { ipvs } = kernel((request) =>
      command(request) === 4
        ? [
            [
              reply(
                request,
                family,
                generic(
                  1,
                  written((writer) => writeService(writer, service)),
                ),
                2,
              ),
              done(request),
            ],
          ]
        : [[acknowledge(request, 3)]],
    );
    expect(ipvs.services()).toEqual([]);
  });
});

describe("changes", () => {
  test("each is one acknowledged request of the family", () => {
    const { fake, ipvs } = kernel((request) => [[acknowledge(request)]]);
    ipvs.addService(service);
    ipvs.setService(service);
    ipvs.addServer(key, server);
    ipvs.setServer(key, { ...server, weight: 0 });
    ipvs.removeServer(key, server);
    ipvs.removeService(key);
    expect(fake.requests.slice(1).map((request) => [request.type, request.flags, command(request)])).toEqual(
      [1, 2, 5, 6, 7, 3].map((number) => [family, 0x5, number]),
    );
    expect(toHex(fake.requests[3]?.payload ?? new Uint8Array())).toBe(
      toHex(generic(5, keyAttribute(key), serverBytes)),
    );
  });

  test("errors name the command, what it was about and the errno", () => {
    expect(() => refusing(17).addService(service)).toThrow("IPVS_CMD_NEW_SERVICE tcp 192.0.2.100:80: EEXIST");
    expect(() => refusing(3).removeService(key)).toThrow("IPVS_CMD_DEL_SERVICE tcp 192.0.2.100:80: ESRCH");
    expect(() => refusing(2).setServer(key, server)).toThrow(
      "IPVS_CMD_SET_DEST 10.0.0.8:80 of tcp 192.0.2.100:80: ENOENT",
    );
  });
});

describe("version()", () => {
  test("reads the kernel's answer", () => {
    const { ipvs } = kernel((request) => [
      [reply(request, family, fromHex("0e010000 0800010001020100 0800020000100000"))],
      [acknowledge(request)],
    ]);
    expect(ipvs.version()).toBe("1.2.1");
  });

  test("throws EPROTO when the answer has none", () => {
    const { ipvs } = kernel((request) => [[acknowledge(request)]]);
    expect(() => ipvs.version()).toThrow("EPROTO");
  });
});

test("close() closes the connection", () => {
  const { fake, ipvs } = kernel(() => []);
  ipvs.close();
  expect(fake.isClosed).toBe(true);
});

test("a change that cannot be written leaves nothing behind in the next one", () => {
  const requests: NetlinkMessage[] = [];
  const { ipvs } = kernel((request) => {
    requests.push(request);
    return [[acknowledge(request)]];
  });
  expect(() => ipvs.addServer(key, { ...server, address: "nowhere" })).toThrow();
  ipvs.addServer(key, server);
  expect(requests.map(({ payload }) => toHex(payload))).toEqual([
    toHex(generic(5, keyAttribute(key), serverBytes)),
  ]);
});
