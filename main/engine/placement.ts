// Where the operators of a session really ran. ONNX Runtime gives an operator that a device does not implement to the CPU
// without a word, and copies its inputs and outputs across; a person waiting for a slow GPU should hear of it. The
// profile of a session's first run names the provider of every node, those inside loops and the copies included.
import * as v from 'valibot';
import { validate } from '../contract/base/validate.ts';
import type { DeviceName } from '../core/onnx/runtime.ts';

/** Distinct nodes, by provider and operator type: `{ WebGpuExecutionProvider: { MatMul: 12 } }`. */
export type Placement = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface Fallback {
  readonly device: DeviceName;
  /** Nodes of the graph that ran on the CPU although another device was chosen, by operator type. */
  readonly operators: Readonly<Record<string, number>>;
  /** Of how many nodes. */
  readonly nodes: number;
}

const profileSchema = v.array(
  v.looseObject({
    cat: v.optional(v.string()),
    name: v.optional(v.string()),
    args: v.optional(v.looseObject({ provider: v.optional(v.string()), op_name: v.optional(v.string()) })),
  }),
);

/** @param profile the JSON that ONNX Runtime's endProfiling writes. */
export function readPlacement(profile: string): Placement {
  const events = validate(profileSchema, JSON.parse(profile), 'The profile of ONNX Runtime', 'internal');
  const nodes = new Map<string, { provider: string; operator: string }>();
  for (const { cat, name, args } of events) {
    if (cat !== 'Node' || name === undefined || !args?.provider || !args.op_name) continue;
    nodes.set(`${name} ${args.op_name}`, { provider: args.provider, operator: args.op_name });
  }
  const placement: Record<string, Record<string, number>> = {};
  for (const { provider, operator } of nodes.values()) {
    const counts = (placement[provider] ??= {});
    counts[operator] = (counts[operator] ?? 0) + 1;
  }
  return placement;
}

/** Control flow is always the CPU's, and costs nothing there: its body may run elsewhere. */
const CONTROL_FLOW = new Set(['Loop', 'If', 'Scan']);

/** What fell back to the CPU; null when nothing did. */
export function fallbackOf(placement: Placement, device: DeviceName): Fallback | null {
  if (device === 'cpu') return null;
  const onCpu = Object.entries(placement['CPUExecutionProvider'] ?? {}).filter(([name]) => !CONTROL_FLOW.has(name));
  if (onCpu.length === 0) return null;
  const nodes = Object.values(placement)
    .flatMap((counts) => Object.values(counts))
    .reduce((sum, count) => sum + count, 0);
  return { device, operators: Object.fromEntries(onCpu.sort((a, b) => b[1] - a[1])), nodes };
}

export function describeFallback({ device, operators, nodes }: Fallback): string {
  const list = Object.entries(operators).map(([operator, count]) => (count === 1 ? operator : `${operator} ×${count}`));
  const count = Object.values(operators).reduce((sum, each) => sum + each, 0);
  return `${count} of ${nodes} operators ran on the CPU, not on ${device}: ${list.join(', ')}.`;
}
