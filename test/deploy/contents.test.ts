/** The manifests agree with the code that runs by them. Nothing is started but kubectl's kustomize. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { nodeFields, observedFields } from '../../src/agent/node-view.ts';
import { PACKAGE } from '../../src/cli/package-version.ts';
import { SHUTDOWN_LIMIT_MS } from '../../src/cli/run-process.ts';
import type { MemoryBlock, NodeMemory } from '../../src/contract/resources.ts';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { DEVELOPMENT_SERVER_ARGUMENTS } from '../../src/dev/start-temporal.ts';
import { TOOLS } from '../../src/dev/tool-catalog.ts';
import { schemaAt, type Kind } from '../support/custom-resource-definitions.ts';
import { createKubectl } from '../support/kubectl.ts';
import {
  find,
  findWorkload,
  kustomizationPath,
  readManifests,
  workloads,
  type Container,
  type Manifest,
  type PodSpec,
  type Workload,
} from '../support/manifests.ts';

interface Policy extends Manifest {
  readonly spec: {
    readonly variables: readonly { name: string; expression: string }[];
    readonly validations: readonly { expression: string }[];
  };
}

describe('the contents of deploy/', function () {
  this.timeout(30_000);
  let manifests: readonly Manifest[];

  before(async () => {
    const { kubectl } = await acquireTools(['kubectl']);
    manifests = await readManifests(createKubectl(kubectl, 'no-cluster'), 'test/deploy/everything');
  });

  it('name the images of this version', () => {
    const everyone = [...workloads(manifests), ...jobs()];
    const images = everyone.flatMap((workload) => containersOf(workload).map(({ image }) => image));
    assert.deepEqual(
      [...new Set(images)].sort(),
      [`memory-hotplug-operator:${PACKAGE.version}`, `temporalio/temporal:${TOOLS.temporal.version.slice(1)}`].sort(),
    );
  });

  it('start Temporal as everywhere else', () => {
    const args = containersOf(findWorkload(manifests, 'temporal')).flatMap((container) => container.args);
    const wanted = DEVELOPMENT_SERVER_ARGUMENTS.join(' ')
      .replaceAll(/(--[a-z-]+) (?!--)/g, '$1=')
      .split(' ');
    assert.deepEqual(
      wanted.filter((argument) => !args.includes(argument)),
      [],
    );
  });

  /** A misspelt name would be no error: what is not there is not used. */
  it('find Temporal by the ConfigMap and the Secret of one name', () => {
    const [settings] = manifests.filter(({ kind }) => kind === 'ConfigMap');
    assert.equal(settings?.metadata.name, 'memhp-temporal');
    for (const { spec } of [...ours(), ...jobs()]) {
      const [container] = spec.template.spec.containers;
      assert.deepEqual(container.envFrom, [{ configMapRef: { name: 'memhp-temporal', optional: true } }]);
      const file = container.env?.find(({ name }) => name === 'TEMPORAL_CONFIG_FILE')?.value;
      const volume = spec.template.spec.volumes.find(({ secret }) => secret?.secretName === 'memhp-temporal');
      const mounted = container.volumeMounts.find(({ name }) => name === volume?.name)?.mountPath;
      assert.equal(file, `${mounted ?? ''}/temporal.toml`);
    }
  });

  it('wait for longer than a process takes to end', () => {
    for (const { spec } of ours()) {
      const graceMs = (spec.template.spec.terminationGracePeriodSeconds ?? 30) * 1000;
      assert.ok(graceMs > SHUTDOWN_LIMIT_MS, `${String(graceMs)} ms`);
    }
  });

  it('confine every container, and say how much memory it may have', () => {
    for (const each of workloads(manifests)) {
      const pod = each.spec.template.spec;
      assert.equal(pod.enableServiceLinks, false, each.metadata.name);
      assert.equal(typeof pod.automountServiceAccountToken, 'boolean', each.metadata.name);
      for (const container of containersOf(each)) {
        const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities, privileged } =
          container.securityContext;
        assert.deepEqual(
          { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities, privileged },
          {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
            privileged: undefined,
          },
          container.name,
        );
        assert.equal(seccompOf(pod, container), 'RuntimeDefault');
        assert.ok(container.resources.requests.memory, container.name);
        assert.ok(container.resources.limits.memory, container.name);
        assert.ok(container.startupProbe && container.livenessProbe && container.readinessProbe, container.name);
      }
    }
  });

  it('give the agent two directories of its node, where its arguments look for them', () => {
    const pod = findWorkload(manifests, 'memhp-agent').spec.template.spec;
    const volumes = pod.volumes.flatMap(({ name, hostPath }) => (hostPath ? [[name, hostPath.path]] : []));
    assert.deepEqual(Object.fromEntries(volumes), { memory: '/sys/devices/system/memory', state: '/run/memhp' });
    const [container] = pod.containers;
    const mounted = new Map(container.volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
    assert.ok(container.args.includes(`--sysfs-root=${mounted.get('memory') ?? ''}`));
    assert.ok(container.args.includes(`--state-dir=${mounted.get('state') ?? ''}`));
  });

  /** A field that is added to a status is either the agent's, or the policy keeps the agent from writing it. */
  it('keep the agent from every field of a status that it does not own', () => {
    const { spec } = find(manifests, 'ValidatingAdmissionPolicy', 'memhp-agent-own-fields') as Policy;
    const rules = spec.validations.map(({ expression }) => expression).join(' ');
    const guarded = (field: string): boolean =>
      rules.includes(`object.?status.?${field} == oldObject.?status.?${field}`);
    const block = { status: everyField('MemoryBlock') } as unknown as MemoryBlock;
    assert.deepEqual(
      statusFields('MemoryBlock')
        .filter((field) => !guarded(field))
        .sort(),
      keys(observedFields(block)),
    );
    const node = { status: { ...everyField('NodeMemory'), conditions: [] } } as unknown as NodeMemory;
    const unguarded = statusFields('NodeMemory').filter((field) => field !== 'conditions' && !guarded(field));
    assert.deepEqual(unguarded.sort(), keys(nodeFields(node)));
  });

  /** A field that is added to a status is kept from it as well. */
  it('keep memhp restore from every field of a NodeMemory but lockService', () => {
    const { spec } = find(manifests, 'ValidatingAdmissionPolicy', 'memhp-status-writers') as Policy;
    const rule = spec.validations
      .map(({ expression }) => expression)
      .find((text) => text.includes('!variables.isRestore'));
    const compared = [...(rule ?? '').matchAll(/object\.\?status\.\?(\w+) == oldObject\.\?status\.\?\1(?!\w)/g)];
    const kept = statusFields('NodeMemory').filter((field) => field !== 'lockService');
    assert.deepEqual(compared.map(([, field]) => field).sort(), [...kept].sort());
  });

  /** A field that is added to the spec is one that an agent may bring back, or the policy must keep it from that. */
  it('keep the agent of a real node from no field of a new spec but simulated', () => {
    const { spec } = find(manifests, 'ValidatingAdmissionPolicy', 'memhp-agent-new-node') as Policy;
    const rules = spec.validations.map(({ expression }) => expression).join(' ');
    const refused = [...rules.matchAll(/!has\(object\.spec\.(\w+)\)/g)].map(([, field]) => field!);
    assert.deepEqual(
      Object.keys(schemaAt('NodeMemory', 'spec').properties ?? {})
        .filter((field) => !refused.includes(field))
        .sort(),
      ['autoOnline', 'discovery', 'minOnline'],
    );
  });

  it('have the simulated agent serve the nodes that it may write about, and no others', () => {
    const { spec } = find(manifests, 'ValidatingAdmissionPolicy', 'memhp-simulated-agent-only-sim-nodes') as Policy;
    const [rule] = spec.validations;
    const allowed = /^variables\.node\.startsWith\('(.+)'\)$/.exec(rule?.expression ?? '')?.[1];
    const [container] = findWorkload(manifests, 'memhp-simulated-agent').spec.template.spec.containers;
    assert.ok(container.args.includes(`--node-name-prefix=${allowed ?? ''}`), allowed);
  });

  it('let the agent write its own conditions', () => {
    const { spec } = find(manifests, 'ValidatingAdmissionPolicy', 'memhp-agent-own-fields') as Policy;
    const written = spec.variables.find(({ name }) => name === 'agentConditions')?.expression ?? '';
    const allowed = [...written.matchAll(/'([A-Za-z]+)'/g)].map(([, type]) => type);
    const conditions = ['AgentReady', 'NotifiersBypassed', 'KubeletCapacityStale'].map((type) => ({ type }));
    const node = { status: { conditions } } as unknown as NodeMemory;
    assert.deepEqual(
      allowed,
      nodeFields(node).conditions?.map(({ type }) => type),
    );
  });

  function ours(): readonly Workload[] {
    return workloads(manifests).filter(({ metadata }) => metadata.name.startsWith('memhp-'));
  }
});

function jobs(): readonly Workload[] {
  const directory = kustomizationPath('deploy/jobs');
  return readdirSync(directory).map((file) => parse(readFileSync(path.join(directory, file), 'utf8')) as Workload);
}

function containersOf({ spec }: Workload): readonly Container[] {
  return spec.template.spec.containers;
}

function seccompOf(pod: PodSpec, { securityContext }: Container): string | undefined {
  return (securityContext.seccompProfile ?? pod.securityContext?.seccompProfile)?.type;
}

function statusFields(kind: Kind): readonly string[] {
  return Object.keys(schemaAt(kind, 'status').properties ?? {});
}

function everyField(kind: Kind): object {
  return Object.fromEntries(statusFields(kind).map((field) => [field, 'there']));
}

function keys(fields: object): readonly string[] {
  return Object.keys(fields).sort();
}
