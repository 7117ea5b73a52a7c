/**
 * Each CEL rule of crds/, by counterexample: what it is there to refuse is refused with its message, and would be
 * accepted without it. The second half runs against a copy of the kind that lacks the rule, in an API group of its own.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { sharedControlPlane, type TestControlPlane } from '../support/control-plane.ts';
import { COUNTEREXAMPLES, type Attempt, type Counterexample } from '../support/crd-counterexamples.ts';
import {
  KINDS,
  readDefinition,
  schemaNodes,
  type CustomResourceDefinition,
} from '../support/custom-resource-definitions.ts';
import type { KubectlResult } from '../support/kubectl.ts';

const LABEL = 'memhp-test=crd-rules';

describe('CEL rules of the custom resource definitions', function () {
  this.timeout(30_000);
  let plane: TestControlPlane;
  /** One copy for all counterexamples of a rule. */
  const weakened = new Map(COUNTEREXAMPLES.map((example) => [ruleName(example), withoutRule(example)]));
  const copies = { apiVersion: 'v1', kind: 'List', items: [...weakened.values()] };

  before(async function () {
    this.timeout(180_000);
    plane = await sharedControlPlane();
    await plane.kubectl.succeed(['apply', '-f', '-'], copies);
    await plane.kubectl.succeed(['wait', '--for=condition=Established', '--timeout=60s', '-f', '-'], copies);
  });

  after(async () => {
    await plane.kubectl.succeed(['delete', 'memhp', '--selector', LABEL]);
    await plane.kubectl.succeed(['delete', '--ignore-not-found', '-f', '-'], copies);
  });

  it('each has a counterexample', () => {
    const rules = KINDS.flatMap((kind) =>
      schemaNodes(readDefinition(kind)).flatMap(({ path, schema }) =>
        (schema['x-kubernetes-validations'] ?? []).map(({ rule }) => `${kind} ${path}: ${rule}`),
      ),
    );
    const refuted = new Set(
      COUNTEREXAMPLES.map(({ kind, path, rule }) => `${kind} ${path}: ${ruleText(kind, path, rule)}`),
    );
    assert.deepEqual([...refuted].sort(), [...new Set(rules)].sort());
  });

  for (const example of COUNTEREXAMPLES) {
    const { kind, path, title } = example;

    describe(`${kind}${path && ` ${path}`}: ${title}`, () => {
      it('is refused with a message that says what is wrong, and nothing changes', async () => {
        await prepare(example, 'memoryhotplug.io');
        const before = await objects();
        const { status, stderr } = await attempt(example, 'memoryhotplug.io');
        assert.notEqual(status, 0, 'it was accepted');
        assert.match(stderr, example.message);
        assert.deepEqual(await objects(), before);
      });

      it('would be accepted without the rule', async () => {
        const group = weakened.get(ruleName(example))?.spec.group ?? '';
        await prepare(example, group);
        const { status, stderr } = await attempt(example, group);
        assert.equal(status, 0, stderr);
      });
    });
  }

  /** Uid and version of everything of this test, by name. */
  const objects = async (): Promise<string> =>
    plane.kubectl.succeed([
      'get',
      'memhp',
      '--selector',
      LABEL,
      '-o',
      'custom-columns=K:.kind,N:.metadata.name,U:.metadata.uid,V:.metadata.resourceVersion',
    ]);

  const prepare = async ({ given, kind, name }: Counterexample, group: string): Promise<void> => {
    if (!given) return;
    await plane.kubectl.succeed(['apply', '-f', '-'], manifest(kind, group, name, given.spec));
    if (!given.status) return;
    const patch = { merge: { status: given.status }, subresource: 'status' } as const;
    await plane.kubectl.succeed(patchCommand(kind, group, name, patch));
  };

  const attempt = ({ attempt, kind, name }: Counterexample, group: string): Promise<KubectlResult> =>
    'create' in attempt
      ? plane.kubectl.run(['apply', '-f', '-'], manifest(kind, group, name, attempt.create))
      : plane.kubectl.run(patchCommand(kind, group, name, attempt));
});

function manifest(kind: string, group: string, name: string, spec: object): object {
  const metadata = { name, labels: { 'memhp-test': 'crd-rules' } };
  return { apiVersion: `${group}/v1alpha1`, kind, metadata, spec };
}

function patchCommand(
  kind: Counterexample['kind'],
  group: string,
  name: string,
  patch: Exclude<Attempt, { create: object }>,
): readonly string[] {
  const { plural } = readDefinition(kind).spec.names;
  const [type, body] = 'merge' in patch ? ['merge', patch.merge] : ['json', patch.json];
  const subresource = patch.subresource ? [`--subresource=${patch.subresource}`] : [];
  return ['patch', `${plural}.${group}`, name, ...subresource, `--type=${type}`, '-p', JSON.stringify(body)];
}

function ruleText(kind: Counterexample['kind'], path: string, pattern: RegExp): string {
  const node = schemaNodes(readDefinition(kind)).find((candidate) => candidate.path === path);
  const found = node?.schema['x-kubernetes-validations']?.filter(({ rule }) => pattern.test(rule)) ?? [];
  assert.equal(found.length, 1, `${kind} ${path} has ${String(found.length)} rules like ${String(pattern)}`);
  return found[0]?.rule ?? '';
}

/** As part of an API group: the same for the counterexamples of one rule. */
function ruleName({ kind, path, rule, impliedBy }: Counterexample): string {
  const rules = `${kind} ${path} ${String(rule)} ${impliedBy?.path ?? ''}`;
  return `rule-${createHash('sha256').update(rules).digest('hex').slice(0, 12)}`;
}

/** The kind as a user would have it if the rule (and what implies it) had been forgotten. */
function withoutRule(example: Counterexample): CustomResourceDefinition {
  const { kind, path, rule, impliedBy } = example;
  const definition = readDefinition(kind);
  for (const [at, pattern] of [
    [path, rule] as const,
    ...(impliedBy ? [[impliedBy.path, impliedBy.rule] as const] : []),
  ]) {
    const forgotten = ruleText(kind, at, pattern);
    const schema = schemaNodes(definition).find((node) => node.path === at)?.schema;
    assert.ok(schema?.['x-kubernetes-validations']);
    schema['x-kubernetes-validations'] = schema['x-kubernetes-validations'].filter((kept) => kept.rule !== forgotten);
  }
  const { spec, metadata } = definition;
  spec.group = `${ruleName(example)}.memhp.test`;
  metadata.name = `${spec.names.plural}.${spec.group}`;
  // Of the original alone, or `kubectl get mb` would be ambiguous.
  delete spec.names.shortNames;
  delete spec.names.categories;
  return definition;
}
