/** The YAML of crds/, parsed, for tests that compare it with the TypeScript or take a rule out of it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export const CRD_DIRECTORY = path.resolve(import.meta.dirname, '../../crds');

const FILES = {
  MemoryBlock: 'memoryblocks.yaml',
  NodeMemory: 'nodememories.yaml',
  MemoryNotifier: 'memorynotifiers.yaml',
} as const;
export type Kind = keyof typeof FILES;
export const KINDS = Object.keys(FILES) as readonly Kind[];

export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
}

/** What the tests look at of an OpenAPI schema. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  'x-kubernetes-validations'?: readonly ValidationRule[];
}

export interface CustomResourceDefinition {
  readonly metadata: { name: string };
  readonly spec: {
    group: string;
    readonly names: { readonly plural: string; shortNames?: readonly string[]; categories?: readonly string[] };
    readonly versions: readonly [{ readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

/** A fresh copy each time: callers may change theirs. */
export function readDefinition(kind: Kind): CustomResourceDefinition {
  return parse(readFileSync(path.join(CRD_DIRECTORY, FILES[kind]), 'utf8')) as CustomResourceDefinition;
}

export interface SchemaNode {
  /** `spec.simulated.blocks[].range`; empty for the kind itself. */
  readonly path: string;
  readonly schema: Schema;
}

/** Every field of `definition` at every level, parents first. The standard metadata is not ours to describe. */
export function schemaNodes(definition: CustomResourceDefinition): readonly SchemaNode[] {
  return walk('', definition.spec.versions[0].schema.openAPIV3Schema);
}

function walk(at: string, schema: Schema): SchemaNode[] {
  const below = Object.entries(schema.properties ?? {})
    .filter(([name]) => !(at === '' && name === 'metadata'))
    .map(([name, child]) => [at === '' ? name : `${at}.${name}`, child] as const);
  if (schema.items) below.push([`${at}[]`, schema.items]);
  if (schema.additionalProperties) below.push([`${at}{}`, schema.additionalProperties]);
  return [{ path: at, schema }, ...below.flatMap(([path, child]) => walk(path, child))];
}

/** The schema at `path`; throws when there is none. */
export function schemaAt(kind: Kind, path: string): Schema {
  const node = schemaNodes(readDefinition(kind)).find((candidate) => candidate.path === path);
  if (!node) throw new Error(`${kind} has no field "${path}"`);
  return node.schema;
}
