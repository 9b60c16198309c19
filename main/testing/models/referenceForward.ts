// GPT-2 and Llama in double precision, one token and one number at a time, straight from the papers: what the graphs are
// compared with. Slow on purpose. Only tests import this file.
import type { TinyModel } from './tinyModels.ts';

type Vector = readonly number[];

export interface Forward {
  /** `[time][vocabularySize]` */
  readonly logits: readonly Vector[];
  /** By site, `[time][width]`, before a patch. */
  readonly sites: ReadonlyMap<string, readonly Vector[]>;
}

/** What flows on at a site, instead of its rows `[time][width]`. */
export type ReferencePatch = (site: string, rows: readonly Vector[]) => readonly Vector[];
const unpatched: ReferencePatch = (_site, rows) => rows;

const add = (a: Vector, b: Vector): number[] => a.map((x, i) => x + b[i]!);
const multiply = (a: Vector, b: Vector): number[] => a.map((x, i) => x * b[i]!);
const dot = (a: Vector, b: Vector): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const mean = (a: Vector): number => a.reduce((sum, x) => sum + x, 0) / a.length;

function softmax(a: Vector): number[] {
  const largest = Math.max(...a);
  const powers = a.map((x) => Math.exp(x - largest));
  const total = powers.reduce((sum, x) => sum + x, 0);
  return powers.map((x) => x / total);
}

class Reader {
  readonly #model: TinyModel;

  constructor(model: TinyModel) {
    this.#model = model;
  }

  vector(name: string): number[] {
    return Array.from(this.#model.tensors.get(name)!.values);
  }

  row(name: string, index: number): number[] {
    const { shape, values } = this.#model.tensors.get(name)!;
    return Array.from(values.slice(index * shape[1]!, (index + 1) * shape[1]!));
  }

  /** x·Wᵀ + b for torch's [out, in]. */
  linear(x: Vector, name: string): number[] {
    const out = this.#model.tensors.get(`${name}.weight`)!.shape[0]!;
    const y = Array.from({ length: out }, (_, index) => dot(x, this.row(`${name}.weight`, index)));
    return this.#model.tensors.has(`${name}.bias`) ? add(y, this.vector(`${name}.bias`)) : y;
  }

  /** x·W + b for GPT-2's [in, out]. */
  conv1d(x: Vector, name: string): number[] {
    return x.reduce<number[]>(
      (sum, xi, index) =>
        add(
          sum,
          this.row(`${name}.weight`, index).map((w) => w * xi),
        ),
      this.vector(`${name}.bias`),
    );
  }
}

/** Causal attention of one head over all positions: queries, keys, values are `[time][headDim]`. */
function attend(queries: readonly Vector[], keys: readonly Vector[], values: readonly Vector[]): number[][] {
  return queries.map((query, now) => {
    const scores = keys.slice(0, now + 1).map((key) => dot(query, key) / Math.sqrt(query.length));
    return softmax(scores).reduce<number[]>(
      (sum, weight, then) =>
        add(
          sum,
          values[then]!.map((v) => v * weight),
        ),
      values[0]!.map(() => 0),
    );
  });
}

/** `[time][heads·headDim]` → `[heads][time][headDim]`. */
function byHead(x: readonly Vector[], heads: number): number[][][] {
  const width = x[0]!.length / heads;
  return Array.from({ length: heads }, (_, head) => x.map((row) => row.slice(head * width, (head + 1) * width)));
}

const joinHeads = (heads: readonly (readonly Vector[])[]): number[][] =>
  heads[0]!.map((_, time) => heads.flatMap((head) => head[time]!));

export function referenceGpt2(model: TinyModel, ids: readonly number[], patch = unpatched): Forward {
  const read = new Reader(model);
  const { n_layer: layers, n_head: heads } = model.config as { n_layer: number; n_head: number };
  const sites = new Map<string, readonly Vector[]>();
  const site = (name: string, rows: readonly Vector[]) => (sites.set(name, rows), patch(name, rows));
  const normalize = (x: Vector) => {
    const centred = x.map((value) => value - mean(x));
    return centred.map((value) => value / Math.sqrt(mean(multiply(centred, centred)) + 1e-5));
  };
  const scale = (x: Vector, name: string) =>
    add(multiply(x, read.vector(`${name}.weight`)), read.vector(`${name}.bias`));
  const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

  const words = site(
    'hook_embed',
    ids.map((id) => read.row('transformer.wte.weight', id)),
  );
  let x: readonly Vector[] = words.map((word, position) => add(word, read.row('transformer.wpe.weight', position)));
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string) => `transformer.h.${layer}.${part}`;
    const here = (part: string, rows: readonly Vector[]) => site(`blocks.${layer}.${part}`, rows);
    x = here('hook_resid_pre', x);
    const qkv = x.map((row) => read.conv1d(scale(normalize(row), name('ln_1')), name('attn.c_attn')));
    const [q, k, v] = [0, 1, 2].map((part) => {
      const width = qkv[0]!.length / 3;
      return byHead(
        qkv.map((row) => row.slice(part * width, (part + 1) * width)),
        heads,
      );
    });
    const z = here('attn.hook_z', joinHeads(q!.map((query, head) => attend(query, k![head]!, v![head]!))));
    const attended = here(
      'hook_attn_out',
      z.map((row) => read.conv1d(row, name('attn.c_proj'))),
    );
    const middle = here(
      'hook_resid_mid',
      x.map((row, t) => add(row, attended[t]!)),
    );
    const normalized = here('ln2.hook_normalized', middle.map(normalize));
    const post = here(
      'mlp.hook_post',
      normalized.map((row) => read.conv1d(scale(row, name('ln_2')), name('mlp.c_fc')).map(gelu)),
    );
    const written = here(
      'hook_mlp_out',
      post.map((row) => read.conv1d(row, name('mlp.c_proj'))),
    );
    x = here(
      'hook_resid_post',
      middle.map((row, t) => add(row, written[t]!)),
    );
  }
  const logits = x.map((row) => read.linear(scale(normalize(row), 'transformer.ln_f'), 'transformer.wte'));
  return { logits, sites };
}

