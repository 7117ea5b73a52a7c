import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { localToolSources } from '../../src/dev/local-tool-sources.ts';
import { TOOLS } from '../../src/dev/tool-catalog.ts';
import { databaseGuardEnvironment } from './database-guard.ts';
import { tellPythonEnvironment } from './python-environment.ts';
import type { ProbeResult } from './run-stages.ts';
import type { Stage } from './stage.ts';
import { chooseE2eProvider } from './start-e2e-cluster.ts';

/**
 * Fetches what the stage needs, and runs each once; then makes what it wants. The tests find them through the same
 * environment variables, which also say what could not be made, so that no test tries that again within the budget.
 */
export async function probeTools(stage: Stage): Promise<ProbeResult> {
  const sources = localToolSources();
  const env: Record<string, string> = {};
  for (const name of stage.needs) {
    try {
      const file = await acquireTool(name, sources);
      if (!(await sources.versionOf(TOOLS[name], file))) return { ready: false, missing: `${file} does not run` };
      env[TOOLS[name].envVariable] = file;
    } catch (error) {
      return { ready: false, missing: error instanceof Error ? error.message : String(error) };
    }
  }
  if (stage.needsCluster) {
    const { provider, missing } = await chooseE2eProvider();
    if (provider === undefined) return { ready: false, missing };
    env['MEMHP_E2E_PROVIDER'] = provider; // the tests need not look again
  }
  if (stage.wants?.includes('python')) Object.assign(env, tellPythonEnvironment(await databaseGuardEnvironment()));
  return { ready: true, env };
}
