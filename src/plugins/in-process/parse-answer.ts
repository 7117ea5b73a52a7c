import { Ajv } from 'ajv';
import type { NotifierAnswer, NotifierReply } from '../../contract/notifier.ts';
import { ERRNO } from '../../kernel/errno.ts';

/** A reason is part of an event's note, which holds 1024 bytes; the rest is for the plugin's name and the action. */
const REASON_LENGTH_MAX = 800;

const validate = new Ajv().compile<NotifierAnswer>({
  type: 'object',
  required: ['result'],
  additionalProperties: false,
  properties: {
    result: { enum: ['NOTIFY_DONE', 'NOTIFY_OK', 'NOTIFY_STOP', 'NOTIFY_BAD'] },
    errno: { enum: Object.keys(ERRNO) },
    reason: { type: 'string' },
    retryAfterSeconds: { type: 'integer', minimum: 1, maximum: 86_400 },
    outlook: { enum: ['Deferred', 'Infeasible'] },
  },
  // An errno says why something fails: of any other answer it is a mistake that must not pass for agreement.
  if: { required: ['errno'] },
  then: { properties: { result: { const: 'NOTIFY_BAD' } } },
});

/** The reply that a plugin's answer (JSON text) is: nonsense is an error that quotes it. */
export function parseAnswer(pluginName: string, text: string): NotifierReply {
  const answer = parseJson(text);
  if (!validate(answer)) {
    const [problem] = validate.errors ?? [];
    const where = `${problem?.instancePath ?? ''} ${problem?.message ?? 'is not an answer'}`.trim();
    return {
      kind: 'error',
      message: `plugin ${pluginName} answered nonsense: ${text.slice(0, 200)} (${where}); answer with ok(), done(), stop() or veto()`,
    };
  }
  const { reason } = answer;
  const isLong = reason !== undefined && reason.length > REASON_LENGTH_MAX;
  return {
    kind: 'answer',
    answer: isLong ? { ...answer, reason: `${reason.slice(0, REASON_LENGTH_MAX - 1)}…` } : answer,
  };
}

/** Undefined for what is no JSON: a plugin can write to the port itself. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
