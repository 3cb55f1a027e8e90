import { formatMac } from "./frames.ts";
import {
  answeredMac,
  answerFilter,
  isAnswer,
  neighbourQuestion,
  questionEtherType,
} from "./neighbour-question.ts";
import { PacketTap } from "./packet-tap.ts";
import type { NeighbourPlace } from "./reachability.ts";

/** Asked more than once, as a busy network may lose one. */
const questions = 3;
const pauseMs = 200;

/**
 * Asks the neighbours on a link who has an address, and gives the hardware addresses of all who say that they have it, in
 * the order they answered; takes 0.6 seconds. This host's own answer is not among them. Needs CAP_NET_RAW.
 */
export async function askOwners(place: NeighbourPlace, target: string): Promise<readonly string[]> {
  const question = neighbourQuestion(place, target);
  const owners = new Set<string>();
  const tap = PacketTap.open({
    linkIndex: place.linkIndex,
    etherType: questionEtherType(target),
    filter: answerFilter(target),
  });
  try {
    tap.onFrame(
      (frame) => {
        if (isAnswer(frame, place, target)) owners.add(formatMac(answeredMac(frame, target)));
      },
      () => undefined,
    );
    for (let count = 0; count < questions; count += 1) {
      tap.send(question);
      await Bun.sleep(pauseMs);
    }
    return [...owners];
  } finally {
    tap.close();
  }
}
