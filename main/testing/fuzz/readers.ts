// Every reader of a file that comes from a stranger, in one table: a valid sample, what is damaged in it, and how it is read. Whatever
// is in the file, a reader gives values that hold up or one AppError that names the file: never another error, never a hang.
import { copyFile, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as v from 'valibot';
import { settingsSchema } from '../../contract/api/app.ts';
import { openCorpus } from '../../core/activations/corpus.ts';
import { openStore } from '../../core/activations/store.ts';
import { parseBehaviour } from '../../core/behaviours/behaviour.ts';
import { behaviourFormatOfName, readBehaviourFile } from '../../core/behaviours/behaviourFile.ts';
import { loadCheckpoint, saveCheckpoint } from '../../core/dictionaries/checkpoint.ts';
import { appendCurves, readCurves } from '../../core/dictionaries/curves.ts';
import { checkDictionary } from '../../core/dictionaries/dictionary.ts';
import { loadDictionary, saveDictionary } from '../../core/dictionaries/saeLens.ts';
import { readRun, RUN_FILE } from '../../core/dictionaries/train.ts';
import { completeConfig } from '../../core/dictionaries/trainingConfig.ts';
import { initialState } from '../../core/dictionaries/trainingState.ts';
import { readEdit } from '../../core/edits/editArguments.ts';
import { readManifest as readExportManifest } from '../../core/export/manifest.ts';
import { readReference } from '../../core/export/reference.ts';
import { readReport } from '../../core/export/report.ts';
import { readHook } from '../../core/export/forms/huggingface/hookFile.ts';
import { openStatistics } from '../../core/features/statisticsReader.ts';
import { readPromptFile } from '../../core/finder/promptFile.ts';
import { openTensorFile } from '../../core/formats/tensorFile.ts';
import { readFloats } from '../../core/formats/tensorInFile.ts';
import { readLabelFile } from '../../core/labels/labelsFile.ts';
import { openChatTemplate } from '../../core/models/chatTemplate.ts';
import { openModel } from '../../core/models/model.ts';
import { openTokenizer } from '../../core/models/tokenizer.ts';
import { Random } from '../../core/numerics/random.ts';
import { parseEdit } from '../../contract/domain/edit.ts';
import { DEFAULT_HELD_OUT } from '../../contract/domain/trainingSettings.ts';
import { SettingsStore } from '../../hosts/api/settingsStore.ts';
import { DATABASE_FILE } from '../../storage/project/layout.ts';
import { openProject } from '../../storage/project/open.ts';
import type { Project } from '../../storage/project/project.ts';
import { parseVersionFile, readVersionFile, writeVersionFile } from '../../storage/versions/versionFile.ts';
import { describeStore, makeStore } from '../activations/makeStore.ts';
import { TOKENIZER } from '../activations/tinyCapture.ts';
import { randomDictionary } from '../dictionaries/randomDictionary.ts';
import { prepareStatistics, tinyStatistics } from '../features/tinyStatistics.ts';
import { tinyModel, writeTinyModel, type TinyName } from '../models/tinyModels.ts';
import { contentOf, unpackFixture, RELEASED_SCHEMAS } from '../storage/fixture.ts';
import { databaseRows } from './databaseRows.ts';
import type { Structure } from './damage.ts';
import { csv, gzipped, json, jsonLines, safetensors } from './structures.ts';

export interface FuzzedReader {
  readonly name: string;
  /** Of the sample, in its folder: what is damaged. */
  readonly file: string;
  readonly structure?: Structure;
  /** True where a refusal names the thing that was asked for instead of the file, which is open. */
  readonly namesThings?: true;
  /** Writes the sample into an empty folder. */
  make(folder: string): Promise<void>;
  /**
   * Reads all that is in it, and checks that the values hold up.
   * @throws AppError that names the folder or a file in it; another error is a fault.
   */
  read(folder: string): Promise<void>;
}

/** A value that a reader gave and that cannot be. */
function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(`A reader gave a value that cannot be: ${what}`);
}

const HASH = 'a'.repeat(64);
const SITE = 'blocks.0.hook_resid_post';
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

