/** `--name=value` for each, as the servers of Kubernetes and etcd read them. */
export function renderFlags(flags: Readonly<Record<string, string>>): string[] {
  return Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
}
