import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { NOTIFIER_API_VERSION } from '../contract/notifier.ts';
import { BUILT_IN_PLUGINS } from './built-in-plugins.ts';
import { addConfigFormats } from './config-formats.ts';
import { PLUGIN_USES, type PluginUse } from './define-plugin.ts';
import { descriptionOf } from './in-process/description-of.ts';
import { describePlugin } from './in-process/describe-plugin.ts';
import type { PluginDescription } from './in-process/thread-messages.ts';

/** A DNS label, so that it can stand in a manifest, a metric and an event. */
const PLUGIN_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** `origin` of the plugins that every operator has. */
const BUILT_IN = 'built-in';
/** A plugin's module is imported in this time or the operator does not start. */
const LOAD_TIMEOUT_MS = 10_000;

export interface RegisteredPlugin {
  readonly name: string;
  readonly description: string;
  readonly moduleUrl: string;
  /** `built-in`, or what `--plugin` said. */
  readonly origin: string;
  readonly configSchema: Readonly<Record<string, unknown>>;
  readonly uses: readonly PluginUse[];
}

/** The plugins that this operator was started with. Does not change: a custom resource never loads code. */
export interface PluginRegistry {
  readonly plugins: readonly RegisteredPlugin[];
  find(name: string): RegisteredPlugin | undefined;
  /** What is wrong with `config` for plugin `name`, or with the name, and what to do; undefined when nothing is. */
  validateConfig(name: string, config: unknown): string | undefined;
}

export interface LoadPluginsOptions {
  /** Packages and paths given with `--plugin`. */
  readonly specifiers: readonly string[];
  /** Where paths start and packages are looked up; the working directory when unset. */
  readonly directory?: string;
  readonly loadTimeoutMs?: number;
}

interface Loaded {
  readonly plugin: RegisteredPlugin;
  readonly validate: ValidateFunction;
}

/**
 * Loads the plugins named, each in a thread of its own: nothing of them runs in this thread; and the built-in ones. Rejects
 * with one Error that has a line for each plugin that cannot be used.
 */
export async function loadPlugins(options: LoadPluginsOptions): Promise<PluginRegistry> {
  const { specifiers, directory = process.cwd(), loadTimeoutMs = LOAD_TIMEOUT_MS } = options;
  const wanted = [
    ...BUILT_IN_PLUGINS.map(({ plugin, moduleUrl }) => ({
      origin: BUILT_IN,
      load: () => Promise.resolve(register(BUILT_IN, moduleUrl, descriptionOf(plugin))),
    })),
    ...specifiers.map((origin) => ({
      origin,
      async load() {
        const moduleUrl = resolveModule(origin, directory);
        return register(origin, moduleUrl, await describePlugin(moduleUrl, loadTimeoutMs));
      },
    })),
  ];
  const results = await Promise.allSettled(wanted.map(({ load }) => load()));
  const mistakes: string[] = [];
  const loaded = new Map<string, Loaded>();
  for (const [at, result] of results.entries()) {
    if (result.status === 'rejected') {
      mistakes.push(`plugin ${wanted[at]?.origin ?? ''}: ${messageOf(result.reason)}`);
      continue;
    }
    const { name, origin } = result.value.plugin;
    const twin = loaded.get(name);
    if (twin)
      mistakes.push(
        `plugin ${origin}: ${twin.plugin.origin} is called ${name} too; leave one of them out, or rename it`,
      );
    else loaded.set(name, result.value);
  }
  if (mistakes.length > 0) throw new Error(`cannot load plugins\n${mistakes.join('\n')}`);
  return registryOf(loaded);
}

function registryOf(loaded: ReadonlyMap<string, Loaded>): PluginRegistry {
  return Object.freeze({
    plugins: Object.freeze([...loaded.values()].map(({ plugin }) => plugin)),
    find: (name: string) => loaded.get(name)?.plugin,
    validateConfig(name: string, config: unknown) {
      const known = loaded.get(name);
      if (!known) {
        const names = [...loaded.keys()].join(', ');
        return `there is no plugin ${name}; this operator has ${names}; start it with --plugin <package or path> for more`;
      }
      if (known.validate(config)) return undefined;
      const problems = (known.validate.errors ?? []).map(problemText).join(', ');
      return `${problems}; see the configuration of plugin ${name} and correct spec.plugin.config`;
    },
  });
}

/** Ajv's own text does not say which property is too many. */
function problemText({ instancePath, message = 'is wrong', params }: ErrorObject): string {
  const { additionalProperty } = params as { additionalProperty?: string };
  const which = additionalProperty === undefined ? '' : `: ${additionalProperty}`;
  return `config${instancePath} ${message}${which}`;
}

function register(origin: string, moduleUrl: string, described: PluginDescription): Loaded {
  const { apiVersion, name, description } = described;
  if (apiVersion !== NOTIFIER_API_VERSION) {
    throw new Error(
      `speaks version ${apiVersion} of the notifier contract, this operator ` +
        `${NOTIFIER_API_VERSION}; install a release of it that matches`,
    );
  }
  if (!PLUGIN_NAME.test(name)) throw new Error(`its name "${name}" is not a DNS label; name it like capacity-guard`);
  const { schema, validate } = compileSchema(described.configSchema);
  const plugin: RegisteredPlugin = Object.freeze({
    name,
    description,
    moduleUrl,
    origin,
    configSchema: schema,
    uses: Object.freeze(described.uses.map(pluginUse)),
  });
  return { plugin, validate };
}

function pluginUse(word: string): PluginUse {
  const use = PLUGIN_USES.find((known) => known === word);
  if (use) return use;
  throw new Error(`uses "${word}", which this operator does not offer; it has ${PLUGIN_USES.join(', ')}`);
}

function compileSchema(text: string): { schema: Readonly<Record<string, unknown>>; validate: ValidateFunction } {
  const schema: unknown = JSON.parse(text);
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema) || '$async' in schema) {
    throw new Error('its configSchema is not a JSON schema object; write one, or { type: "object", maxProperties: 0 }');
  }
  const ajv = new Ajv();
  addConfigFormats(ajv);
  try {
    return { schema: schema as Readonly<Record<string, unknown>>, validate: ajv.compile(schema) };
  } catch (error) {
    throw new Error(`its configSchema is not a valid JSON schema: ${messageOf(error)}`, { cause: error });
  }
}

/** The module that `specifier` names: a path from `directory`, else a package as `directory` would import it. */
function resolveModule(specifier: string, directory: string): string {
  if (specifier.startsWith('file:')) return specifier;
  try {
    return pathToFileURL(createRequire(join(directory, 'plugin.js')).resolve(specifier)).href;
  } catch (error) {
    const advice = /^\.{0,2}\//.test(specifier)
      ? 'check the path'
      : `install it there (npm install ${specifier}); a package that is there needs a "default" in its exports`;
    throw new Error(`not found from ${directory}; ${advice}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
