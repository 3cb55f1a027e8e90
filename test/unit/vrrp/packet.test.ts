import { describe, expect, test } from "bun:test";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import {
  type Advert,
  authenticationOf,
  type ChecksumForm,
  decodeAdvert,
  encodeAdvert,
  encodeRequest,
  noAuthentication,
} from "../../../src/vrrp/packet.ts";

const route = { source: "192.0.2.11", destination: "224.0.0.18", ttl: 255 };
const auth = noAuthentication;

/** What keepalived 2.2.7 sent over IPv6. */
const route6 = { source: "fe80::4010:4eff:fecb:c29e", destination: "ff02::12", ttl: 255 };

const version3: Advert = {
  family: 4,
  version: 3,
  vrid: 51,
  priority: 200,
  intervalMs: 250,
  addresses: ["192.0.2.100"],
  auth,
};

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly advert: Advert;
  readonly form: ChecksumForm;
  readonly route?: typeof route;
}

const vectors: readonly Vector[] = [
  {
    name: "version 2 without authentication, captured from keepalived 2.2.7",
    hex: "2133c802 000191fe c0000264 c0000265 0000000000000000",
    advert: {
      family: 4,
      version: 2,
      vrid: 51,
      priority: 200,
      intervalMs: 1000,
      addresses: ["192.0.2.100", "192.0.2.101"],
      auth,
    },
    form: "message-only",
  },
  {
    name: "version 2 with a password, captured from keepalived 2.2.7",
    hex: "2133c801 0101494b c0000264 7333637233740000",
    advert: {
      family: 4,
      version: 2,
      vrid: 51,
      priority: 200,
      intervalMs: 1000,
      addresses: ["192.0.2.100"],
      auth: authenticationOf("s3cr3t"),
    },
    form: "message-only",
  },
  {
    name: "version 2 as in google/gopacket's layers test",
    hex: "21016401 0001ba52 c0a80001 00000000 00000000",
    advert: {
      family: 4,
      version: 2,
      vrid: 1,
      priority: 100,
      intervalMs: 1000,
      addresses: ["192.168.0.1"],
      auth,
    },
    form: "message-only",
  },
  {
    name: "version 3 with a pseudo-header in its checksum, captured from keepalived 2.2.7",
    hex: "3133c801 0019a1b2 c0000264",
    advert: version3,
    form: "pseudo-header",
  },
  {
    name: "version 3 with a checksum over the message alone",
    hex: "3133c801 0019444d c0000264",
    advert: version3,
    form: "message-only",
  },
  {
    name: "version 3 over IPv6, captured from keepalived 2.2.7",
    hex: "3133c802 001989ce fe800000000000000000000000000100 20010db8000000000000000000000100",
    advert: { ...version3, family: 6, addresses: ["fe80::100", "2001:db8::100"] },
    form: "pseudo-header",
    route: route6,
  },
];

const causeOf = (hex: string, more: Partial<typeof route> = {}): string => {
  const decoded = decodeAdvert(fromHex(hex), { ...route, ...more });
  return decoded.kind === "malformed" ? decoded.cause : "none";
};

const made = (more: Partial<Advert>): string => {
  const advert: Advert = {
    family: 4,
    version: 3,
    vrid: 1,
    priority: 1,
    intervalMs: 10,
    addresses: ["192.0.2.1"],
    auth,
  };
  return toHex(encodeAdvert({ ...advert, ...more }, route, "message-only"));
};

