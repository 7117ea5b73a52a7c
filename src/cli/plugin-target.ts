/** What `memhp plugin test` is given, by the way in which the plugin is reached. */
export type PluginTarget =
  | { readonly kind: 'webhook'; readonly url: string }
  | { readonly kind: 'taskQueue'; readonly taskQueue: string; readonly activity: string }
  /** A path, a package, or the name of a built-in plugin. */
  | { readonly kind: 'inProcess'; readonly specifier: string };

const TASK_QUEUE = /^taskqueue:(.*)$/is;

/** Throws an Error that says how a target is written. The queue's name may have slashes, the activity's has none. */
export function parsePluginTarget(text: string): PluginTarget {
  if (/^https?:/i.test(text)) {
    if (/^https:/i.test(text) && URL.canParse(text)) return { kind: 'webhook', url: text };
    throw new Error(`${text} is not the address of a webhook: the operator calls only https://`);
  }
  const place = TASK_QUEUE.exec(text)?.[1];
  if (place === undefined) return { kind: 'inProcess', specifier: text };
  const slash = place.lastIndexOf('/');
  const [taskQueue, activity] = [place.slice(0, Math.max(slash, 0)), place.slice(slash + 1)];
  if (taskQueue !== '' && activity !== '') return { kind: 'taskQueue', taskQueue, activity };
  throw new Error(`${text} does not name a queue and an activity: taskqueue:<queue>/<activity>`);
}