interface Sample {
  readonly name: string;
  readonly file: string;
  readonly content: string | Uint8Array;
  readonly structure?: Structure;
}

function sampleFile({ name, file, content, structure }: Sample, read: FuzzedReader['read']): FuzzedReader {
  const make = async (folder: string) => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  };
  return { name, file, ...(structure ? { structure } : {}), make, read };
}

// Corpora

const ROWS = [
  { text: 'Once upon a time.', lang: 'en' },
  { text: 'Ä\n"B"', lang: 'de' },
  { text: null },
  { text: 'End.' },
];
const CONVERSATION = {
  messages: [
    { role: 'user', content: 'Hello.' },
    { role: 'assistant', content: 'Hello to you.' },
  ],
};
const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

const CORPORA: readonly Sample[] = [
  { name: 'corpus, JSON Lines', file: 'a.jsonl', content: lines(ROWS), structure: jsonLines },
  { name: 'corpus, JSON', file: 'a.json', content: JSON.stringify(ROWS, null, 1), structure: json },
  {
    name: 'corpus, conversations',
    file: 'c.jsonl',
    content: lines([CONVERSATION, CONVERSATION]),
    structure: jsonLines,
  },
  { name: 'corpus, text', file: 'a.txt', content: 'One.\r\nTwo.\n\n \nThree: Ä漢😀.\n' },
  { name: 'corpus, text in UTF-16', file: 'a.txt', content: Buffer.from('\ufeffOne Ä.\nTwo.\n', 'utf16le') },
  { name: 'corpus, gzip', file: 'a.jsonl.gz', content: gzipSync(lines(ROWS)), structure: gzipped(jsonLines) },
  { name: 'corpus, zstandard', file: 'a.jsonl.zst', content: zstdCompressSync(lines(ROWS)) },
];
const PARQUET = ['none', 'snappy', 'gzip', 'zstd', 'brotli'].map((codec) => `texts-${codec}`);

async function readCorpus(file: string): Promise<void> {
  for (const textDocuments of file.endsWith('.txt') ? (['file', 'line', 'paragraph'] as const) : (['file'] as const)) {
    const corpus = await openCorpus(file, { textDocuments }, (messages) =>
      messages.map(({ role, content }) => `${role}: ${content}`).join('\n'),
    );
    expectThat(/^[0-9a-f]{64}$/u.test(await corpus.hash()), 'the hash of a corpus');
    for await (const { text, endsDocument } of corpus.pieces()) {
      expectThat(typeof text === 'string' && typeof endsDocument === 'boolean', 'a piece of a text');
    }
  }
}

const corpora: readonly FuzzedReader[] = [
  ...CORPORA.map((sample) => sampleFile(sample, (folder) => readCorpus(join(folder, sample.file)))),
  ...[...PARQUET, 'messages'].map((name): FuzzedReader => ({
    name: `corpus, parquet, ${name}`,
    file: 'a.parquet',
    make: (folder) => copyFile(path(`../../core/formats/fixtures/${name}.parquet`), join(folder, 'a.parquet')),
    read: (folder) => readCorpus(join(folder, 'a.parquet')),
  })),
];

// Files of tensors

async function readTensors(file: string): Promise<void> {
  const opened = await openTensorFile(file);
  try {
    for (const [name, tensor] of opened.tensors) {
      const count = tensor.shape.reduce((product, size) => product * size, 1);
      expectThat((await readFloats(tensor)).length === count, `the elements of ${name}`);
    }
  } finally {
    await opened.close();
  }
}

const tensors: readonly FuzzedReader[] = [
  ...['state', 'state-legacy', 'nested', 'nested-protocol-4', 'types'].map((name): FuzzedReader => ({
    name: `.pt, ${name}`,
    file: 'a.pt',
    make: (folder) => copyFile(path(`../formats/torch/${name}.pt`), join(folder, 'a.pt')),
    read: (folder) => readTensors(join(folder, 'a.pt')),
  })),
  {
    name: 'safetensors',
    file: 'model.safetensors',
    structure: safetensors,
    make: (folder) => writeTinyModel(folder, tinyModel('gpt2')),
    read: (folder) => readTensors(join(folder, 'model.safetensors')),
  },
];

