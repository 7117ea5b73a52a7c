#!/usr/bin/env node
/** Starts the command line: from the sources in a checkout, from dist/ where the package is installed. */
import { existsSync } from 'node:fs';

// Node strips no types under node_modules, so an installed package brings JavaScript.
const built = new URL('../dist/src/cli/memhp.js', import.meta.url);
const isInstalled = import.meta.url.includes('/node_modules/');
await import(isInstalled && existsSync(built) ? built.href : '../src/cli/memhp.ts');
