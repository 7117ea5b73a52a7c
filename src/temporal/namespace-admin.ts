/** What makes a Temporal namespace ready for this project, on a real server. */
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { msToTs, optionalTsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';

/** Every method rejects with the server's own error; see `isRefused`. */
export interface NamespaceAdmin {
  /** How long closed workflows are kept, in ms; undefined: there is no such namespace. */
  retentionMs(): Promise<number | undefined>;
  create(retentionMs: number): Promise<void>;
  changeRetention(retentionMs: number): Promise<void>;
  /** Type of each custom search attribute: `Keyword`, `Int`. */
  searchAttributes(): Promise<Readonly<Record<string, string>>>;
  addKeywords(names: readonly string[]): Promise<void>;
}

const { IndexedValueType } = proto.temporal.api.enums.v1;
const TYPE_PREFIX = 'INDEXED_VALUE_TYPE_';
const DESCRIPTION = 'Operations and locks of memory-hotplug-operator';
const NOT_FOUND = 5;

export function namespaceAdmin(
  { workflowService, operatorService }: Pick<Connection, 'workflowService' | 'operatorService'>,
  namespace: string,
): NamespaceAdmin {
  return {
    async retentionMs() {
      try {
        const { config } = await workflowService.describeNamespace({ namespace });
        return optionalTsToMs(config?.workflowExecutionRetentionTtl) ?? 0;
      } catch (error) {
        if (isGrpcServiceError(error) && (error.code as number) === NOT_FOUND) return undefined;
        throw error;
      }
    },
    async create(retentionMs) {
      await workflowService.registerNamespace({
        namespace,
        description: DESCRIPTION,
        workflowExecutionRetentionPeriod: msToTs(retentionMs),
      });
    },
    async changeRetention(retentionMs) {
      await workflowService.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: msToTs(retentionMs) },
      });
    },
    async searchAttributes() {
      const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
      return Object.fromEntries(Object.entries(customAttributes).map(([name, type]) => [name, typeName(type)]));
    },
    async addKeywords(names) {
      const keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
      const searchAttributes = Object.fromEntries(names.map((name) => [name, keyword]));
      await operatorService.addSearchAttributes({ namespace, searchAttributes });
    },
  };
}

/** `Keyword`, as the `temporal` command spells it. */
function typeName(type: proto.temporal.api.enums.v1.IndexedValueType): string {
  const words = IndexedValueType[type].replace(TYPE_PREFIX, '').toLowerCase().split('_');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