// Models

const openWhole = async (folder: string): Promise<void> => {
  const model = await openModel(folder);
  expectThat(Number.isSafeInteger(model.config.vocabularySize), 'the size of a vocabulary');
  expectThat(/^[0-9a-f]{64}$/u.test(await model.hash()), 'the hash of a model');
};
const ARCHITECTURES: readonly TinyName[] = [
  'gpt2',
  'gpt_neo',
  'gpt_neox parallel',
  'llama 3 rope',
  'gemma2',
  'gemma3',
  'opt',
  'phi',
];

/** BPE of letters, and what awkward families add: prefixes, expressions, templates, decoders of several steps. */
const ELABORATE_TOKENIZER = {
  ...TOKENIZER,
  normalizer: {
    type: 'Sequence',
    normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' }],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: '\\p{L}+|\\p{N}{1,3}' }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    ],
  },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
  },
  decoder: { type: 'Sequence', decoders: [{ type: 'ByteLevel' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] },
};
const TEXTS = ['the quick fox', ' Ä 12345 <s>x</s>', '\n\t', '漢😀\u0000', 'a'.repeat(300)];

async function readTokenizer(folder: string): Promise<void> {
  const model = await openModel(folder);
  const tokenizer = await openTokenizer(folder, model.config);
  for (const text of TEXTS) {
    const ids = [...tokenizer.encode(text), ...tokenizer.encodePrompt(text)];
    expectThat(
      ids.every((id) => Number.isSafeInteger(id) && id >= 0),
      `the tokens ${JSON.stringify(ids.slice(0, 9))}`,
    );
    expectThat(typeof tokenizer.decode(ids) === 'string', 'a decoded text');
    for (const id of ids.slice(0, 5)) expectThat(typeof tokenizer.tokenText(id) === 'string', 'the text of a token');
  }
}

const TEMPLATE =
  "{% for message in messages %}{% if loop.first %}{{ bos_token }}{% endif %}<|{{ message['role'] }}|>\n" +
  '{{ message.content | trim }}{% if not loop.last %}\n{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}';

async function readTemplate(folder: string): Promise<void> {
  const template = await openChatTemplate(folder, 1000);
  if (template === null) return;
  const messages = CONVERSATION.messages;
  expectThat(typeof template.render(messages) === 'string', 'a prompt');
  expectThat(typeof template.renderWhole(messages) === 'string', 'a conversation');
}

const writeModel = async (folder: string, tokenizer: unknown) => {
  await writeTinyModel(folder, tinyModel('gpt2'));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  const settings = { bos_token: '<s>', eos_token: { content: '</s>' }, chat_template: TEMPLATE };
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(settings));
};

const models: readonly FuzzedReader[] = [
  ...ARCHITECTURES.map((name): FuzzedReader => ({
    name: `config.json, ${name}`,
    file: 'config.json',
    structure: json,
    make: (folder) => writeTinyModel(folder, tinyModel(name)),
    read: openWhole,
  })),
  {
    name: 'index of shards',
    file: 'model.safetensors.index.json',
    structure: json,
    make: (folder) => writeTinyModel(folder, tinyModel('gpt2'), { shards: 3 }),
    read: openWhole,
  },
  ...[
    { name: 'tokenizer.json, letters', definition: TOKENIZER },
    { name: 'tokenizer.json, elaborate', definition: ELABORATE_TOKENIZER },
  ].map(({ name, definition }): FuzzedReader => ({
    name,
    file: 'tokenizer.json',
    structure: json,
    make: (folder) => writeModel(folder, definition),
    read: readTokenizer,
  })),
  {
    name: 'tokenizer_config.json',
    file: 'tokenizer_config.json',
    structure: json,
    make: (folder) => writeModel(folder, TOKENIZER),
    read: async (folder) => {
      await readTokenizer(folder);
      await readTemplate(folder);
    },
  },
  sampleFile({ name: 'chat template', file: 'chat_template.jinja', content: TEMPLATE }, readTemplate),
];

