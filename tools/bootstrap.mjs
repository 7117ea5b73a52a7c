#!/usr/bin/env node
/**
 * First entry of `npm run demo` and `npm test`: no dependency, runs on Node 20, where the rest needs Node 24.
 *
 *   node tools/bootstrap.mjs <script.ts> [args…]
 *
 * Installs the locked packages when they are missing or differ from package-lock.json (one of them is Node 24 itself),
 * then runs the script with that Node: signals go to it, its exit status is ours.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
const pinnedNode = path.join(root, 'node_modules', '.bin', 'node');

const OLDEST_NODE_MAJOR = 20;
/**
 * Installs what package-lock.json says, and leaves that file alone. Not `npm ci`: it refuses a lock file that was written
 * where the packages for other platforms could not be seen (a mirror that has only some), and such a one is harmless.
 */
const INSTALL = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
/** How often a silent npm says that it is alive; people give up on a command that is silent for much longer. */
const PROGRESS_INTERVAL_MS = 10_000;

/** Prints what is wrong and what to do next, and ends. */
function fail(message) {
  console.error(`bootstrap: ${message}`);
  process.exit(1);
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/**
 * Why the packages must be installed; undefined when they need not. npm itself records what it installed in
 * node_modules/.package-lock.json, as its last step: so this also notices an installation that was interrupted, and
 * accepts one that was made by hand.
 */
function reasonToInstall() {
  const record = path.join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return 'no packages are installed yet';
  if (!existsSync(pinnedNode)) return 'the pinned Node is not installed';
  const installed = readPackages(record);
  for (const [location, wanted] of Object.entries(readPackages(path.join(root, 'package-lock.json')))) {
    if (location === '' || wanted.link) continue;
    const found = installed[location];
    if (!found && wanted.optional) continue; // made for another platform
    if (found?.version !== wanted.version) return `${location} ${wanted.version} of package-lock.json is not installed`;
  }
  return undefined;
}

/** Runs `command`; resolves with its exit status or the signal that ended it, rejects when it cannot be started. */
function run(command, args, { forwardSignals = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    const forward = (signal) => child.kill(signal);
    if (forwardSignals) {
      process.on('SIGTERM', forward);
      process.on('SIGHUP', forward);
      // A terminal delivers Ctrl-C to the child as well; passing it on would make one keystroke two.
      process.on('SIGINT', (signal) => process.stdin.isTTY || forward(signal));
    }
    child.on('error', reject);
    child.on('exit', (status, signal) => resolve({ status, signal }));
  });
}

async function installPackages(reason) {
  console.log(`bootstrap: npm install, because ${reason}`);
  const startTime = Date.now();
  const seconds = () => Math.round((Date.now() - startTime) / 1000);
  const progress = setInterval(() => console.log(`bootstrap: npm install … ${seconds()} s`), PROGRESS_INTERVAL_MS);
  try {
    const { status } = await run('npm', INSTALL);
    if (status !== 0) {
      fail(
        'npm install failed, see above. Check that the npm registry can be reached (npm ping), then run this again.',
      );
    }
  } catch (error) {
    fail(`npm cannot be started (${error.message}). Install npm 10 or newer, then run this again.`);
  } finally {
    clearInterval(progress);
  }
  console.log(`bootstrap: packages installed in ${seconds()} s`);
  if (!existsSync(pinnedNode)) {
    fail(
      'npm did not install the pinned Node (node_modules/.bin/node). Its package has an install script: check that ' +
        'scripts are allowed (npm config get ignore-scripts must say false), remove node_modules, and run this again.',
    );
  }
}

const [script, ...args] = process.argv.slice(2);
if (!script) fail('usage: node tools/bootstrap.mjs <script.ts> [args…]');
if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE_MAJOR) {
  fail(`Node ${process.versions.node} is too old. Install Node ${OLDEST_NODE_MAJOR} or newer, then run this again.`);
}
if (!existsSync(path.join(root, script))) fail(`${script} does not exist in ${root}`);

// Whoever measures how long a command takes counts from here, installation included.
process.env.MEMHP_COMMAND_STARTED_MS = String(performance.timeOrigin);
const reason = reasonToInstall();
if (reason) await installPackages(reason);

// What the script starts finds the pinned Node and the installed commands first.
process.env.PATH = [path.dirname(pinnedNode), process.env.PATH].join(path.delimiter);
const { status, signal } = await run(pinnedNode, [script, ...args], { forwardSignals: true });
process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : status);
