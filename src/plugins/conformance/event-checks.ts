/** Events that are right, and unlike those that the author tried. */
import type { MemoryNotify } from '../../contract/notifier.ts';
import { placeOf, type AskOptions, type Asker } from './asker.ts';
import { failed, PASSED, type Check, type Finding } from './check.ts';
import { onEachRoad } from './each-road.ts';
import { quoteReply } from './verdict.ts';

const SECTION = 'plugins.md#what-a-plugin-is-asked';
/** 8 PiB: its address does not fit into a double, its first page not into 32 bits, its id into any integer. */
const FAR_BLOCK = 2 ** 26 + 1;

/** A field that is added later does not make a new version of the contract. */
export const unknownFields: Check = {
  name: 'unknown-fields',
  rule: 'fields that it does not know are ignored: new ones come without a new apiVersion',
  section: SECTION,
  play: (asker) =>
    askEach(asker, 'with a field that no plugin knows', {
      edit: (event) => ({ ...event, fieldOfALaterVersion: { nested: [1, 'two', null] } }),
    }),
};

export const missingFields: Check = {
  name: 'missing-fields',
  rule: 'numaNode and onlineType may be missing, and tokens may be empty',
  section: SECTION,
  play: (asker) => askEach(asker, 'without numaNode and onlineType, tokens empty', { edit: withoutOptional }),
};

function withoutOptional(event: MemoryNotify): MemoryNotify {
  return {
    ...Object.fromEntries(Object.entries(event).filter(([name]) => !OPTIONAL.has(name))),
    tokens: {},
  } as MemoryNotify;
}

const OPTIONAL: ReadonlySet<string> = new Set(['numaNode', 'onlineType'] satisfies (keyof MemoryNotify)[]);

export const largeNumbers: Check = {
  name: 'large-numbers',
  rule: 'startPfn is beyond 2^32 on large machines, and physicalAddress is text because it can be beyond 2^53',
  section: SECTION,
  play: (asker) => {
    const { physicalAddress, startPfn } = placeOf(FAR_BLOCK);
    const what = `of block ${String(FAR_BLOCK)} at ${physicalAddress}, pfn ${String(startPfn)}`;
    return askEach(asker, what, {}, FAR_BLOCK);
  },
};

function askEach(asker: Asker, what: string, options: AskOptions, blockId?: number): Promise<Finding> {
  return onEachRoad(asker, ['going'], async ({ going }) => {
    const reply = await asker.ask(asker.run(blockId === undefined ? {} : { blockId }), going, options);
    return reply.kind === 'answer' ? PASSED : failed(`${going} ${what}: ${quoteReply(reply)}`);
  });
}
