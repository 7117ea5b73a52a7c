/**
 * No memory goes offline on a node while certain pods run there: those whose latency suffers when pages are migrated, or
 * which pin pages and would make the offline fail half way.
 */
import { definePlugin, done, ok, veto } from 'memory-hotplug-operator/plugin';

/** Named in the reason; more would make nobody wiser. */
const NAMES_MAX = 3;

/**
 * @typedef {object} Config
 * @property {string[]} pods `<namespace>/<name>`, where `*` stands for any characters but `/`
 * @property {number} [retryAfterSeconds] after a veto; the operator's own backoff when unset
 */

export const plugin = definePlugin(
  /** @type {import('memory-hotplug-operator/plugin').PluginDefinition<Config>} */ ({
    name: 'protected-pods',
    description: 'Vetoes MEM_GOING_OFFLINE on nodes that run certain pods.',
    configSchema: {
      type: 'object',
      additionalProperties: false,
      required: ['pods'],
      properties: {
        pods: {
          type: 'array',
          minItems: 1,
          maxItems: 100,
          items: { type: 'string', maxLength: 317, pattern: '^[-a-z0-9*]+/[-a-z0-9.*]+$' },
        },
        retryAfterSeconds: { type: 'integer', minimum: 1, maximum: 86400 },
      },
    },
    // Nothing is kept between calls, so a repeat is harmless, there is nothing to undo, and a dry run is as good as any.
    async notify({ action, node }, { pods, retryAfterSeconds }, { cluster }) {
      if (action !== 'MEM_GOING_OFFLINE') return done();
      const names = (await cluster.podsOnNode(node)).map(({ namespace, name }) => `${namespace}/${name}`).sort();
      const isProtected = matcher(pods);
      const found = names.filter(isProtected);
      if (found.length === 0) return ok(`no protected pod runs on ${node}`);
      return veto('EBUSY', `${quote(found)} on ${node}: protected`, retryAfterSeconds ? { retryAfterSeconds } : {});
    },
  }),
);

/**
 * @param {readonly string[]} patterns
 * @returns {(name: string) => boolean}
 */
function matcher(patterns) {
  const expressions = patterns.map(
    (pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replace(/\*+/g, '[^/]*')}$`),
  );
  return (name) => expressions.some((expression) => expression.test(name));
}

/** @param {readonly string[]} names */
function quote(names) {
  const more = names.length - NAMES_MAX;
  return names.slice(0, NAMES_MAX).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
}