// Dictionaries, their runs and statistics

async function makeDictionary(folder: string): Promise<void> {
  const dictionary = randomDictionary(new Random(2), 'jumprelu', { d: 8, size: 12, site: SITE });
  const facts = { modelName: 'tiny', contextLength: 16, errata: { k: 4 } };
  await saveDictionary(folder, checkDictionary(dictionary, 'the sample'), facts);
}
async function readDictionary(folder: string): Promise<void> {
  const { encoder, d, size } = await loadDictionary(folder);
  expectThat(encoder.length === d * size, 'the size of an encoder');
}

const TRAINING = { architecture: 'topk', d: 8, size: 16, k: 2, batchSize: 64, steps: 100 } as const;
const RUN = { store: '../../stores/a', heldOutFraction: DEFAULT_HELD_OUT, bufferBytes: 1 << 20 };
const POINT = { step: 10, learningRate: 1e-3, seconds: 0.5, loss: 0.3, fvu: 0.2, l0: 4, deadFraction: 0 };

const dictionaries: readonly FuzzedReader[] = [
  ...(['cfg.json', 'sae_weights.safetensors'] as const).map((file): FuzzedReader => ({
    name: `dictionary, ${file}`,
    file,
    structure: file === 'cfg.json' ? json : safetensors,
    make: makeDictionary,
    read: readDictionary,
  })),
  {
    name: 'training run, run.json',
    file: RUN_FILE,
    structure: json,
    make: async (folder) => {
      const config = completeConfig(TRAINING);
      const run = { version: 1, config, site: SITE, model: { name: 'tiny', hash: HASH }, ...RUN };
      await writeFile(join(folder, RUN_FILE), JSON.stringify(run));
    },
    read: async (folder) => {
      const { config, store } = await readRun(folder);
      expectThat(config.k <= config.size && typeof store === 'string', 'the settings of a run');
    },
  },
  {
    name: 'training run, checkpoint',
    file: 'checkpoint.safetensors',
    structure: safetensors,
    make: async (folder) => {
      const config = completeConfig(TRAINING);
      const state = initialState(config, { mean: new Float32Array(8), scale: 1 });
      await saveCheckpoint(folder, { config, state, cursor: null, seconds: 1 });
    },
    read: async (folder) => {
      const { state } = await loadCheckpoint(folder);
      expectThat(Number.isSafeInteger(state.step), 'the step of a checkpoint');
    },
  },
  {
    name: 'training run, curves',
    file: 'curves.jsonl',
    structure: jsonLines,
    make: (folder) => appendCurves(folder, [POINT, { ...POINT, step: 20 }, { ...POINT, step: 30 }]),
    read: async (folder) => {
      for (const point of await readCurves(folder)) {
        expectThat(
          Object.keys(POINT).every((key) => typeof point[key as keyof typeof POINT] === 'number'),
          'a point of a curve',
        );
      }
    },
  },
];

// Activations and statistics

const stores: readonly FuzzedReader[] = (['manifest.json', 'tokens.safetensors'] as const).map((file) => ({
  name: `store, ${file}`,
  file: `store/${file}`,
  structure: file === 'manifest.json' ? json : safetensors,
  make: (folder) => makeStore(join(folder, 'store'), describeStore({ contexts: 8 })),
  read: async (folder) => {
    const store = await openStore(join(folder, 'store'));
    try {
      await store.readStored(0, new Uint8Array(store.rows * store.bytesPerRow));
      expectThat((await store.contexts.read(0, store.contexts.contexts)).length > 0, 'the contexts of a store');
    } finally {
      await store.close();
    }
  },
}));

