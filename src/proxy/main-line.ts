import { basicUser, type RequestOutcome } from "./access-log-line.ts";
import { fieldNumber, otherField } from "./http1/field-names.ts";
import type { FieldTable } from "./http1/field-table.ts";
import { LineBytes, mostEscaped } from "./line-bytes.ts";

/** Bytes that lines gather in. */
export interface LineRoom {
  /** Gives the bytes that a line of so many at most is to be written into, from `used` on. */
  roomFor(most: number): Uint8Array;
  readonly used: number;
  /** Takes the line, which ends at `end`. */
  wrote(end: number): void;
}

/** What stands in a line beside what a client sent, address and zone of the longest kind included. */
const mostElse = 256;

/** A count of three fields that are there once, ten bits for each. */
const oneOfEach = 1 | (1 << 10) | (1 << 20);

// Shared: a line is written in one go.
const writer = new LineBytes();

/**
 * A line of nginx's formats `main` and `combined`, from the head of a request to bytes in a log without a text between: what the
 * client sent is noted as places in its head. As texts such a line cost a fifth of all JavaScript for a request.
 */
export class MainLine {
  /** The head, or only the request line where there are no fields. */
  private text = "";
  private line = "";
  private lineEnd = 0;
  private user = "";
  private refererStart = 0;
  private refererEnd = 0;
  private agentStart = 0;
  private agentEnd = 0;
  private forwardedStart = 0;
  private forwardedEnd = 0;

  /** Notes a request while its fields are there; null is of one that cannot be read. Its line is that of its head if it is null. */
  note(requestLine: string | null, fields: FieldTable | null): void {
    this.user = "";
    this.refererEnd = this.refererStart;
    this.agentEnd = this.agentStart;
    this.forwardedEnd = this.forwardedStart;
    this.text = fields?.text ?? "";
    this.line = requestLine ?? this.text;
    this.lineEnd = requestLine?.length ?? fields?.startLineEnd ?? 0;
    if (fields === null) return;
    let seen = 0;
    for (let index = 0; index < fields.count; index++) {
      switch (fields.number[index] ?? otherField) {
        case fieldNumber.authorization:
          if (this.user === "") this.user = basicUser(fields.value(index));
          break;
        case fieldNumber.referer:
          this.refererStart = fields.valueStart[index] ?? 0;
          this.refererEnd = fields.valueEnd[index] ?? 0;
          seen += 1;
          break;
        case fieldNumber["user-agent"]:
          this.agentStart = fields.valueStart[index] ?? 0;
          this.agentEnd = fields.valueEnd[index] ?? 0;
          seen += 1 << 10;
          break;
        case fieldNumber["x-forwarded-for"]:
          this.forwardedStart = fields.valueStart[index] ?? 0;
          this.forwardedEnd = fields.valueEnd[index] ?? 0;
          seen += 1 << 20;
          break;
      }
    }
    if ((seen & ~oneOfEach) !== 0) this.noteJoined(fields);
  }

  /** Fields that were sent more than once are one list (RFC 9110 §5.3), which stands nowhere in the head. */
  private noteJoined(fields: FieldTable): void {
    const referer = fields.joined("referer") ?? "";
    const agent = fields.joined("user-agent") ?? "";
    const forwarded = fields.joined("x-forwarded-for") ?? "";
    this.line = this.line.substring(0, this.lineEnd);
    this.text = [referer, agent, forwarded].join("");
    this.refererStart = 0;
    this.refererEnd = referer.length;
    this.agentStart = referer.length;
    this.agentEnd = this.agentStart + agent.length;
    this.forwardedStart = this.agentEnd;
    this.forwardedEnd = this.text.length;
  }

  /** Writes the line, and lets go of the head. */
  write(to: LineRoom, outcome: RequestOutcome, tellsForwarded: boolean): void {
    const { line, lineEnd, text, user } = this;
    const { agentEnd, agentStart, forwardedEnd, forwardedStart, refererEnd, refererStart } = this;
    const sent =
      lineEnd +
      user.length +
      refererEnd -
      refererStart +
      agentEnd -
      agentStart +
      forwardedEnd -
      forwardedStart;
    const bytes = to.roomFor(sent * mostEscaped + mostElse);
    writer.begin(bytes, to.used);
    writer.text(outcome.remoteAddress);
    writer.text(" - ");
    writer.escaped(user, 0, user.length);
    writer.text(" [");
    writer.text(outcome.timeLocal);
    writer.text('] "');
    writer.escaped(line, 0, lineEnd);
    writer.text('" ');
    writer.number(outcome.status);
    writer.text(" ");
    writer.number(outcome.bodyBytes);
    writer.text(' "');
    writer.escaped(text, refererStart, refererEnd);
    writer.text('" "');
    writer.escaped(text, agentStart, agentEnd);
    if (tellsForwarded) {
      writer.text('" "');
      writer.escaped(text, forwardedStart, forwardedEnd);
    }
    writer.text('"\n');
    to.wrote(writer.at);
    this.text = "";
    this.line = "";
  }
}
