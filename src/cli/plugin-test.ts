/** `memhp plugin test`: plays the notifier chain at a plugin and says which rules of the contract it breaks. */
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { MEMORY_ACTIONS, type MemoryAction } from '../kernel/memory-action.ts';
import type { PluginUnderTest } from '../plugins/conformance/plugin-under-test.ts';
import type { TaskQueueAddress } from '../temporal/task-queue-under-test.ts';
import { statusOf } from './exit-status.ts';
import { parsePluginTarget } from './plugin-target.ts';
import { conformanceJson, renderCheck, renderSummary, type PlayedCheck } from './render-conformance.ts';
import { say } from './say.ts';

interface PluginTestOptions {
  readonly config?: string;
  readonly actions?: readonly MemoryAction[];
  readonly caFile?: string;
  readonly node: string;
  readonly timeout: number;
  readonly json?: true;
}

const EXIT = { broken: 1, notAsked: 2, interrupted: 130 };
/** As of spec.timeoutSeconds of a MemoryNotifier. */
const TIMEOUT_SECONDS = { default: 10, max: 30 };
/** The least that spec.timeoutSeconds can be. */
const SHORT_DEADLINE_MS = 1_000;
const EXPLANATION = `
TARGET is one of
  https://…                         a webhook
  taskqueue:<queue>/<activity>      an activity on a Temporal task queue; TEMPORAL_ADDRESS says where
  ./plugin.ts, a package, a name    an in-process plugin: a path, an installed package, or a built-in one

The plugin is asked in earnest, about operations that do not exist, on a node that need not exist: test one that has nothing
to lose. It is told the end (CANCEL) of all that it was asked. Takes a few seconds, and a timeout for each call that hangs.

Each line: ✓ passed, ✗ failed, – not decided, because the plugin did not get into that situation, ! allowed, but look whether
it is meant. docs/plugin-conformance.md explains every check. Ctrl-C finishes the check that is being played; a second one leaves at once.

Exit status: 0 nothing failed; 1 a check failed; 2 the plugin could not be asked; 130 interrupted.

Examples:
  memhp plugin test ./quiet-hours.ts --config '{"from": 8, "to": 18}' --actions MEM_GOING_OFFLINE
  memhp plugin test https://localhost:8443/notify --ca-file ca.pem
  memhp plugin test taskqueue:postgres-plugin/onMemory --timeout 5
  memhp plugin test capacity-guard --config @config.yaml --json`;

export function pluginTestCommand(): Command {
  return new Command('test')
    .description('play the chain at a plugin: vetoes, CANCEL without GOING, repeats, dry runs, deadlines')
    .argument('<target>', 'a webhook, a task queue and activity, or a module; see below')
    .option('--config <json|@file>', 'spec.plugin.config of an in-process plugin: JSON, or a file of JSON or YAML')
    .addOption(
      new Option('--actions <action...>', 'what it will be registered for; default: all').choices(MEMORY_ACTIONS),
    )
    .option('--ca-file <pem>', "who signed a webhook's certificate; default: whom this machine trusts")
    .option('--node <name>', 'the node to ask about; one for which the plugin agrees shows more', 'plugin-test')
    .option('--timeout <seconds>', 'how long a call may take, as spec.timeoutSeconds', seconds, TIMEOUT_SECONDS.default)
    .option('--json', 'print one JSON document at the end')
    .addHelpText('after', EXPLANATION)
    .action(
      statusOf(EXIT.notAsked, async (target: string, options: PluginTestOptions) =>
        testPlugin(target, await open(target, options), options),
      ),
    );
}

