/**
 * How workflows read what others send them: as the SDK does, but what a plugin on a task queue answers, or somebody signals,
 * and cannot be read, is a value too. The SDK would fail the workflow task, again and again: a plugin whose worker encrypts
 * its answers would keep the locks of a node for ever. What our own activities return is read strictly: a task that fails
 * and is tried again is safe, a result that is not what it seems is not.
 */
import {
  DefaultPayloadConverter,
  type ConverterHint,
  type Payload,
  type SerializationContext,
} from '@temporalio/common';
import { PLUGIN_ACTIVITY_ID_PREFIX } from '../src/contract/names.ts';

class TolerantPayloadConverter extends DefaultPayloadConverter {
  override fromPayload<T>(payload: Payload, context?: SerializationContext, hint?: ConverterHint<T>): T {
    try {
      return super.fromPayload<T>(payload, context, hint);
    } catch (error) {
      if (isOurs(context)) throw error;
      // Has no field of anything that is expected, so whoever reads it finds out, and can quote why.
      return { unreadable: error instanceof Error ? error.message : String(error) } as T;
    }
  }
}

function isOurs(context: SerializationContext | undefined): boolean {
  return context?.type === 'activity' && context.activityId?.startsWith(PLUGIN_ACTIVITY_ID_PREFIX) !== true;
}

/** Under this name the SDK looks for it. */
export const payloadConverter = new TolerantPayloadConverter();
