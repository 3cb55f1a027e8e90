import { constants } from "node:os";

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** Gives the name of an errno, such as `ECONNREFUSED` of 111. */
export function errnoName(number: number): string {
  return names.get(number) ?? `E${number}`;
}