async function open(text: string, options: PluginTestOptions): Promise<PluginUnderTest> {
  const target = parsePluginTarget(text);
  const timeoutMs = options.timeout * 1000;
  if (options.config !== undefined && target.kind !== 'inProcess')
    throw new Error('--config is for in-process plugins: a webhook or a worker has its own');
  if (options.caFile !== undefined && target.kind !== 'webhook')
    throw new Error('--ca-file is for webhooks: nothing else here speaks TLS with a plugin');
  switch (target.kind) {
    case 'webhook': {
      const { webhookUnderTest } = await import('../plugins/conformance/webhook-under-test.ts');
      const { url } = target;
      const { caFile } = options;
      return webhookUnderTest(
        caFile === undefined ? { url } : { url, caBundle: await readFile(caFile, 'utf8') },
        timeoutMs,
      );
    }
    case 'taskQueue':
      return openTaskQueue(target, timeoutMs);
    case 'inProcess': {
      const [{ inProcessUnderTest }, config] = await Promise.all([
        import('../plugins/conformance/in-process-under-test.ts'),
        readConfig(options.config),
      ]);
      return inProcessUnderTest({ specifier: target.specifier, config, timeoutMs, log: SILENT });
    }
  }
}

async function openTaskQueue(address: TaskQueueAddress, timeoutMs: number): Promise<PluginUnderTest> {
  const [{ createLogger }, { installRuntime }, { taskQueueUnderTest }] = await Promise.all([
    import('../process/create-logger.ts'),
    import('../temporal/install-runtime.ts'),
    import('../temporal/task-queue-under-test.ts'),
  ]);
  // What a worker has to say about outages is not for the author of a plugin, whose calls fail for all to see.
  const level = process.env['MEMHP_LOG_LEVEL'] ?? 'error';
  const runtime = installRuntime(createLogger({ process: 'plugin test', level, format: 'text' }));
  try {
    return await taskQueueUnderTest(address, timeoutMs);
  } catch (error) {
    await runtime.shutdown();
    throw error;
  }
}

async function readConfig(given = '{}'): Promise<Readonly<Record<string, unknown>>> {
  const { parse } = await import('yaml');
  const config: unknown = parse(given.startsWith('@') ? await readFile(given.slice(1), 'utf8') : given);
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as Record<string, unknown>;
  throw new Error('--config is not an object; write it like \'{"from": 8}\'');
}

async function testPlugin(target: string, plugin: PluginUnderTest, options: PluginTestOptions): Promise<number> {
  const { checksOf, playChecks } = await import('../plugins/conformance/play-checks.ts');
  const { actions, node } = options;
  const timeoutMs = options.timeout * 1000;
  const shortDeadlineMs = Math.min(SHORT_DEADLINE_MS, timeoutMs);
  const interruption = listenForInterruption();
  const played: PlayedCheck[] = [];
  try {
    for await (const result of playChecks(plugin, { node, timeoutMs, shortDeadlineMs, ...(actions && { actions }) })) {
      played.push(result);
      if (!options.json) process.stdout.write(renderCheck(result));
      if (interruption.signal.aborted) break;
    }
  } finally {
    interruption.forget();
    await plugin.close();
  }
  const missing = checksOf(plugin).length - played.length;
  process.stdout.write(options.json ? conformanceJson(target, played, missing) : renderSummary(played, missing));
  if (missing > 0) return EXIT.interrupted;
  return played.some(({ finding }) => finding.kind === 'failed') ? EXIT.broken : 0;
}

/** The plugin should not be left with what it was asked for; who cannot wait for that interrupts once more. */
function listenForInterruption(): { readonly signal: AbortSignal; forget(): void } {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    say('finishing the check that is being played; interrupt once more to leave at once');
    controller.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  // Nobody reads any more, as behind `| head`.
  process.stdout.on('error', () => controller.abort());
  return {
    signal: controller.signal,
    forget: () => {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    },
  };
}

/** Of what the plugin logs, its author has a log of their own. */
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {
  // Nothing is said.
}

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= TIMEOUT_SECONDS.max) return value;
  throw new InvalidArgumentError(`a number of seconds, at most ${String(TIMEOUT_SECONDS.max)}`);
}
