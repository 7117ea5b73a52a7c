/**
 * The layers, as rules: kernel ← contract ← {workflows, controller, drivers, online-mems, plugins} ← {k8s, temporal} ←
 * {operator, agent} ← {cli, dev}; process stands beside the middle. A layer may import itself and what stands left of
 * it, nothing else of this project.
 */
const MIDDLE = ['workflows', 'src/controller', 'src/drivers', 'src/online-mems', 'src/plugins'];
const ADAPTERS = ['src/k8s', 'src/temporal'];
const PROCESSES = ['src/operator', 'src/agent'];

const CORE = ['src/kernel', 'src/contract'];
/** Each folder, and the folders (besides itself) that it may import. */
const ALLOWED = {
  'src/kernel': [],
  'src/contract': ['src/kernel'],
  'src/process': [...CORE, 'src/controller'],
  workflows: CORE,
  'src/controller': CORE,
  // A driver's write goes on behind flocks that a later agent must see.
  'src/drivers': [...CORE, 'src/online-mems'],
  'src/online-mems': CORE,
  'src/plugins': CORE,
  'src/k8s': [...CORE, ...MIDDLE, 'src/process'],
  'src/temporal': [...CORE, ...MIDDLE, 'src/process'],
  'src/operator': [...CORE, ...MIDDLE, ...ADAPTERS, 'src/process'],
  'src/agent': [...CORE, ...MIDDLE, ...ADAPTERS, 'src/process'],
  'src/cli': [...CORE, ...MIDDLE, ...ADAPTERS, 'src/process', ...PROCESSES, 'src/dev'],
  'src/dev': [...CORE, ...MIDDLE, ...ADAPTERS, 'src/process', ...PROCESSES, 'src/cli'],
};

function anyOf(folders) {
  return folders.map((folder) => `^${folder}/`);
}

const layers = Object.entries(ALLOWED).map(([folder, allowed]) => ({
  name: `layer-of-${folder.replace('src/', '')}`,
  comment: `${folder} may import only ${allowed.join(', ') || 'nothing else of this project'}`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: '^(src|workflows)/', pathNot: anyOf([folder, ...allowed]) },
}));

module.exports = {
  forbidden: [
    ...layers,
    {
      name: 'pure-core',
      comment: 'kernel and contract import no package and no Node builtin',
      severity: 'error',
      from: { path: '^src/(kernel|contract)/' },
      to: { pathNot: '^(src|workflows)/' },
    },
    {
      name: 'sandbox',
      comment: 'workflows import @temporalio/workflow, @temporalio/common, the core and each other',
      severity: 'error',
      from: { path: '^(workflows|bench/locks/workflows)/' },
      to: {
        pathNot: [
          '^(workflows|bench/locks/workflows)/',
          '^src/(kernel|contract)/',
          '^node_modules/@temporalio/(workflow|common)/',
        ],
      },
    },
    {
      name: 'workflows-by-name',
      comment: 'nothing but the sandbox runs workflow code; only its types may be imported',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^workflows/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-tests-in-code',
      severity: 'error',
      from: { path: '^(src|workflows)/' },
      to: { path: '^(test|bench)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    tsPreCompilationDeps: true, // a type import is an edge, too
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
