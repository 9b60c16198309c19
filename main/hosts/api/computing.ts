// The engine as a host uses it: the device is chosen with the first task that computes, fallbacks become lines of the job's
// log, and a crash is told to every window once. The engine is started anew with the next task.
import { toAppError, type AppError } from '../../contract/base/errors.ts';
import type { deviceSchema, Settings } from '../../contract/api/app.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { chooseDevice, type DeviceChoice } from '../../engine/devices.ts';
import type { EngineLauncher } from '../../engine/launcher.ts';
import { describeFallback } from '../../engine/placement.ts';
import type { Tasks } from '../../engine/tasks.ts';
import type { DeviceName } from '../../core/onnx/runtime.ts';
import type { Speed, StepSize } from '../../workbench/speed.ts';
import type { Compute } from '../../workbench/compute.ts';
import type { InferOutput } from 'valibot';
import type { EventBus } from './eventBus.ts';

export type DeviceFacts = InferOutput<typeof deviceSchema>;
type DeviceRequest = Settings['device'];

/** Tasks that read headers and files only: no device is needed for them, so none is tried. */
const WITHOUT_DEVICE: ReadonlySet<string> = new Set(['model.inspect', 'model.describe', 'export.plan']);
/** Pending calls of one crash reject together: they are one notice. */
const ONE_CRASH_MS = 1000;

export class Computing implements Speed {
  readonly #launch: EngineLauncher;
  readonly #engine: Engine<Tasks>;
  readonly #events: EventBus;
  #requested: DeviceRequest;
  #choice: Promise<DeviceChoice> | null = null;
  #facts: DeviceFacts;
  #crashToldAt = -Infinity;

  constructor(launch: EngineLauncher, requested: DeviceRequest, events: EventBus) {
    this.#launch = launch;
    this.#engine = createEngine<Tasks>(launch);
    this.#events = events;
    this.#requested = requested;
    this.#facts = unknownDevice(requested);
  }

  readonly compute: Compute = (task, input, { onLog, ...options } = {}) =>
    this.#deviceFor(task).then((device) =>
      this.#engine
        .run(task, input, {
          ...options,
          device,
          onLog: (line) => onLog?.(line),
          onFallback: (fallback) => onLog?.(describeFallback(fallback)),
        })
        .catch((thrown: unknown) => {
          const error = toAppError(thrown);
          if (error.code === 'engine-crashed') this.#tellCrash(error);
          throw error;
        }),
    );

  readonly computeAfresh: Compute = (task, input, { onLog, ...options } = {}) => {
    const engine = createEngine<Tasks>(this.#launch);
    return this.#deviceFor(task)
      .then((device) =>
        engine.run(task, input, {
          ...options,
          device,
          onLog: (line) => onLog?.(line),
          onFallback: (fallback) => onLog?.(describeFallback(fallback)),
        }),
      )
      .finally(() => engine.stop());
  };

  async #deviceFor(task: string): Promise<DeviceName> {
    return WITHOUT_DEVICE.has(task) ? 'cpu' : (await this.choose()).device;
  }

  get facts(): DeviceFacts {
    return this.#facts;
  }

  /** @throws AppError `device` when the device asked for cannot be used. */
  choose({ isReport = false }: { isReport?: boolean } = {}): Promise<DeviceChoice> {
    this.#choice ??= this.#decide(isReport);
    return this.#choice;
  }

  /** Tries all devices anew. */
  async measure(): Promise<DeviceFacts> {
    this.#choice = null;
    await this.choose({ isReport: true }).catch(() => undefined); // the facts tell
    return this.#facts;
  }

  /** From the next task on. */
  request(requested: DeviceRequest): void {
    if (requested === this.#requested) return;
    this.#requested = requested;
    this.#choice = null;
    this.#set(unknownDevice(requested));
  }

  /** 10⁹ floating point operations per second of the chosen device; null when it cannot be measured. */
  async gigaflops(): Promise<number | null> {
    try {
      const { device, candidates } = await this.choose();
      const known = candidates.find((candidate) => candidate.device === device)?.gigaflops;
      this.#measured ??= known ?? (await this.compute('device.probe', {})).gigaflops;
      return this.#measured;
    } catch {
      return null;
    }
  }
  #measured: number | null = null;

  /** Seconds of a training step on the chosen device, measured once for each size; null when that cannot be done. */
  async stepSeconds(size: StepSize): Promise<number | null> {
    try {
      const { device } = await this.choose();
      const key = `${device} ${Object.values(size).join()}`;
      const known = this.#stepSeconds.get(key);
      if (known !== undefined) return known;
      const { seconds } = await this.compute('dictionary.stepTime', size);
      this.#stepSeconds.set(key, seconds);
      return seconds;
    } catch {
      return null;
    }
  }
  readonly #stepSeconds = new Map<string, number>();

  async stop(): Promise<void> {
    await this.#engine.stop();
  }

  kill(): void {
    this.#engine.kill();
  }

  async #decide(isReport: boolean): Promise<DeviceChoice> {
    const requested = this.#requested;
    this.#measured = null;
    this.#set({ ...unknownDevice(requested), state: 'choosing', reason: 'Devices are being tried.' });
    try {
      const choice = await chooseDevice(this.#launch, requested, { isReport });
      if (requested === this.#requested) this.#set({ state: 'chosen', ...choice, candidates: [...choice.candidates] });
      return choice;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (requested === this.#requested) {
        this.#choice = null;
        this.#set({ ...unknownDevice(requested), state: 'failed', reason: error.message });
      }
      throw error;
    }
  }

  #set(facts: DeviceFacts): void {
    this.#facts = facts;
    this.#events.emit({ type: 'device', device: facts });
  }

  #tellCrash(error: AppError): void {
    const now = performance.now();
    if (now - this.#crashToldAt < ONE_CRASH_MS) return;
    this.#crashToldAt = now;
    const lines = error.details['lastLines'];
    this.#events.notice(
      'error',
      `${error.message} What was under way can be resumed from its last checkpoint.`,
      error.code,
      Array.isArray(lines) ? lines.join('\n') : null,
    );
  }
}

function unknownDevice(requested: DeviceRequest): DeviceFacts {
  return {
    state: 'unknown',
    requested,
    device: null,
    reason: 'Nothing has been computed yet.',
    candidates: [],
    driver: null,
    onnxruntime: null,
  };
}
