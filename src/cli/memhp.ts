#!/usr/bin/env node
/** The command line: `memhp operator`, `memhp agent`, `memhp capture`, `memhp import`. */
import { Command } from 'commander';
import { agentCommand } from './agent.ts';
import { captureCommand } from './capture.ts';
import { importCommand } from './import.ts';
import { operatorCommand } from './operator.ts';
import { PACKAGE } from './package-version.ts';

const program = new Command('memhp')
  .description('declarative memory hotplug for Kubernetes nodes, carried out by Temporal workflows')
  .version(PACKAGE.version)
  .addCommand(operatorCommand())
  .addCommand(agentCommand())
  .addCommand(captureCommand())
  .addCommand(importCommand())
  .showHelpAfterError('(memhp --help lists the commands)');

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`memhp: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
