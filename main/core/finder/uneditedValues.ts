// What flows at a site of the unedited model, kept for texts that are read again and again: edits at that site and behind it
// change nothing before it, so a search need not compute the layers before it more than once for each text.
import { Tensor } from 'onnxruntime-common';
import { AppError } from '../../contract/base/errors.ts';
import type { Model } from '../models/model.ts';
import { findSite, type Site } from '../models/sites.ts';
import { tokenTensor } from '../models/tokenBatch.ts';
import { buildVariant, type Patch } from '../models/variant.ts';
import type { Runtime, Session } from '../onnx/runtime.ts';

const INPUT = 'unedited';
/** What is kept; beyond it, all is forgotten and kept anew. */
const MOST_BYTES = 512 << 20;
const TOKENS_PER_RUN = 4096;

export class UneditedValues {
  readonly #site: Site;
  readonly #session: Session;
  readonly #kept = new Map<string, Float32Array>();
  #bytes = 0;
  /** Makes a graph begin at the site, with the input that `feeds` gives. To stand before all other patches. */
  readonly patch: Patch;

  private constructor(site: Site, session: Session) {
    this.#site = site;
    this.#session = session;
    this.patch = { site: site.name, apply: ({ graph, type, shape }) => graph.input(INPUT, type, shape) };
  }

  /** @param sites where edits act; the first of them in the order of the model is where graphs begin. */
  static async open(model: Model, runtime: Runtime, sites: readonly string[]): Promise<UneditedValues> {
    const first = model.sites.find(({ name }) => sites.includes(name));
    const site = findSite(model.sites, first?.name ?? sites[0] ?? '');
    const graph = buildVariant(model, { taps: [site.name] });
    return new UneditedValues(site, await runtime.createSession(graph, { weightsFolder: model.weightsFolder }));
  }

  /** @param rows token ids, of like lengths: shorter ones are padded on the right. */
  async feeds(rows: readonly (readonly number[])[]): Promise<Record<string, Tensor>> {
    const width = rows.reduce((longest, row) => Math.max(longest, row.length), 0);
    const values = await this.#valuesOf(rows);
    const data = new Float32Array(rows.length * width * this.#site.width);
    for (const [row, value] of values.entries()) data.set(value, row * width * this.#site.width);
    return { [INPUT]: new Tensor('float32', data, [rows.length, width, ...this.#axes()]) };
  }

  release(): Promise<void> {
    this.#kept.clear();
    return this.#session.release();
  }

  async #valuesOf(rows: readonly (readonly number[])[]): Promise<Float32Array[]> {
    if (this.#bytes > MOST_BYTES) {
      this.#kept.clear();
      this.#bytes = 0;
    }
    const missing = new Map(rows.map((row) => [row.join(), row] as const).filter(([key]) => !this.#kept.has(key)));
    await this.#compute([...missing.values()]);
    return rows.map((row) => {
      const value = this.#kept.get(row.join());
      if (!value) throw new AppError('internal', 'An unedited value is missing.');
      return value;
    });
  }

  async #compute(rows: readonly (readonly number[])[]): Promise<void> {
    const width = rows.reduce((longest, row) => Math.max(longest, row.length), 1);
    const perRun = Math.max(1, Math.floor(TOKENS_PER_RUN / width));
    for (let first = 0; first < rows.length; first += perRun) {
      const batch = rows.slice(first, first + perRun);
      const outputs = await this.#session.run({ input_ids: tokenTensor(batch, 'right') });
      const output = outputs[this.#site.name];
      if (!(output?.data instanceof Float32Array)) throw new AppError('internal', 'The engine gave no activations.');
      const [, time = 0] = output.dims;
      for (const [index, row] of batch.entries()) {
        const start = index * time * this.#site.width;
        const value = output.data.slice(start, start + row.length * this.#site.width);
        this.#kept.set(row.join(), value);
        this.#bytes += value.byteLength;
      }
    }
  }

  /** Sizes of the axes behind batch and time. */
  #axes(): number[] {
    return this.#site.shape.slice(2).filter((size) => typeof size === 'number');
  }
}
