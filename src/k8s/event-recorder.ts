/** Kubernetes events (events.k8s.io/v1) about objects of ours. */
import { createHash } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import type { ObjectMeta } from '../contract/resources.ts';
import { cutBytes } from '../controller/cut-bytes.ts';
import type { BlockEvent, NodeEvent } from '../controller/event-of.ts';
import { isConflict } from './api-error.ts';
import { apiRequest } from './api-request.ts';
import type { ResourceKind } from './resource-kind.ts';

/** Events about cluster-scoped objects live here, as those of Nodes do; `kubectl describe` looks here for them. */
const NAMESPACE = 'default';
const REPORTING_CONTROLLER = 'memoryhotplug.io/memhp-operator';
/** Limits of events.k8s.io/v1; that of the note is in bytes. */
const NOTE_BYTES_MAX = 1024;
const INSTANCE_MAX = 128;
/** Leaves room for the digest within the 253 characters of a name. */
const NAME_PREFIX_MAX = 200;

/** What is told about any kind of object. */
export type ObjectEvent = BlockEvent | NodeEvent;

export class EventRecorder {
  readonly #kubeConfig: KubeConfig;
  readonly #instance: string;

  /** `instance`: which of several operators this is, such as its pod's name. */
  constructor(kubeConfig: KubeConfig, instance: string) {
    this.#kubeConfig = kubeConfig;
    this.#instance = instance.slice(0, INSTANCE_MAX);
  }

  /** The event's name follows from its key, so telling it again changes nothing. Throws an ApiError. */
  async record(
    { apiVersion, kind }: ResourceKind,
    metadata: ObjectMeta,
    event: ObjectEvent,
    nowMs: number,
  ): Promise<void> {
    const digest = createHash('sha256').update(event.key).digest('hex').slice(0, 16);
    const body = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${metadata.name.slice(0, NAME_PREFIX_MAX)}.${digest}`, namespace: NAMESPACE },
      // metav1.MicroTime
      eventTime: new Date(nowMs).toISOString().replace('Z', '000Z'),
      reportingController: REPORTING_CONTROLLER,
      reportingInstance: this.#instance,
      action: event.action,
      type: event.type,
      reason: event.reason,
      regarding: { apiVersion, kind, name: metadata.name, uid: metadata.uid },
      note: cutBytes(event.note, NOTE_BYTES_MAX),
    };
    const path = `/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`;
    try {
      await apiRequest(this.#kubeConfig, { method: 'POST', path, body });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
}
