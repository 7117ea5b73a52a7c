import { defineSearchAttributeKey } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../contract/names.ts';

export const searchAttributeKeys = {
  node: defineSearchAttributeKey(SEARCH_ATTRIBUTES.node, 'KEYWORD'),
  block: defineSearchAttributeKey(SEARCH_ATTRIBUTES.block, 'KEYWORD'),
  operation: defineSearchAttributeKey(SEARCH_ATTRIBUTES.operation, 'KEYWORD'),
} as const;
