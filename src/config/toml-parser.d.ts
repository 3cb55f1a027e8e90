/** The two halves of the package `toml`: its parser keeps each node's offset in the text, which its main entry throws away. */
declare module "toml/lib/parser" {
  export type ParsedValue =
    | { readonly type: "Integer"; readonly value: bigint; readonly offset: number }
    | { readonly type: "Array"; readonly value: readonly ParsedValue[]; readonly offset: number }
    | { readonly type: "InlineTable"; readonly value: readonly ParsedAssignment[]; readonly offset: number }
    | { readonly type: "String"; readonly value: string; readonly offset: number }
    | { readonly type: "Float"; readonly value: number; readonly offset: number }
    | { readonly type: "Boolean"; readonly value: boolean; readonly offset: number }
    | {
        readonly type: "Date" | "LocalDateTime" | "LocalDate" | "LocalTime";
        readonly value: unknown;
        readonly offset: number;
      };
  export interface ParsedAssignment {
    readonly type: "Assign" | "InlineTableValue";
    readonly key: readonly string[];
    readonly value: ParsedValue;
    readonly offset: number;
  }
  export interface ParsedTableHeader {
    readonly type: "ObjectPath";
    readonly value: readonly string[];
    readonly offset: number;
  }
  export interface ParsedArrayHeader {
    readonly type: "ArrayPath";
    readonly value: readonly string[];
    readonly offset: number;
  }
  export type ParsedNode = ParsedAssignment | ParsedTableHeader | ParsedArrayHeader;
  export function parse(text: string, options?: { readonly maxDepth?: number }): readonly ParsedNode[];
}

declare module "toml/lib/compiler" {
  import type { ParsedNode } from "toml/lib/parser";
  export function compile(nodes: readonly ParsedNode[], text: string): unknown;
}
