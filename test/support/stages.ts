import type { Stage } from './stage.ts';

/** Everything that `npm test` runs, in this order: the cheapest that can fail first. */
export const STAGES: readonly Stage[] = [
  {
    name: 'static',
    budgetMinutes: 1.5,
    needs: [],
    steps: [
      { kind: 'check', name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
      { kind: 'check', name: 'types of the sandbox', command: ['tsc', '-p', 'tsconfig.sandbox.json'] },
      { kind: 'check', name: 'lint', command: ['eslint', '.'] },
      { kind: 'check', name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
      { kind: 'check', name: 'layers', command: ['depcruise', 'src', 'workflows', 'test', 'bench'] },
      { kind: 'check', name: 'dead code', command: ['knip', '--no-progress'] },
    ],
  },
  {
    name: 'pure',
    budgetMinutes: 1.5,
    needs: [],
    steps: [
      {
        kind: 'mocha',
        groups: [
          [
            'test/{agent,cli,conformance,contract,controller,dev,drivers,k8s,kernel,online-mems,operator,plugins,process,temporal}/**/*.test.ts',
          ],
        ],
        testTimeoutMs: 10_000,
      },
    ],
  },
  {
    name: 'workflow',
    budgetMinutes: 4,
    needs: ['temporal'],
    steps: [
      {
        kind: 'mocha',
        groups: [
          ['test/workflow/!(bundle|cancellation|device|exclusion|permits|task-queue)*.test.ts'],
          [
            'test/lock-service/{keep,lock-a,lock-client,lock-d,lock-r,requests}*.test.ts',
            'test/histories/**/*.test.ts',
          ],
          // These wait for processes and time-outs more than they work.
          [
            'test/lock-service/{lock-command,lock-i,memhp,using}*.test.ts',
            'test/workflow/{bundle,device,exclusion}*.test.ts',
          ],
          ['test/workflow/{cancellation,permits,task-queue}*.test.ts'],
        ],
        testTimeoutMs: 30_000,
      },
    ],
  },
  {
    name: 'locks',
    budgetMinutes: 3,
    needs: ['temporal', 'lock-checker', 'etcd'],
    steps: [
      {
        kind: 'mocha',
        groups: [
          ['test/linearizability/{checker,linearizability,observed-client}.test.ts'],
          // These wait for workers more than they work.
          ['test/linearizability/mutants.test.ts'],
        ],
        testTimeoutMs: 60_000,
      },
      { kind: 'mocha', groups: [['test/bench/**/*.test.ts']], testTimeoutMs: 60_000 },
    ],
  },
  {
    name: 'integration',
    budgetMinutes: 9,
    needs: ['etcd', 'kube-apiserver', 'temporal', 'kubectl'],
    steps: [
      {
        kind: 'mocha',
        groups: [
          ['test/integration/!(crash|crd|demo|health|kubernetes|node-leases|outage|restore|uninstall)*.test.ts'],
          // These wait for time-outs more than they work.
          ['test/integration/{crash,uninstall}*.test.ts'],
          ['test/integration/outage*.test.ts'],
          // These need an API server and nothing else.
          ['test/integration/{crd,kubernetes,node-leases}*.test.ts'],
        ],
        testTimeoutMs: 60_000,
      },
      {
        kind: 'mocha',
        // Servers of their own, all of them: more groups side by side with the others would only starve each other.
        groups: [
          ['test/sysfs/**/*.test.ts'],
          ['test/integration/{health.,restore}*.test.ts'],
          ['test/integration/health-namespace.test.ts'],
        ],
        testTimeoutMs: 60_000,
      },
      // Alone: it measures how long a user waits.
      { kind: 'mocha', groups: [['test/integration/demo.test.ts']], testTimeoutMs: 60_000 },
    ],
  },
  {
    name: 'plugins',
    budgetMinutes: 2.5,
    needs: ['etcd', 'kube-apiserver', 'temporal', 'kubectl'],
    wants: ['python'],
    steps: [
      {
        kind: 'mocha',
        groups: [
          ['test/plugin-transports/{conformance,explain,hung,registration,transports}.test.ts'],
          // These wait for time-outs and for processes more than they work.
          ['test/plugin-transports/!(conformance|explain|hung|plugin-test|registration|transports|webhook)*.test.ts'],
          ['test/plugin-transports/{plugin-test,webhook}*.test.ts'],
        ],
        testTimeoutMs: 60_000,
      },
    ],
  },
  {
    name: 'deploy',
    budgetMinutes: 2,
    needs: ['etcd', 'kube-apiserver', 'temporal', 'kubectl'],
    steps: [
      {
        kind: 'mocha',
        groups: [
          ['test/deploy/{image,manifests}.test.ts'],
          ['test/deploy/!(image|least-privilege|manifests)*.test.ts'],
          // Real processes, which wait for each other.
          ['test/deploy/least-privilege.test.ts'],
        ],
        testTimeoutMs: 60_000,
      },
    ],
  },
  {
    name: 'e2e',
    budgetMinutes: 6,
    needs: ['kubectl', 'temporal'],
    needsCluster: true,
    steps: [
      // Each on a cluster of its own.
      { kind: 'mocha', groups: [['test/e2e/cluster.test.ts']], testTimeoutMs: 60_000 },
      {
        kind: 'mocha',
        // In this order: the last one leaves nothing installed.
        groups: [
          ['install', 'blocks', 'veto', 'kill-pods', 'node-deleted', 'rollout', 'uninstall'].map(
            (name) => `test/e2e/${name}.test.ts`,
          ),
        ],
        testTimeoutMs: 60_000,
      },
    ],
  },
];
