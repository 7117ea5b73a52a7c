/**
 * Whether the kubelet still reports the memory that its node had before blocks came or went: it counts when it starts.
 *
 * A Node's capacity is what the kernel has left over of the memory that is online, so the two are never equal. What is
 * compared is how much was online when the kubelet's present figure was first seen: with the same figure for another
 * amount, one of them is old.
 *
 * Kubelet and agent report separately, in either order: after a reboot the kubelet is first as a rule, as it starts the
 * agent. So figures are compared only where both are known to be of the same boot.
 */
import { formatBytes, parseBytes } from '../contract/quantity.ts';
import type { Condition, KubeletMemory, NodeMemory } from '../contract/resources.ts';
import type { KubeletStatus, NodeObject } from './cluster.ts';

export const KUBELET_CAPACITY_STALE = 'KubeletCapacityStale';

/** The status as it should be, given the NodeMemory as it is. */
export function kubeletStatus(nodeMemory: NodeMemory, node: NodeObject | undefined, nowMs: number): KubeletStatus {
  const reported = node?.status?.capacity?.memory;
  const online = nodeMemory.status?.online;
  if (reported === undefined || online === undefined) return {};
  const boots = bootsOf(nodeMemory, node);
  if (boots === 'different' || !isServed(nodeMemory)) return kubeletStatusOf(nodeMemory);
  const bootId = nodeMemory.status?.bootId;
  const now: KubeletMemory = {
    capacity: normalized(reported),
    online: normalized(online),
    ...(bootId === undefined ? {} : { bootId }),
  };
  const kubelet = baseline(nodeMemory, now, boots === 'same');
  return { kubelet, conditions: [conditionOf(nodeMemory, kubelet, now.online, nowMs)] };
}

/** A simulated node boots by itself; what the kubelet says of the machine's boot is about another one. */
function bootsOf({ status }: NodeMemory, node: NodeObject | undefined): 'same' | 'different' | 'unknown' {
  const kubelets = node?.status?.nodeInfo?.bootID;
  if (status?.driver === 'simulated' || !status?.bootId || !kubelets) return 'unknown';
  return status.bootId === kubelets ? 'same' : 'different';
}

/** What an agent reported that was stopped since may be old. */
function isServed({ status }: NodeMemory): boolean {
  return (
    status?.conditions?.some((condition) => condition.type === 'AgentReady' && condition.status === 'True') ?? false
  );
}

/** How much was online when the kubelet counted. `isSameBoot`: both figures of `now` are certainly of the same boot. */
function baseline(nodeMemory: NodeMemory, now: KubeletMemory, isSameBoot: boolean): KubeletMemory {
  const known = nodeMemory.status?.kubelet;
  if (!known || known.bootId !== now.bootId) return now;
  if (known.capacity !== now.capacity) return isSameBoot ? recounted(nodeMemory, known, now) : now;
  const [capacity, then, online] = [known.capacity, known.online, now.online].map(parseBytes) as [
    number,
    number,
    number,
  ];
  // The agent has reported, after all, what the kubelet saw before it.
  const isLate = capacity > then && online >= capacity;
  const isConfirmed = known.counted !== undefined && isAbout(nodeMemory, parseBytes(known.counted), online);
  return isLate || isConfirmed ? now : known;
}

/**
 * The kernel keeps the same of the memory throughout a boot, as a rule, so the kubelet's figure grows and shrinks with what
 * it has counted. Where that is not what is online now, the agent is late with its report; or a balloon came or went. Only
 * its next report can tell.
 */
function recounted(nodeMemory: NodeMemory, known: KubeletMemory, now: KubeletMemory): KubeletMemory {
  const counted = parseBytes(known.counted ?? known.online) + parseBytes(now.capacity) - parseBytes(known.capacity);
  const isImpossible = counted < 0 || !Number.isSafeInteger(counted);
  if (isImpossible || isAbout(nodeMemory, counted, parseBytes(now.online))) return now;
  return { ...now, counted: formatBytes(counted) };
}

/** Less than half a block apart: of added memory the kernel keeps a little for its own bookkeeping. */
function isAbout({ status }: NodeMemory, bytes: number, online: number): boolean {
  return Math.abs(bytes - online) < parseBytes(status?.blockSize ?? '0') / 2;
}

/** The part of a NodeMemory's status that is written here, as it is. */
export function kubeletStatusOf({ status }: NodeMemory): KubeletStatus {
  const condition = conditionIn(status?.conditions);
  return {
    ...(status?.kubelet ? { kubelet: status.kubelet } : {}),
    ...(condition ? { conditions: [condition] } : {}),
  };
}

function conditionOf(nodeMemory: NodeMemory, kubelet: KubeletMemory, online: string, nowMs: number): Condition {
  const why = whyStale(nodeMemory.metadata.name, kubelet, online);
  const status = why === undefined ? 'False' : 'True';
  const before = conditionIn(nodeMemory.status?.conditions);
  return {
    type: KUBELET_CAPACITY_STALE,
    status,
    reason: why === undefined ? 'CapacityCurrent' : 'MemoryChanged',
    message: why ?? `the kubelet has reported ${kubelet.capacity} since ${kubelet.online} is online`,
    lastTransitionTime:
      before?.status === status ? before.lastTransitionTime : `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
  };
}

function whyStale(node: string, { capacity, online: then }: KubeletMemory, online: string): string | undefined {
  const [capacityBytes, thenBytes, onlineBytes] = [capacity, then, online].map(parseBytes) as [number, number, number];
  const remedy = `Restart the kubelet on ${node}, unless it follows memory hotplug by itself and is about to`;
  if (capacityBytes > onlineBytes) {
    return `the kubelet reports ${capacity}, and only ${online} is online: pods may be placed there for which there is no memory. ${remedy}`;
  }
  if (onlineBytes === thenBytes) return undefined;
  const until =
    onlineBytes > thenBytes
      ? 'pods are not given what was added'
      : 'pods may be placed there for which there is no memory';
  return `the kubelet reports ${capacity}, as when ${then} was online; now ${online} is: ${until}. ${remedy}`;
}

function conditionIn(conditions: readonly Condition[] | undefined): Condition | undefined {
  return conditions?.find(({ type }) => type === KUBELET_CAPACITY_STALE);
}

/** In one spelling, and one that the CRD accepts: a kubelet may write 16e9. */
function normalized(quantity: string): string {
  return formatBytes(parseBytes(quantity));
}
