import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** For the log of a webhook's server: `memory-hotplug-operator/1.2.3`. */
export const USER_AGENT = readUserAgent();

function readUserAgent(): string {
  const file = findPackageJSON(new URL('.', import.meta.url));
  const { version } = file === undefined ? {} : (JSON.parse(readFileSync(file, 'utf8')) as { version?: string });
  return version === undefined ? 'memory-hotplug-operator' : `memory-hotplug-operator/${version}`;
}
