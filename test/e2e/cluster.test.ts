/** The cluster that the other end-to-end tests run on, where it is a local one. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { probeLocalCluster } from '../../src/dev/cluster/probe-local-cluster.ts';
import { runInside } from '../../src/dev/cluster/sandbox.ts';
import { startLocalCluster, type LocalCluster } from '../../src/dev/cluster/start-local-cluster.ts';
import { assembleImage } from '../../src/dev/image/assemble-image.ts';
import { runtimeLayer } from '../../src/dev/image/runtime-layer.ts';
import { startClusterCommand } from '../support/cluster-process.ts';
import { eventually } from '../support/eventually.ts';
import { createKubectl, type Kubectl } from '../support/kubectl.ts';
import { machineFacts, remainsOf } from '../support/node-remains.ts';

const IMAGE = 'node-for-tests:1';
const MEMORY = '/sys/devices/system/memory';

/** A pod that runs `script` in Node as an ordinary user; `pod` and `container` add to it. */
function podOf(name: string, script: string, pod: object = {}, container: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'node',
          image: IMAGE,
          imagePullPolicy: 'Never',
          args: ['--input-type=module', '--eval', script],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          ...container,
        },
      ],
      ...pod,
    },
  };
}

const WEB_SERVER = `import { createServer } from 'node:http';
createServer((_, response) => response.end('hello')).listen(8080);
process.on('SIGTERM', () => process.exit());`;

const WEB_CLIENT = `const answer = await fetch('http://web.default.svc');
console.log(await answer.text());`;

describe('a local cluster', function () {
  this.timeout(120_000);
  const facts = machineFacts();
  let directory: string;
  let cluster: LocalCluster;
  let kubectl: Kubectl;

  /** What the pod printed until its end. */
  const run = async (pod: object, name: string): Promise<string> => {
    await kubectl.succeed(['apply', '-f', '-'], pod);
    await kubectl.succeed(['wait', `pod/${name}`, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=30s']);
    return kubectl.succeed(['logs', name]);
  };

  before(async function () {
    this.timeout(300_000);
    const probe = await probeLocalCluster();
    if (!probe.possible) return this.skip();
    directory = mkdtempSync(path.join(tmpdir(), 'memhp-cluster-test-'));
    const memory = path.join(directory, 'memory');
    mkdirSync(memory);
    writeFileSync(path.join(memory, 'block_size_bytes'), '8000000\n');
    const image = path.join(directory, 'image.tar');
    const layers = [await runtimeLayer([])];
    await assembleImage({ tag: IMAGE, layers, output: image, entrypoint: ['/usr/local/bin/node'] });
    cluster = await startLocalCluster({ images: [image], binds: [{ from: memory, to: MEMORY }] });
    kubectl = createKubectl(await acquireTool('kubectl'), cluster.kubeconfig);
  });

  after(async () => {
    await cluster.stop();
    rmSync(directory, { recursive: true });
  });

  it('runs pods as ordinary users, which find each other by the names of their Services', async () => {
    const readinessProbe = { httpGet: { port: 8080 }, periodSeconds: 1 };
    await kubectl.succeed(['apply', '-f', '-'], podOf('web', WEB_SERVER, {}, { readinessProbe }));
    await kubectl.succeed(['expose', 'pod', 'web', '--port=80', '--target-port=8080']);
    await kubectl.succeed(['wait', 'pod/web', '--for=condition=Ready', '--timeout=30s']);
    assert.equal(await run(podOf('client', WEB_CLIENT), 'client'), 'hello\n');
    const inside = await kubectl.succeed(['exec', 'web', '--', '/usr/local/bin/node', '--print', 'process.getuid()']);
    assert.equal(inside, '65532\n');
  });

  it('shows pods a folder of the machine as the memory of the node', async () => {
    const script = `import fs from 'node:fs';
      console.log(fs.readFileSync('/memory/block_size_bytes', 'utf8').trim());
      fs.writeFileSync('/memory/written', 'by the pod');`;
    const pod = podOf(
      'writer',
      script,
      {
        securityContext: { runAsUser: 0 },
        volumes: [{ name: 'memory', hostPath: { path: MEMORY, type: 'Directory' } }],
      },
      { volumeMounts: [{ name: 'memory', mountPath: '/memory' }] },
    );
    assert.equal(await run(pod, 'writer'), '8000000\n');
    assert.equal(readFileSync(path.join(directory, 'memory', 'written'), 'utf8'), 'by the pod');
  });

  it("changes nothing of the machine while it runs, and has the machine's memory read-only", async () => {
    assert.deepEqual(machineFacts(), facts);
    const mounts = await runInside({ pid: cluster.pid, env: {} }, 'cat', ['/proc/self/mounts']);
    const memory = mounts.split('\n').filter((line) => line.startsWith(`sysfs ${MEMORY} `));
    assert.match(memory.join('\n'), /^sysfs \S+ sysfs ro,/);
  });

  it('collects the processes that pods leave behind', async () => {
    await kubectl.succeed(['delete', 'pod', '--all', '--grace-period=1', '--wait']);
    const defunct = async (): Promise<string> =>
      runInside({ pid: cluster.pid, env: {} }, 'sh', ['-c', 'grep -l "^State:.Z" /proc/[0-9]*/status || true']);
    await eventually('no process is defunct', async () => (await defunct()) === '');
  });

  it('has room for another beside it, which ends without a trace when its process is killed', async () => {
    const command = startClusterCommand(['up'], { TMPDIR: directory });
    try {
      await command.printed(/export KUBECONFIG=\S+/);
      const record = JSON.parse(readFileSync(path.join(directory, 'memhp-local-cluster', 'running.json'), 'utf8')) as {
        nodePid: number;
        kubeconfig: string;
      };
      const remains = await remainsOf({ pid: record.nodePid, kubeconfig: record.kubeconfig });
      const other = createKubectl(await acquireTool('kubectl'), record.kubeconfig);
      await other.succeed(['create', 'deployment', 'pause', '--image=memhp.local/pause:1', '--replicas=2']);
      await other.succeed(['rollout', 'status', 'deployment/pause', '--timeout=30s']);
      command.kill();
      await eventually('nothing is left', () => remains().length === 0, { limitMs: 30_000 });
    } finally {
      command.kill();
    }
    assert.match(await kubectl.succeed(['get', 'nodes']), /memhp-local +Ready/);
  });

  it('is one at a time on a machine for npm run cluster, which says so while another starts', async () => {
    const temporary = path.join(directory, 'starting');
    mkdirSync(path.join(temporary, 'memhp-local-cluster'), { recursive: true });
    const command = startClusterCommand(['up'], { TMPDIR: temporary });
    await assert.rejects(command.printed(/export KUBECONFIG/), /another cluster is being started or stopped: wait/);
  });

  it('says what its server said last when one does not start, and leaves nothing', async () => {
    const workDirectory = path.join(directory, 'failing');
    process.env['MEMHP_KUBE_SCHEDULER'] = '/bin/false';
    try {
      await assert.rejects(startLocalCluster({ workDirectory }), /kube-scheduler ended with status 1/);
    } finally {
      delete process.env['MEMHP_KUBE_SCHEDULER'];
    }
    assert.throws(() => readFileSync(workDirectory), /ENOENT/);
  });

  it('stops without a trace', async () => {
    const remains = await remainsOf(cluster);
    await cluster.stop();
    assert.deepEqual(remains(), []);
    assert.deepEqual(machineFacts(), facts);
  });
});
