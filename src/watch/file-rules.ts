import { fromHex } from "../base/bytes.ts";
import type { Config, InstanceConfig } from "../config/config.ts";
import { type Hash, isGenuine } from "../vrrp/hmac-trailer.ts";
import { authenticationOf } from "../vrrp/packet.ts";
import { formatMs } from "../vrrp/timers.ts";
import type { Complaint, FindingCode } from "./complaint.ts";
import { type Heard, isGroup } from "./heard.ts";
import { type Allowed, allowedUsually } from "./judge.ts";

/** PURE: whether what is heard is what the configuration of this cluster says. */

/** A configuration to hold the wire against. */
export interface Expectations {
  /** The file's path, for messages. */
  readonly file: string;
  readonly config: Config;
  readonly hash: Hash;
}

/** What `judgeByFile` may find. */
export const fileCodes: readonly FindingCode[] = [
  "file-vrid",
  "file-version",
  "file-interval",
  "file-list",
  "file-authentication",
  "file-group",
  "file-source",
];

/** Tells whether the file has a virtual router for an advertisement; others share the network rightfully. */
export function isInFile({ config }: Expectations, heard: Heard): boolean {
  return instanceFor(config, heard) !== null;
}

/** Gives what the file allows of an advertisement. */
export function allowedByFile({ config }: Expectations, heard: Heard): Allowed {
  const instance = instanceFor(config, heard);
  return {
    ttl: instance?.unicast?.ttl ?? allowedUsually.ttl,
    clockMs:
      instance === null || instance.hmac === null ? allowedUsually.clockMs : instance.hmac.timeWindowMs,
  };
}

type Found = Omit<Complaint, "about"> | null;