const statistics: readonly FuzzedReader[] = ['manifest.json', 'vocabulary.json', 'counts.safetensors'].map((file) => ({
  name: `statistics, ${file}`,
  file: `statistics/${file}`,
  structure: file.endsWith('.json') ? json : safetensors,
  make: async (folder) => {
    await prepareStatistics(folder, 2000);
    const { folder: made } = await tinyStatistics(folder);
    await rename(made, join(folder, 'statistics'));
  },
  read: async (folder) => {
    const reader = await openStatistics(join(folder, 'statistics'));
    try {
      for (const feature of [0, 7]) expectThat((await reader.page(feature)).max >= 0, 'the maximum of a feature');
    } finally {
      await reader.close();
    }
  },
}));

// Exports

const ARTIFACT = path('../export/artifacts/huggingface');
const EXPORT_FILES: readonly (readonly [file: string, read: (folder: string) => Promise<unknown>])[] = [
  ['manifest.json', readExportManifest],
  ['equivalence.json', readReport],
  ['edit.json', readHook],
  ['edit.safetensors', readHook],
  ['reference.safetensors', (folder) => readReference(join(folder, 'reference.safetensors'), 29)],
];
const exports: readonly FuzzedReader[] = EXPORT_FILES.map(([file, read]) => ({
  name: `export, ${file}`,
  file,
  structure: file.endsWith('.json') ? json : safetensors,
  make: (folder) => cp(ARTIFACT, folder, { recursive: true }),
  read: async (folder) => void (await read(folder)),
}));

// What people write and pass on

const TARGET = {
  feature: 3,
  dictionary: HASH,
  site: SITE,
  scope: { positions: 'notBos' },
  gates: [{ feature: 1, threshold: 0.5 }],
};
const EDIT = {
  operations: [
    { kind: 'ablate', ...TARGET },
    { kind: 'clamp', value: -4, ...TARGET, feature: 5 },
  ],
};
const LABELS = [
  { dictionary: HASH, feature: 1, text: 'names', state: 'draft', tags: ['a'], confidence: 3, comments: [] },
  { dictionary: HASH, feature: 2, text: 'verbs', notes: 'of\nmotion' },
];
const NEURONPEDIA = [
  { modelId: 'gpt2', layer: '0-res', index: '1', description: 'names', createdAt: '2026-01-01T00:00:00.000Z' },
  {
    modelId: 'gpt2',
    layer: '0-res',
    index: 2,
    description: 'verbs',
    errata: { dictionary: HASH, state: 'draft', tags: ['a'], confidence: 3, comments: [] },
  },
];
const CHECKS = [
  { kind: 'contains', text: 'no', ignoreCase: true, expected: true },
  { kind: 'regex', pattern: '^(I|We) cannot', ignoreCase: false, expected: true },
  { kind: 'probability', continuation: ' no', bound: 'atLeast', value: 0.5 },
];
const BEHAVIOUR = {
  name: 'refuses',
  cases: [
    { prompt: 'How?', checks: [CHECKS[0]], tags: { topic: 'a' } },
    { prompt: 'Why?', checks: CHECKS.slice(1) },
  ],
};

const labelTable = (sample: Sample, format: Parameters<typeof readLabelFile>[1]): FuzzedReader =>
  sampleFile(sample, async (folder) => {
    const file = join(folder, sample.file);
    for await (const row of readLabelFile(file, format, { dictionary: HASH })) {
      expectThat(Number.isSafeInteger(row.feature) && row.feature >= 0, `the feature ${String(row.feature)}`);
    }
  });

const behaviourFile = (sample: Sample): FuzzedReader =>
  sampleFile(sample, async (folder) => {
    const file = join(folder, sample.file);
    const header = sample.file.endsWith('.json') ? {} : { name: 'sample' };
    const read = await readBehaviourFile(file, behaviourFormatOfName(file), header);
    expectThat(isDeepStrictEqual(parseBehaviour(structuredClone(read)), read), 'a behaviour that is not read again');
  });

const promptFile = (sample: Sample): FuzzedReader =>
  sampleFile(sample, async (folder) => {
    const prompts = await readPromptFile(join(folder, sample.file));
    expectThat(
      prompts.every((prompt) => typeof prompt === 'string' && prompt !== ''),
      'an empty prompt',
    );
  });