describe("decodeAdvert", () => {
  for (const { name, hex, advert, form, route: by = route } of vectors) {
    test(`reads ${name}`, () => {
      const message = fromHex(hex);
      const expected = { kind: "advert", advert, checksum: form, message, trailer: null } as const;
      expect(decodeAdvert(message, by)).toEqual(expected);
    });
  }

  const good = "3133c801 0019a1b2 c0000264";

  test("RFC 9568 §7.1: drops a TTL that is not 255, before anything else", () => {
    expect(causeOf(good, { ttl: 254 })).toBe("ttl");
    expect(causeOf("", { ttl: 1 })).toBe("ttl");
  });

  test("RFC 9568 §7.1: drops an unknown version", () => {
    expect(causeOf("4133c801 0019a1b2 c0000264")).toBe("version");
    expect(causeOf("")).toBe("version");
  });

  test("reads a request, which no other router takes for an advertisement", () => {
    const advert: Advert = { ...version3, priority: 254 };
    const request = encodeRequest(advert, route, "pseudo-header");
    expect(request[0]).toBe(0x32);
    expect(decodeAdvert(request, route)).toMatchObject({ kind: "request", advert });
  });

  test("RFC 9568 §5.2.2: drops a type other than advertisement and request", () => {
    expect(causeOf("3333c801 0019a0b2 c0000264")).toBe("type");
  });

  test("RFC 9568 §7.1: drops a message that is cut off, or longer than its count of addresses", () => {
    expect(causeOf("3133c801 0019a1b2 c00002")).toBe("length");
    expect(causeOf("3133c801")).toBe("length");
    expect(causeOf(`${good} 00`)).toBe("length");
    expect(causeOf("2133c801 0101494b c0000264 73336372")).toBe("length");
  });

  test("RFC 9568 §7.1: drops a wrong checksum, in version 2 also a wrong password byte", () => {
    expect(causeOf("3133c801 0019a1b3 c0000264")).toBe("checksum");
    expect(causeOf(good, { source: "192.0.2.12" })).toBe("checksum");
    expect(causeOf("2133c801 0101494b c0000264 7333637233750000")).toBe("checksum");
  });

  test("a pseudo-header is no part of version 2", () => {
    const advert: Advert = {
      family: 4,
      version: 2,
      vrid: 9,
      priority: 9,
      intervalMs: 1000,
      addresses: ["192.0.2.1"],
      auth,
    };
    expect(toHex(encodeAdvert(advert, route, "pseudo-header"))).toBe(
      toHex(encodeAdvert(advert, route, "message-only")),
    );
  });

  test("drops VRID 0, no address (erratum 8299) and interval 0 (erratum 8301)", () => {
    expect(causeOf(made({ vrid: 0 }))).toBe("vrid");
    expect(causeOf(made({ addresses: [] }))).toBe("count");
    expect(causeOf(made({ intervalMs: 0 }))).toBe("interval");
  });

  const good6 = "3133c802 001989ce fe800000000000000000000000000100 20010db8000000000000000000000100";

  test("over IPv6 says hop limit, drops version 2, and wants a pseudo-header with the whole route", () => {
    expect(decodeAdvert(fromHex(good6), { ...route6, ttl: 64 })).toMatchObject({
      cause: "ttl",
      explanation: "its hop limit is 64, not 255",
    });
    expect(causeOf(good6.replace("31", "21"), route6)).toBe("version");
    expect(causeOf(good6, { ...route6, destination: "ff02::13" })).toBe("checksum");
    expect(causeOf(good6, { ...route6, source: "fe80::1" })).toBe("checksum");
    // The sum is right for the message alone.
    expect(causeOf("3133c801 006406e6 fe800000000000000000000000000100", route6)).toBe("checksum");
  });

  test("over IPv6 drops a list that is cut off, or of IPv4's length", () => {
    expect(causeOf(good6.slice(0, -2), route6)).toBe("length");
    expect(causeOf("3133c801 0019a1b2 c0000264", route6)).toBe("length");
    expect(causeOf(good6, route)).toBe("length");
  });

  test("RFC 9568 §5.2.6: ignores the reserved bits", () => {
    const decoded = decodeAdvert(fromHex("3133c801 f019544c c0000264"), route);
    expect(decoded.kind === "malformed" ? decoded.cause : decoded.advert.intervalMs).toBe(250);
  });

  test("names the virtual router a malformed message seems to be for", () => {
    expect(decodeAdvert(fromHex("3133"), route)).toMatchObject({ kind: "malformed", vrid: 51 });
    expect(decodeAdvert(fromHex("31"), route)).toMatchObject({ kind: "malformed", vrid: null });
  });
});

describe("encodeAdvert", () => {
  for (const { name, hex, advert, form, route: by = route } of vectors) {
    test(`writes ${name}`, () => {
      expect(toHex(encodeAdvert(advert, by, form))).toBe(hex.replaceAll(" ", ""));
    });
  }

  test("RFC 9568 §5.2.7: writes up to 40.95 s in twelve bits", () => {
    const advert: Advert = {
      family: 4,
      version: 3,
      vrid: 1,
      priority: 1,
      intervalMs: 40_950,
      addresses: ["192.0.2.1"],
      auth,
    };
    const decoded = decodeAdvert(encodeAdvert(advert, route, "pseudo-header"), route);
    expect(decoded).toMatchObject({ kind: "advert", advert: { intervalMs: 40_950 } });
  });
});
