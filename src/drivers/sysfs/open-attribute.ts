/** Attributes of devices that may go at any moment. */
import { closeSync, openSync, readFileSync } from 'node:fs';

/** An attribute, open. It belongs to one device: if that goes and another comes by its name, nothing is read any more. */
export interface OpenAttribute {
  /** Undefined where there is no such attribute, or its device has gone. */
  read(): string | undefined;
}

/** A file of a device that is being removed answers so, if it is still there. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO']);

/** Opens `file` for as long as `use` takes; it need not be there. */
export function withAttribute<T>(file: string, use: (attribute: OpenAttribute) => T): T {
  const descriptor = ifThere(() => openSync(file, 'r'));
  if (descriptor === undefined) return use({ read: () => undefined });
  try {
    return use({ read: () => ifThere(() => readFileSync(descriptor, 'utf8')) });
  } finally {
    closeSync(descriptor);
  }
}

/** What `read` gives; undefined where it fails because the file, or its device, is not there. */
export function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
