// What made a model say a token: effects of dictionary features on its logit, the largest measured by ablation, and any that
// are asked for. The sessions stay open for the next question, since opening them takes far longer than a pass.
import { join } from 'node:path';
import * as v from 'valibot';
import { AppError } from '../../contract/base/errors.ts';
import { estimatorSchema } from '../../contract/domain/attribution.ts';
import { parseEdit } from '../../contract/domain/edit.ts';
import { Attributor } from '../../core/attribution/attribute.ts';
import { logitMetric } from '../../core/attribution/metric.ts';
import { hashDictionary } from '../../core/dictionaries/dictionary.ts';
import { CONFIG_FILE, loadDictionary } from '../../core/dictionaries/saeLens.ts';
import { fixEdit, type FixedEdit } from '../../core/edits/editPatches.ts';
import { canonicalJson } from '../../core/edits/canonical.ts';
import { checkTokens } from '../../core/models/modelInput.ts';
import { NextTokens, openedTokens } from '../../core/models/nextTokens.ts';
import type { Tokenizer } from '../../core/models/tokenizer.ts';
import type { Runtime } from '../../core/onnx/runtime.ts';
import { fileStamp, modelStamp } from '../stamps.ts';
import { SessionCache } from '../sessionCache.ts';
import { defineTask } from '../task.ts';
import { modelEntries, openTaskModel } from './model.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
/** A token by its id, or by its text where that is one token. */
const tokenEntry = v.union([whole, v.string()]);

const opened = {
  ...modelEntries,
  /** Operations as in an edit's file: the edited model is explained. */
  edit: v.unknown(),
  /** Folders of the dictionaries that the edit names. */
  editDictionaries: v.array(v.string()),
  /** Folders, one dictionary a site. */
  dictionaries: v.array(v.string()),
  estimator: estimatorSchema,
};

interface Explainer {
  readonly attributor: Attributor;
  readonly next: NextTokens;
  readonly tokenizer: Tokenizer;
  readonly edit: FixedEdit;
  release(): Promise<void>;
}

const explainers = new SessionCache<Explainer>({ most: 1, idleMs: 120_000 });

type Opened = v.InferOutput<v.ObjectSchema<typeof opened, undefined>>;

async function withExplainer<R>(runtime: Runtime, input: Opened, work: (of: Explainer) => Promise<R>): Promise<R> {
  const { folder, hashCache, bos, dictionaries, editDictionaries, estimator } = input;
  const edit = parseEdit(input.edit);
  const stamps = await Promise.all([
    modelStamp({ folder, bos }),
    ...[...dictionaries, ...editDictionaries].map((of) => fileStamp(join(of, CONFIG_FILE))),
  ]);
  const key = JSON.stringify([runtime.device, stamps, estimator, canonicalJson(edit)]);
  const open = async (): Promise<Explainer> => {
    const model = await openTaskModel({ folder, hashCache, bos });
    const tokenizer = await model.tokenizer();
    const load = (folders: readonly string[]) => Promise.all(folders.map((of) => loadDictionary(of)));
    const places = (await load(dictionaries)).map((dictionary) => ({ site: dictionary.site, dictionary }));
    const named = new Map((await load(editDictionaries)).map((dictionary) => [hashDictionary(dictionary), dictionary]));
    const fixed = fixEdit(edit, named, model.config.bosTokenId);
    const { patches } = fixed;
    const attributor = await Attributor.open({ model, runtime, places, patches, estimator });
    const next = new NextTokens({ model, runtime, patches, count: 1 });
    const release = async () => {
      await attributor.release();
      await next.release();
    };
    return { attributor, next, tokenizer, edit: fixed, release };
  };
  return explainers.use(key, open, work);
}

export const explainToken = defineTask({
  lane: 'quick',
  input: v.object({
    ...opened,
    /** A text, which is opened by the BOS token where the tokenizer has one; or its tokens as they are. */
    text: v.union([v.string(), v.array(whole)]),
    /** Index of the token to explain; the next one when left out. */
    token: v.exactOptional(whole),
    /** What is explained there; that token of the text, or the likeliest next one, when left out. */
    target: v.exactOptional(tokenEntry),
    against: v.exactOptional(tokenEntry),
    count: whole,
    /** How many of the largest effects are measured. */
    measured: whole,
    /** Features that are ablated, too: at a position, or at all of them. */
    ablated: v.array(v.object({ site: v.string(), feature: whole, position: v.nullable(whole) })),
  }),
  run: async ({ text, token, target, against, count, measured, ablated, ...rest }, { runtime, signal }) =>
    withExplainer(runtime, rest, async ({ attributor, next, tokenizer, edit }) => {
      const { model } = attributor;
      const all = typeof text === 'string' ? openedTokens(tokenizer, text) : text;
      checkTokens(model.config, [all]);
      const end = token ?? all.length;
      if (end === 0 || end > all.length || (token !== undefined && end === all.length && target === undefined)) {
        throw new AppError(
          'usage',
          all.length === 1
            ? 'The text is a single token, with nothing before it that could explain it.'
            : `Token ${end} cannot be explained: choose one from 1 to ${all.length - 1}.`,
        );
      }
      const ids = all.slice(0, end);
      const feeds = (batch: number) => edit.feeds({ batch, promptLengths: new Array<number>(batch).fill(ids.length) });
      const facts = { feeds, signal };
      const idOf = (given: number | string) => (typeof given === 'string' ? singleToken(tokenizer, given) : given);
      const explained = target === undefined ? (all[end] ?? (await next.after(ids, feeds(1)))[0]?.id) : idOf(target);
      if (explained === undefined) throw new AppError('internal', 'The engine gave no next token.');
      const rival = against === undefined ? null : idOf(against);
      const metric = { ids, metric: logitMetric(ids.length - 1, explained, rival) };
      const { value, sites, effects } = await attributor.attribute(metric, { count, measuresSums: true, ...facts });
      const largest = effects.slice(0, measured);
      const outside = ablated.find(({ position }) => position !== null && position >= ids.length);
      if (outside) {
        throw new AppError(
          'usage',
          `Position ${outside.position} is outside the text before the token, whose positions are 0 to ${ids.length - 1}.`,
        );
      }
      const asked = ablated.map(({ feature, ...place }) => ({ ...place, unit: feature }));
      const changes = await attributor.ablate(metric, [...largest, ...asked], facts);
      const named = (id: number) => ({ id, text: tokenizer.tokenText(id) });
      return {
        tokens: ids.map((id) => tokenizer.tokenText(id)),
        token: named(explained),
        against: rival === null ? null : named(rival),
        value,
        sites: sites.map(({ kind: _, measured: change, ...site }) => ({ ...site, measured: change ?? NaN })),
        effects: effects.map(({ site, unit, position, activation, effect }, index) => ({
          ...{ site, feature: unit, position, activation, effect },
          measured: index < largest.length ? (changes[index] ?? null) : null,
        })),
        ablated: changes.slice(largest.length),
      };
    }),
});

function singleToken(tokenizer: Tokenizer, text: string): number {
  const [id, ...more] = tokenizer.encode(text);
  if (id !== undefined && more.length === 0) return id;
  const count = id === undefined ? 0 : more.length + 1;
  throw new AppError('usage', `${JSON.stringify(text)} is not one token of this model, but ${count}.`);
}
