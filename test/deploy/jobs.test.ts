/** The commands of deploy/jobs run as the operator does: same image, same way to Temporal, no more rights. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { V1Deployment, V1Job } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { replayCommand } from '../../src/cli/replay.ts';
import { restoreCommand } from '../../src/cli/restore.ts';
import { setupCommand } from '../../src/cli/setup.ts';
import { REPOSITORY } from '../support/run-command.ts';

const JOBS = path.join(REPOSITORY, 'deploy', 'jobs');
const COMMANDS = [setupCommand(), replayCommand(), restoreCommand()];

describe('deploy/jobs', () => {
  const read = (file: string): unknown => parseAllDocuments(readFileSync(file, 'utf8'))[0]?.toJS({ maxAliasCount: 10 });
  const operator = read(path.join(REPOSITORY, 'deploy', 'base', 'operator-deployment.yaml')) as V1Deployment;
  const theirs = operator.spec?.template.spec;

  for (const file of readdirSync(JOBS)) {
    it(`${file} runs its command beside the operator`, () => {
      const job = read(path.join(JOBS, file)) as V1Job;
      const pod = job.spec?.template.spec;
      const [container] = pod?.containers ?? [];
      const [operatorContainer] = theirs?.containers ?? [];
      assert.ok(pod && theirs && container && operatorContainer);
      assert.equal(container.image, operatorContainer.image);
      assert.deepEqual(container.env, operatorContainer.env);
      assert.deepEqual(container.envFrom, operatorContainer.envFrom);
      assert.deepEqual(container.volumeMounts, operatorContainer.volumeMounts);
      assert.deepEqual(container.securityContext, operatorContainer.securityContext);
      assert.deepEqual(pod.volumes, theirs.volumes);
      assert.deepEqual(pod.securityContext, theirs.securityContext);
      const isOnKubernetes = pod.serviceAccountName !== undefined;
      assert.equal(pod.automountServiceAccountToken, isOnKubernetes);
      if (isOnKubernetes) assert.equal(pod.serviceAccountName, theirs.serviceAccountName);
      const labels = job.spec?.template.metadata?.labels ?? {};
      const selector = operator.spec?.selector.matchLabels ?? {};
      assert.ok(
        Object.entries(selector).some(([name, value]) => labels[name] !== value),
        'it is no operator',
      );

      const [verb, ...options] = container.args ?? [];
      const command = COMMANDS.find((known) => known.name() === verb);
      assert.ok(command, `memhp ${String(verb)} is a command`);
      for (const option of options)
        assert.ok(
          command.options.some(({ long }) => long === option),
          option,
        );
    });
  }
});
