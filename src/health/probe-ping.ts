import { familyOf } from "../base/address.ts";
import type { ProbeTiming } from "../config/check-plan.ts";
import { echoReply, echoRequest } from "../kernel/echo-question.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, SOCK_RAW } from "../kernel/socket-constants.ts";
import { dialDatagram } from "./dial-datagram.ts";
import type { Deadline } from "./deadline.ts";

let sequence = 0;

/** Asks by ICMP echo; the result is that it is answered, a failure is thrown. */
export async function probePing(probe: ProbeTiming, deadline: Deadline): Promise<string> {
  const { address } = probe.target;
  const protocol = familyOf(address) === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  const socket = dialDatagram(probe, { type: SOCK_RAW, protocol }, deadline);
  sequence = (sequence + 1) & 0xffff;
  const own = { identifier: Math.floor(Math.random() * 0x1_0000), sequence };
  try {
    socket.send(echoRequest(address, own));
    for (;;) {
      const mark = echoReply(address, await socket.receive());
      if (mark?.identifier === own.identifier && mark.sequence === own.sequence) return "echo";
    }
  } finally {
    socket.close();
  }
}
