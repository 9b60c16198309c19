// What a language model of the person's own is asked about features: an idea for a label, and whether a label predicts where
// its feature fires. Only when somebody asks, and nothing is saved.
import type { Endpoint, Settings } from '../contract/api/app.ts';
import { rateEstimate } from '../core/evaluation/intervals.ts';
import { askChat, checkEndpoint } from '../core/labels/chatEndpoint.ts';
import {
  detectionQuestion,
  labelQuestion,
  readDetections,
  readLabel,
  shownExamples,
} from '../core/labels/labelPrompts.ts';
import { Random } from '../core/numerics/random.ts';
import { withStatistics } from './features.ts';
import { firingExamples, silentExamples } from './heldOutExamples.ts';
import type { Workbench } from './workbench.ts';

const LABEL_TOKENS = 400;
const DETECTION_TOKENS = 800;
/** Texts of each kind. */
const TEXTS = 8;
const SEED = 1;

interface Asked {
  /** Name of the dictionary. */
  readonly dictionary: string;
  readonly feature: number;
}

/** @throws AppError `unreachable`, `permission`, `empty` for a feature that never fires. */
export async function askForLabel(workbench: Workbench, endpoint: Endpoint, asked: Asked, signal: AbortSignal) {
  const page = await withStatistics(workbench, asked.dictionary, (reader) => reader.page(asked.feature));
  firingExamples(page, 1, [], new Random(SEED)); // says so when there are none
  const answer = await askChat(endpoint, labelQuestion(page), { maxTokens: LABEL_TOKENS, signal, key: keyOf() });
  return { text: readLabel(answer), model: endpoint.model, examples: shownExamples(page).length };
}

/** Held-out texts: none of those that askForLabel shows. @throws AppError as askForLabel; `empty` for too few examples. */
export async function scoreLabel(
  workbench: Workbench,
  endpoint: Endpoint,
  { dictionary, feature, text }: Asked & { readonly text: string },
  signal: AbortSignal,
) {
  const texts = await withStatistics(workbench, dictionary, async (reader) => {
    const random = new Random(SEED);
    const page = await reader.page(feature);
    const firing = firingExamples(page, TEXTS, shownExamples(page), random);
    const request = { dictionary, feature, count: TEXTS };
    const silent = await silentExamples(workbench, reader, request, random, signal);
    const all = [
      ...firing.map(({ tokens }) => ({ tokens, fires: true })),
      ...silent.map(({ tokens }) => ({ tokens, fires: false })),
    ];
    const order = Uint32Array.from({ length: all.length }, (_, index) => index);
    random.shuffle(order);
    return [...order].flatMap((index) => all[index] ?? []);
  });
  const question = detectionQuestion(text, texts);
  const answer = await askChat(endpoint, question, { maxTokens: DETECTION_TOKENS, signal, key: keyOf() });
  const said = readDetections(answer, texts.length);
  const count = (fires: boolean) => {
    const own = texts.flatMap((each, index) => (each.fires === fires ? [said[index] === fires] : []));
    return { right: own.filter(Boolean).length, of: own.length };
  };
  const [firing, silent] = [count(true), count(false)];
  const right = firing.right + silent.right;
  const { low, high } = rateEstimate(right, texts.length);
  return { text, model: endpoint.model, right, of: texts.length, firing, silent, interval: [low, high] as const };
}

/** @throws AppError `usage`, `permission` for a language model that texts must not be sent to. */
export async function checkSettings({ suggestions }: Partial<Settings>): Promise<void> {
  if (suggestions) await checkEndpoint(suggestions);
}

/** A server that wants a key gets it from the environment: it lies in no file of ours. */
function keyOf(): string | undefined {
  return process.env['ERRATA_ENDPOINT_KEY'];
}