/** Compares an advertisement with the file. */
export function judgeByFile(expected: Expectations, heard: Heard): readonly Complaint[] {
  const { file } = expected;
  const about = [heard.source];
  const instance = instanceFor(expected.config, heard);
  if (instance === null) {
    const { instances } = expected.config;
    const ours = new Set(instances.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
    const taken = heard.advert.addresses.filter((address) => ours.has(address));
    if (taken.length === 0) return [];
    const text = `${heard.source} advertises ${taken.join(", ")} under VRID ${heard.advert.vrid}, and ${file} under another one`;
    return [{ code: "file-vrid", severity: "error", about, text, advice: "give all the same vrid" }];
  }
  const context: Context = { file, instance, heard, hash: expected.hash };
  const found = [
    judgeVersion(context),
    judgeInterval(context),
    judgeList(context),
    judgeAuthentication(context),
    judgeGroup(context),
    judgeSource(context, expected.config),
  ];
  return found.flatMap((one) => (one === null ? [] : [{ ...one, about }]));
}

interface Context {
  readonly file: string;
  readonly instance: InstanceConfig;
  readonly heard: Heard;
  readonly hash: Hash;
}

/** VRIDs are numbered apart on each link: of several the one on this interface is meant. */
function instanceFor(config: Config, { advert, packet }: Heard): InstanceConfig | null {
  const named = config.instances.filter(
    ({ vrid, family }) => vrid === advert.vrid && family === advert.family,
  );
  const here = named.find(({ members }) =>
    members.some(
      (member) =>
        member.interface === packet.interface ||
        member.heartbeats.some((heartbeat) => heartbeat.interface === packet.interface),
    ),
  );
  return here ?? named[0] ?? null;
}

function judgeVersion({ file, instance, heard }: Context): Found {
  if (heard.advert.version === instance.version) return null;
  const text = `${heard.source} speaks version ${heard.advert.version}, and ${file} says ${instance.version} for ${instance.name}`;
  return { code: "file-version", severity: "error", text, advice: "set vrrp_version alike on all" };
}

function judgeInterval({ file, instance, heard: { advert, source } }: Context): Found {
  if (advert.intervalMs === instance.advertIntervalMs || advert.priority === 0) return null;
  const isRefused = advert.version === 2;
  const text = `${source} advertises every ${formatMs(advert.intervalMs)}, and ${file} says ${formatMs(instance.advertIntervalMs)} for ${instance.name}`;
  const advice = "set advert_interval alike on all";
  return { code: "file-interval", severity: isRefused ? "error" : "warning", text, advice };
}

function judgeList({ file, instance, heard: { advert, source } }: Context): Found {
  const ours = instance.addresses.map(({ address }) => address);
  const missing = ours.filter((address) => !advert.addresses.includes(address));
  const extra = advert.addresses.filter((address) => !ours.includes(address));
  if (missing.length + extra.length === 0) return null;
  const parts = [
    ...(missing.length > 0 ? [`it lacks ${missing.join(", ")}`] : []),
    ...(extra.length > 0 ? [`it has ${extra.join(", ")} beside`] : []),
  ];
  const text = `${source} lists other addresses than ${instance.name} in ${file}: ${parts.join(" and ")}`;
  return { code: "file-list", severity: "warning", text, advice: "give every node the same file" };
}

function judgeAuthentication(context: Context): Found {
  const { file, instance, heard } = context;
  const problem = instance.hmac === null ? judgePassword(context) : judgeSignature(context);
  if (problem === null) return null;
  const isLetPass = heard.trailer === null && instance.hmac?.mode === "permissive";
  const isOdd = isLetPass || (instance.hmac === null && heard.trailer !== null);
  return {
    code: "file-authentication",
    severity: isOdd ? "warning" : "error",
    text: `${heard.source} ${problem}, unlike ${instance.name} in ${file}`,
    advice: "give all the same auth; if they have it, somebody forges advertisements",
  };
}

function judgePassword({ instance, heard: { advert, trailer } }: Context): string | null {
  if (trailer !== null) return "signs its advertisements";
  if (advert.version !== 2 || instance.version !== 2) return null;
  const expected = authenticationOf(instance.password);
  if (advert.auth.type !== expected.type) {
    return advert.auth.type === 1 ? "sends a password" : `sends authentication type ${advert.auth.type}`;
  }
  const isSame =
    expected.type === 0 || advert.auth.data.every((byte, index) => byte === expected.data[index]);
  return isSame ? null : "sends another password";
}

function judgeSignature({ instance, heard, hash }: Context): string | null {
  const { trailer, signature, message, source } = heard;
  if (trailer === null || signature === null) return "does not sign";
  const key = instance.hmac?.keys.find(({ id }) => id === trailer.keyId);
  if (key === undefined) return `signs with key ${trailer.keyId}, which is not there`;
  const isRight = isGenuine({ hash, key: fromHex(key.hex) }, { message, source }, signature);
  return isRight ? null : `signs with another secret as key ${trailer.keyId}`;
}

function judgeGroup({ file, instance, heard: { source, destination, packet } }: Context): Found {
  const isHeartbeat = instance.members.some(({ heartbeats }) =>
    heartbeats.some((heartbeat) => heartbeat.interface === packet.interface || heartbeat.source === source),
  );
  if (isHeartbeat) return null;
  const advice = "give all the same group, or the same peers";
  if (instance.unicast !== null) {
    if (!isGroup(destination)) return null;
    const text = `${source} advertises by multicast, and ${file} says unicast for ${instance.name}`;
    return { code: "file-group", severity: "error", text, advice };
  }
  if (destination === instance.group) return null;
  const text = `${source} advertises to ${destination}, and ${file} says ${instance.group} for ${instance.name}`;
  return { code: "file-group", severity: "error", text, advice };
}

/** Of IPv6 the file need not know the sources. */
function judgeSource({ file, instance, heard: { source, advert } }: Context, config: Config): Found {
  if (advert.family === 6) return null;
  const nodes = config.nodes.filter(({ name }) => instance.members.some(({ node }) => node === name));
  const known = new Set([
    ...nodes.flatMap(({ addresses }) => addresses.map(({ address }) => address)),
    ...instance.members.flatMap(({ source: own, peers, heartbeats }) => [
      ...(own === null ? [] : [own]),
      ...peers.map(({ address }) => address),
      ...heartbeats.map((heartbeat) => heartbeat.source),
    ]),
  ]);
  if (known.has(source)) return null;
  const text = `${source} takes part in ${instance.name}, and ${file} knows no such node`;
  return {
    code: "file-source",
    severity: "warning",
    text,
    advice: "add it as a [[node]], or find out who else uses this VRID",
  };
}
