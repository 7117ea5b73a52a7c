import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** What a pure file must not reach for: time and chance come in as arguments. */
const IMPURE_GLOBALS = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'process', 'console'];
const IMPURE_PROPERTIES = [
  { object: 'Date', property: 'now', message: 'Take the time as an argument.' },
  { object: 'Math', property: 'random', message: 'Take chance as an argument.' },
];
const LOG_CALL = 'CallExpression[callee.property.name=/^(?:debug|info|warn|error)$/][callee.object.name!="console"]';
const NODE_BUILTINS = {
  regex: '^(node:|(fs|os|path|crypto|child_process|net|http|https|timers|worker_threads|util|events|stream)(/|$))',
  message: 'This file runs where Node does not: keep it pure.',
};

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'out/', 'test/histories/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // process.env['NAME'] says that the name is not checked, which noPropertyAccessFromIndexSignature would ask for.
      '@typescript-eslint/dot-notation': 'off',
      eqeqeq: 'error',
      'max-depth': ['error', 4],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
        { selector: 'ExportAllDeclaration', message: 'Say what is exported.' },
        {
          selector: `${LOG_CALL} > :matches(TemplateLiteral, BinaryExpression).arguments:first-child`,
          message: 'A message of the log is constant: put the data into fields (docs/logging.md).',
        },
        {
          selector: `${LOG_CALL} > ObjectExpression > Property[key.name=/^(?:message|level|timestamp|process)$/]`,
          message: 'The log has this field for itself: docs/logging.md has the others.',
        },
      ],
    },
  },
  {
    files: ['src/kernel/**/*.ts', 'src/contract/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...IMPURE_GLOBALS],
      'no-restricted-properties': ['error', ...IMPURE_PROPERTIES],
      'no-restricted-imports': ['error', { patterns: [NODE_BUILTINS] }],
    },
  },
  {
    // The sandbox replaces Date, Math.random and setTimeout by deterministic ones; the rest must not be reached for.
    files: ['workflows/**/*.ts', 'bench/locks/workflows/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'fetch', 'process'],
      'no-restricted-imports': ['error', { patterns: [NODE_BUILTINS] }],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      'max-lines-per-function': 'off', // a describe() is a function
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs', '*.js'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', module: 'writable' },
    },
  },
  {
    files: ['tools/*.mjs'],
    languageOptions: { globals: { setInterval: 'readonly', clearInterval: 'readonly' } },
  },
  prettier,
);
