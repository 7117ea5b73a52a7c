#!/usr/bin/env node
/** The command line: `memhp operator`, `memhp agent`, `memhp locks` and the others. */
import { Command } from 'commander';
import { agentCommand } from './agent.ts';
import { captureCommand } from './capture.ts';
import { explainCommand } from './explain.ts';
import { importCommand } from './import.ts';
import { lockCommand } from './lock.ts';
import { locksCommand } from './locks.ts';
import { notifiersCommand } from './notifiers.ts';
import { onlineMemsCommand } from './online-mems.ts';
import { operatorCommand } from './operator.ts';
import { PACKAGE } from './package-version.ts';
import { pluginCommand } from './plugin.ts';
import { replayCommand } from './replay.ts';
import { restoreCommand } from './restore.ts';
import { setupCommand } from './setup.ts';

const program = new Command('memhp')
  .description('declarative memory hotplug for Kubernetes nodes, carried out by Temporal workflows')
  .version(PACKAGE.version)
  // An option behind a command's name is that command's.
  .enablePositionalOptions()
  .addCommand(operatorCommand())
  .addCommand(agentCommand())
  .addCommand(captureCommand())
  .addCommand(importCommand())
  .addCommand(onlineMemsCommand())
  .addCommand(locksCommand())
  .addCommand(lockCommand())
  .addCommand(pluginCommand())
  .addCommand(notifiersCommand())
  .addCommand(explainCommand())
  .addCommand(setupCommand())
  .addCommand(replayCommand())
  .addCommand(restoreCommand())
  .showHelpAfterError('(memhp --help lists the commands)');

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`memhp: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