export function referenceLlama(model: TinyModel, ids: readonly number[], patch = unpatched): Forward {
  const read = new Reader(model);
  const {
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    rope_parameters: { rope_theta: theta },
  } = model.config as {
    num_hidden_layers: number;
    num_attention_heads: number;
    num_key_value_heads: number;
    rope_parameters: { rope_theta: number };
  };
  const sites = new Map<string, readonly Vector[]>();
  const site = (name: string, rows: readonly Vector[]) => (sites.set(name, rows), patch(name, rows));
  const normalize = (x: Vector) => x.map((value) => value / Math.sqrt(mean(multiply(x, x)) + 1e-6));
  const norm = (x: Vector, name: string) => multiply(normalize(x), read.vector(`${name}.weight`));
  const silu = (x: number) => x / (1 + Math.exp(-x));
  /** Coordinates i and i + d/2 are the real and imaginary part of a number turned by position·θ^(−2i/d). */
  const turn = (x: Vector, position: number) => {
    const half = x.length / 2;
    return x.map((value, i) => {
      const angle = position * theta ** ((-2 * (i % half)) / x.length);
      return i < half
        ? value * Math.cos(angle) - x[i + half]! * Math.sin(angle)
        : value * Math.cos(angle) + x[i - half]! * Math.sin(angle);
    });
  };

  let x = site(
    'hook_embed',
    ids.map((id) => read.row('model.embed_tokens.weight', id)),
  );
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string) => `model.layers.${layer}.${part}`;
    const here = (part: string, rows: readonly Vector[]) => site(`blocks.${layer}.${part}`, rows);
    x = here('hook_resid_pre', x);
    const input = x.map((row) => norm(row, name('input_layernorm')));
    const project = (part: string, count: number) =>
      byHead(
        input.map((row) => read.linear(row, name(`self_attn.${part}_proj`))),
        count,
      );
    const q = project('q', heads).map((head) => head.map(turn));
    const k = project('k', keyValueHeads).map((head) => head.map(turn));
    const v = project('v', keyValueHeads);
    const group = heads / keyValueHeads;
    const keyHead = (head: number) => Math.floor(head / group);
    const z = here(
      'attn.hook_z',
      joinHeads(q.map((query, head) => attend(query, k[keyHead(head)]!, v[keyHead(head)]!))),
    );
    const attended = here(
      'hook_attn_out',
      z.map((row) => read.linear(row, name('self_attn.o_proj'))),
    );
    const middle = here(
      'hook_resid_mid',
      x.map((row, t) => add(row, attended[t]!)),
    );
    const normalized = here('ln2.hook_normalized', middle.map(normalize));
    const post = here(
      'mlp.hook_post',
      normalized.map((row) => {
        const scaled = multiply(row, read.vector(name('post_attention_layernorm.weight')));
        return multiply(read.linear(scaled, name('mlp.gate_proj')).map(silu), read.linear(scaled, name('mlp.up_proj')));
      }),
    );
    const written = here(
      'hook_mlp_out',
      post.map((row) => read.linear(row, name('mlp.down_proj'))),
    );
    x = here(
      'hook_resid_post',
      middle.map((row, t) => add(row, written[t]!)),
    );
  }
  const logits = x.map((row) => read.linear(norm(row, 'model.norm'), 'lm_head'));
  return { logits, sites };
}