const written: readonly FuzzedReader[] = [
  sampleFile({ name: 'edit', file: 'edit.json', content: JSON.stringify(EDIT), structure: json }, async (folder) => {
    const edit = await readEdit(join(folder, 'edit.json'));
    expectThat(isDeepStrictEqual(parseEdit(structuredClone(edit)), edit), 'an edit that is not read again');
  }),
  {
    name: 'version file',
    file: 'version.json',
    structure: json,
    make: async (folder) => {
      const project = await sampleProject(join(folder, 'made'));
      await writeVersionFile(join(folder, 'version.json'), project.versionFile('HEAD'));
      project.close();
    },
    read: async (folder) => {
      const file = await readVersionFile(join(folder, 'version.json'));
      expectThat(
        isDeepStrictEqual(parseVersionFile(structuredClone(file), 'x'), file),
        'a version that is not read again',
      );
    },
  },
  labelTable(
    {
      name: 'labels, CSV',
      file: 'l.csv',
      content: `dictionary,feature,text,state,tags,confidence\n${HASH},1,names,draft,a;b,3\n${HASH},2,verbs,,,\n`,
      structure: csv,
    },
    'csv',
  ),
  labelTable({ name: 'labels, JSON Lines', file: 'l.jsonl', content: lines(LABELS), structure: jsonLines }, 'jsonl'),
  labelTable(
    { name: 'labels, gzip', file: 'l.jsonl.gz', content: gzipSync(lines(LABELS)), structure: gzipped(jsonLines) },
    'jsonl',
  ),
  labelTable(
    { name: 'labels, Neuronpedia', file: 'n.jsonl', content: lines(NEURONPEDIA), structure: jsonLines },
    'neuronpedia',
  ),
  behaviourFile({ name: 'behaviour, JSON', file: 'b.json', content: JSON.stringify(BEHAVIOUR), structure: json }),
  behaviourFile({
    name: 'behaviour, JSON Lines',
    file: 'b.jsonl',
    content: lines(BEHAVIOUR.cases),
    structure: jsonLines,
  }),
  promptFile({ name: 'prompts, text', file: 'p.txt', content: 'How?\nWhy\\nnot?\n' }),
  promptFile({
    name: 'prompts, JSON Lines',
    file: 'p.jsonl',
    content: lines(['How?', { prompt: 'Why?' }]),
    structure: jsonLines,
  }),
  promptFile({ name: 'prompts, CSV', file: 'p.csv', content: 'prompt\nHow?\nWhy?\n', structure: csv }),
];

// The project and what is remembered of a person

async function sampleProject(folder: string): Promise<Project> {
  unpackFixture(RELEASED_SCHEMAS.at(-1) ?? 1, folder);
  return openProject(folder, { backups: false });
}

const kept: readonly FuzzedReader[] = [
  {
    name: 'project, rows',
    file: DATABASE_FILE,
    structure: databaseRows,
    namesThings: true,
    make: async (folder) => void unpackFixture(RELEASED_SCHEMAS.at(-1) ?? 1, folder),
    read: async (folder) => {
      for (const end of ['-wal', '-shm']) await rm(join(folder, `${DATABASE_FILE}${end}`), { force: true });
      const project = await openProject(folder, { backups: false });
      try {
        contentOf(project);
        project.check();
      } finally {
        project.close();
      }
    },
  },
  {
    name: 'settings',
    file: 'settings.json',
    structure: json,
    make: async (folder) => {
      const store = await SettingsStore.open(folder);
      await store.change({ author: 'Ada' });
      await store.remember(folder, '2026-01-01T00:00:00.000Z', true);
    },
    read: async (folder) => {
      const store = await SettingsStore.open(folder);
      expectThat(v.is(settingsSchema, store.settings), 'the settings');
      expectThat(
        store.recent.every((project) => typeof project.folder === 'string'),
        'a recent project',
      );
    },
  },
];

export const READERS: readonly FuzzedReader[] = [
  ...corpora,
  ...tensors,
  ...models,
  ...dictionaries,
  ...stores,
  ...statistics,
  ...exports,
  ...written,
  ...kept,
];
