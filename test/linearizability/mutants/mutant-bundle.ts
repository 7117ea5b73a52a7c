/** The workflows of a run around a lock table that is wrong. Production code has no switch for that: webpack swaps the module. */
import path from 'node:path';
import { bundleWorkflowCode, type BundleOptions } from '@temporalio/worker';

export const MUTANTS = ['double-grant', 'writer-beside-reader', 'reused-token', 'stale-release'] as const;
export type Mutant = (typeof MUTANTS)[number] | 'none';

type Hook = NonNullable<BundleOptions['webpackConfigHook']>;
type Plugin = NonNullable<ReturnType<Hook>['plugins']>[number];

const HERE = import.meta.dirname;

export function mutantBundle(mutant: Mutant): Promise<{ code: string }> {
  const swap = (request: string, importer: string): string => {
    const isOurs = importer.startsWith(HERE);
    if (!isOurs && request.endsWith('/kernel/lock-table.ts')) return path.join(HERE, 'mutated-lock-table.ts');
    return isOurs && request === './none.ts' ? path.join(HERE, `${mutant}.ts`) : request;
  };
  return bundleWorkflowCode({
    workflowsPath: path.join(HERE, '../workflows.ts'),
    logger: { ...SILENT },
    webpackConfigHook: (config) => ({ ...config, plugins: [...(config.plugins ?? []), pluginOf(swap)] }),
  });
}

function pluginOf(swap: (request: string, importer: string) => string): Plugin {
  return {
    apply(compiler) {
      compiler.hooks.normalModuleFactory.tap('mutant', (factory) => {
        factory.hooks.beforeResolve.tap('mutant', (data) => {
          data.request = swap(data.request, data.contextInfo.issuer);
        });
      });
    },
  };
}

const ignore = (): undefined => undefined;
const SILENT = { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };
