/** `memhp setup`: makes the Temporal namespace ready, or says who can. */
import { Command, InvalidArgumentError } from 'commander';
import type { NamespaceFindings } from '../temporal/prepare-namespace.ts';
import { exitOnWrongUsage, statusOf } from './exit-status.ts';
import { say } from './say.ts';

interface SetupOptions {
  readonly check?: boolean;
  readonly retention?: number;
  readonly timeout: number;
}

const HOUR_MS = 3_600_000;
const RETENTION_MIN_HOURS = 24;
const TIMEOUT_SECONDS = 60;
/** As diff(1): ready, something is missing, or it cannot be found out. */
const EXIT = { ready: 0, missing: 1, notKnown: 2 };
const EXPLANATION = `
The namespace is the one that TEMPORAL_NAMESPACE or the profile in temporal.toml names, else "default". It is created if it is
missing, and gets the search attributes by which operations are found. What is there already is left as it is, so the command
can be repeated, also from several places at once.

The retention decides how long closed operations can be looked at, and that memhp replay and a lock workflow that was terminated
find the histories that they read: at least 24 hours; 168 (7 days) where nothing is asked for.

Exit status: 0 all is there; 1 something is missing (--check), or a name is taken; 2 the server cannot be asked, or does not let
this connection do it: then it prints the commands for whoever may.`;

export function setupCommand(): Command {
  const command = new Command('setup')
    .description('create the Temporal namespace and its search attributes, if they are missing')
    .option('--check', 'change nothing, only say what is missing')
    .option(
      '--retention <hours>',
      'how long closed workflows are kept; also of a namespace that exists',
      parseRetention,
    )
    .option('--timeout <seconds>', 'how long to wait for the server', parseSeconds, TIMEOUT_SECONDS)
    .addHelpText('after', EXPLANATION)
    .action(statusOf(EXIT.notKnown, setUp));
  return exitOnWrongUsage(command, EXIT.notKnown);
}

async function setUp({ check = false, retention, timeout }: SetupOptions): Promise<number> {
  const [{ connectPatiently }, { namespaceAdmin }, preparing, { byHandInstructions, isRefused }] = await Promise.all([
    import('../temporal/connect-patiently.ts'),
    import('../temporal/namespace-admin.ts'),
    import('../temporal/prepare-namespace.ts'),
    import('../temporal/by-hand-instructions.ts'),
  ]);
  const endMs = Date.now() + timeout * 1000;
  const connected = await connectPatiently(endMs, say);
  const { connection, namespace } = connected;
  const wanted = { namespace, ...(retention === undefined ? {} : { retentionMs: retention * HOUR_MS }) };
  const admin = namespaceAdmin(connection, namespace);
  let made = 0;
  const onMade = (what: string): void => {
    made += 1;
    process.stdout.write(`made: ${what}\n`);
  };
  try {
    const findings = check
      ? await preparing.inspectNamespace(admin, wanted)
      : await preparing.prepareNamespace(admin, wanted, { endMs, onMade });
    return tell(findings, namespace, made);
  } catch (error) {
    if (!isRefused(error)) throw error;
    say(`this connection may not administer namespace ${namespace} (${(error as Error).message}).`);
    say(byHandInstructions(namespace, wanted.retentionMs ?? preparing.RETENTION_DEFAULT_MS));
    return EXIT.notKnown;
  } finally {
    await connection.close();
  }
}

function tell(findings: NamespaceFindings, namespace: string, made: number): number {
  switch (findings.kind) {
    case 'missing':
      for (const { what } of findings.parts) say(`missing: ${what}; memhp setup makes it`);
      return EXIT.missing;
    case 'conflict':
      say(findings.message);
      return EXIT.missing;
    case 'ready':
      process.stdout.write(`Namespace ${namespace} is ready${made > 0 ? '' : ': nothing was missing'}.\n`);
      if (findings.advice !== undefined) say(findings.advice);
      return EXIT.ready;
  }
}

function parseRetention(text: string): number {
  const hours = /^\d+h?$/.test(text) ? parseInt(text, 10) : NaN;
  if (!(hours >= RETENTION_MIN_HOURS)) {
    throw new InvalidArgumentError(`hours, at least ${String(RETENTION_MIN_HOURS)}: 168 or 168h`);
  }
  return hours;
}

function parseSeconds(text: string): number {
  const seconds = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(seconds > 0)) throw new InvalidArgumentError('a whole number of seconds, from 1');
  return seconds;
}
