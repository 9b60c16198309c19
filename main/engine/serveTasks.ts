// The engine's side of the channel to its host: the tasks of a table as procedures. Each waits in its lane for its turn, and
// tells its progress, thinned out, its chunks and what fell back to the CPU in the order in which they happen.
import { validate } from '../contract/base/validate.ts';
import { typed } from '../contract/rpc/procedure.ts';
import { serveTable, type Entry, type Served } from '../contract/rpc/server.ts';
import type { DeviceName, Runtime } from '../core/onnx/runtime.ts';
import { createLanes, type RunInLane } from './lanes.ts';
import { fallbackOf, type Placement } from './placement.ts';
import { createProgressMeter } from './progressMeter.ts';
import { PARTS } from './wholeProgress.ts';
import type { AnyTask, TaskCall, TaskNews, TaskTable } from './task.ts';

export type CreateRuntime = (
  device: DeviceName,
  options: { readonly onPlacement: (placement: Placement) => void },
) => Runtime;

export function serveTasks(tasks: TaskTable, createRuntime: CreateRuntime): Served {
  const runInLane = createLanes();
  const entries = Object.entries(tasks).map(
    ([name, task]) => [name, entryOf(name, task, runInLane, createRuntime)] as const,
  );
  return serveTable(new Map(entries), { maxInFlight: Infinity }); // the host is ours
}

function entryOf(name: string, task: AnyTask, runInLane: RunInLane, createRuntime: CreateRuntime): Entry {
  return {
    signature: { input: typed<TaskCall>(), output: task.output, chunk: typed<TaskNews>() },
    handle: async (call, { signal, send }) => {
      const { device, input } = call as TaskCall; // of our own host
      const checked: unknown = validate(task.input, input, name);
      const tell = (news: TaskNews) => send(news);
      return runInLane(task.lane, signal, async () => {
        const meter = createProgressMeter((progress) => tell({ type: 'progress', progress }), undefined, PARTS[name]);
        const output: unknown = await task.run(checked, {
          runtime: createRuntime(device, { onPlacement: fallbackTeller(device, tell) }),
          signal,
          onWork: meter.onWork,
          onChunk: (chunk: unknown) => tell({ type: 'chunk', chunk }),
          log: (line) => tell({ type: 'log', line }),
        });
        meter.flush();
        return output;
      });
    },
  };
}

/** Tells when operators fall back to the CPU; once for each set of them. */
function fallbackTeller(device: DeviceName, tell: (news: TaskNews) => void): (placement: Placement) => void {
  const told = new Set<string>();
  return (placement) => {
    const fallback = fallbackOf(placement, device);
    if (!fallback || told.has(JSON.stringify(fallback))) return;
    told.add(JSON.stringify(fallback));
    tell({ type: 'fallback', fallback });
  };
}
