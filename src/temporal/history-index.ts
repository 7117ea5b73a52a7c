/** A workflow history in which an event finds the earlier one that it answers. */
import type { WorkflowHandle } from '@temporalio/client';
import type { PayloadConverter } from '@temporalio/common';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
export type HistoryEvent = NonNullable<History['events']>[number];
type EventId = HistoryEvent['eventId'];
type Payload = Parameters<PayloadConverter['fromPayload']>[0];

/** What carries arguments or results: the first of them is all that a lock entity uses. */
interface Payloads {
  readonly payloads?: readonly Payload[] | null;
}

export interface CompletedActivity {
  readonly name: string;
  readonly input: unknown;
  readonly result: unknown;
}

export interface Update {
  readonly name: string;
  readonly input: unknown;
}

export class HistoryIndex {
  readonly events: readonly HistoryEvent[];
  readonly #converter: PayloadConverter;
  readonly #byId: ReadonlyMap<string, HistoryEvent>;
  readonly #updates: ReadonlyMap<string, Update>;

  constructor(history: History, converter: PayloadConverter) {
    this.events = history.events ?? [];
    this.#converter = converter;
    this.#byId = new Map(this.events.map((event) => [String(event.eventId), event]));
    this.#updates = new Map(this.events.flatMap((event) => this.#updateIn(event)));
  }

  /** The first of `payloads`. */
  decode(payloads: Payloads | null | undefined): unknown {
    const payload = payloads?.payloads?.[0];
    return payload ? this.#converter.fromPayload(payload) : undefined;
  }

  /** As `decode`, of what anybody may have sent: undefined where it cannot be read. */
  decodeIfReadable(payloads: Payloads | null | undefined): unknown {
    try {
      return this.decode(payloads);
    } catch {
      return undefined;
    }
  }

  find(id: EventId): HistoryEvent | undefined {
    return this.#byId.get(String(id));
  }

  /** Undefined unless `event` is the completion of an activity. */
  completedActivity(event: HistoryEvent): CompletedActivity | undefined {
    const completed = event.activityTaskCompletedEventAttributes;
    const scheduled = completed && this.find(completed.scheduledEventId)?.activityTaskScheduledEventAttributes;
    if (!scheduled) return undefined;
    const name = scheduled.activityType?.name ?? '';
    return { name, input: this.decode(scheduled.input), result: this.decode(completed.result) };
  }

  update(id: string | null | undefined): Update | undefined {
    return this.#updates.get(id ?? '');
  }

  /** An update that was carried over a reset is admitted there; its acceptance does not repeat what it asked. */
  #updateIn(event: HistoryEvent): readonly (readonly [string, Update])[] {
    const request =
      event.workflowExecutionUpdateAdmittedEventAttributes?.request ??
      event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest;
    if (!request) return [];
    return [
      [
        request.meta?.updateId ?? '',
        { name: request.input?.name ?? '', input: this.decodeIfReadable(request.input?.args) },
      ],
    ];
  }
}
