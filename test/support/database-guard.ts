/** examples/plugins/python-task-queue as a process that a test can hold in the middle of a call. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { OperatorStage } from './operator-stage.ts';
import { startPlugin, type PluginProcess } from './plugin-process.ts';
import { pythonEnvironment, toldPythonEnvironment, type PythonEnvironment } from './python-environment.ts';
import { ReadmeShell } from './readme-shell.ts';
import { REPOSITORY } from './run-command.ts';

const EXAMPLE = path.join(REPOSITORY, 'examples/plugins/python-task-queue');

/** Made by the commands of the example's README, unless this process was told where it is or why there is none. */
export async function databaseGuardEnvironment(): Promise<PythonEnvironment> {
  const told = toldPythonEnvironment();
  if (told) return told;
  return pythonEnvironment(path.join(EXAMPLE, 'requirements.txt'), (directory) =>
    new ReadmeShell(path.join(EXAMPLE, 'README.md'), { VENV: directory }).run('1. Install'),
  );
}

/**
 * It asks over HTTP which blocks have pinned pages: none, or, while MEM_GOING_OFFLINE is on `hold`, no answer ever. Of the
 * script it plays no more than that.
 */
export async function startDatabaseGuard(
  stage: OperatorStage,
  environment: string,
  directory: string,
  taskQueue: string,
): Promise<PluginProcess> {
  let calls = 0;
  let isHeld = false;
  const databases = createServer((_request, response) => {
    calls++;
    if (!isHeld) response.end('{}');
  });
  // Ends with this process.
  await once(databases.listen(0, '127.0.0.1').unref(), 'listening');
  const { port } = databases.address() as AddressInfo;
  const life = await startPlugin(stage, () => ({
    name: path.basename(directory),
    command: path.join(environment, 'bin/python'),
    args: [path.join(EXAMPLE, 'worker.py')],
    env: {
      TASK_QUEUE: taskQueue,
      PINNED_BLOCKS: `http://127.0.0.1:${String(port)}/`,
      DIR: directory,
      PYTHONDONTWRITEBYTECODE: '1',
    },
    ready: /polling task queue/,
  }));
  return {
    ...life,
    transport: { taskQueue: { name: taskQueue, activity: 'memoryNotify' } },
    callCount: () => calls,
    play: ({ MEM_GOING_OFFLINE }) => {
      isHeld = MEM_GOING_OFFLINE === 'hold';
    },
  };
}
