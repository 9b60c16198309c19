// Labels as files: brought in and carried out, two people's merged and compared.
import { AppError } from '../../../contract/base/errors.ts';
import { UNLABELLED, type LabelRecord } from '../../../contract/domain/label.ts';
import { applyPatch, featureKey } from '../../../core/labels/labels.ts';
import { LABEL_FILE_FORMATS, type LabelFileFormat } from '../../../contract/domain/label.ts';
import { formatOfName, readLabelFile, writeLabelFile } from '../../../core/labels/labelsFile.ts';
import { IMPORT_RULES } from '../../../contract/domain/label.ts';
import type { Agreement } from '../../../contract/domain/labelAgreement.ts';
import { measureAgreement, mergeLabels, type LabelConflict } from '../../../core/labels/labelsMerge.ts';
import type { Command, CommandArguments, Option } from '../command.ts';
import {
  AUTHOR_OPTIONS,
  authorOf,
  DICTIONARY_OPTION,
  dictionaryHash,
  withProject,
  withProjectToRead,
} from '../openProject.ts';
import { flag, oneOf, optionalText, positionals } from '../values.ts';

const FORMAT_OPTION: Readonly<Record<string, Option>> = {
  format: { type: 'string', description: `${LABEL_FILE_FORMATS.join(', ')}; told from the file's name when left out.` },
};

function formatOf(arguments_: CommandArguments, path: string): LabelFileFormat {
  return oneOf(arguments_, 'format', LABEL_FILE_FORMATS) ?? formatOfName(path);
}

const labelImport: Command = {
  name: 'label import',
  summary: 'Bring labels in from CSV, JSONL or Neuronpedia rows. --dry-run shows first what would change.',
  usage: 'label import FILE [--rule RULE] [--dry-run]',
  examples: [
    'label import labels.csv --dry-run',
    'label import explanations.jsonl.gz --format neuronpedia --source gpt2-small/8-res-jb',
  ],
  options: {
    ...DICTIONARY_OPTION,
    ...FORMAT_OPTION,
    rule: {
      type: 'string',
      description: 'Where a label here says something else: keep (default), fill, replace, newer or refuse.',
    },
    'dry-run': { type: 'boolean', description: 'Show what would change and change nothing.' },
    source: {
      type: 'string',
      description: 'Of a Neuronpedia file with several sources, the one to read: MODEL/SOURCE.',
    },
    ...AUTHOR_OPTIONS,
  },
  run: (arguments_, context) =>
    withProject(context, async (project) => {
      const [path] = positionals(arguments_, ['FILE'], 'label import');
      const name = optionalText(arguments_, 'dictionary');
      const only = project.catalog.list('dictionary');
      const dictionary = name !== undefined || only.length === 1 ? dictionaryHash(project, name) : undefined;
      const rule = oneOf(arguments_, 'rule', IMPORT_RULES) ?? 'keep';
      context.progress({ fraction: null, message: `Reading ${path}` });
      const rows = readLabelFile(path, formatOf(arguments_, path), {
        onNote: (note) => context.print(note),
        dictionary,
        source: optionalText(arguments_, 'source'),
      });
      const staged = await project.importLabels(rows, context.signal);
      try {
        const isDryRun = flag(arguments_, 'dry-run');
        const report = isDryRun ? staged.preview(rule) : staged.apply(rule, authorOf(arguments_));
        for (const { line: at, outcome, feature, fields, before, after } of report.examples.slice(0, 20)) {
          const what =
            outcome === 'added' || outcome === 'repeated'
              ? JSON.stringify(after)
              : `${JSON.stringify(before)} → ${JSON.stringify(after)}`;
          context.print(
            `line ${at}: #${feature} ${outcome}${fields.length > 0 ? ` (${fields.join(', ')})` : ''} ${what}`,
          );
        }
        context.print(
          `${isDryRun ? 'Would change' : 'Imported'}: ${report.added} new, ${report.filled} filled, ${report.changed} of ${report.conflicts} conflicts decided for the file; ` +
            `${report.same} the same, ${report.repeated} repeated, ${report.comments} comments.`,
        );
        return { ...report, dryRun: isDryRun, rule };
      } finally {
        staged.close();
      }
    }),
};

const labelExport: Command = {
  name: 'label export',
  summary: 'Write labels as CSV, JSONL or Neuronpedia explanation rows.',
  usage: 'label export FILE [--format FORMAT] [--neuronpedia MODEL/SOURCE]',
  options: {
    ...DICTIONARY_OPTION,
    ...FORMAT_OPTION,
    neuronpedia: {
      type: 'string',
      description: "Neuronpedia's names of the model and the source: gpt2-small/8-res-jb.",
    },
  },
  run: (arguments_, context) =>
    withProjectToRead(context, async (project) => {
      const [path] = positionals(arguments_, ['FILE'], 'label export');
      const name = optionalText(arguments_, 'dictionary');
      const target = optionalText(arguments_, 'neuronpedia');
      const [modelId, layer] = target?.split(/\/(.*)/su) ?? [];
      if (target !== undefined && (!modelId || !layer))
        throw new AppError('usage', `--neuronpedia must be MODEL/SOURCE, not "${target}".`);
      const format = target === undefined ? formatOf(arguments_, path) : 'neuronpedia';
      const records = project.labels.records({
        dictionary: name === undefined ? undefined : dictionaryHash(project, name),
      });
      const labels = await writeLabelFile(path, format, records, {
        neuronpedia: modelId && layer ? { modelId, layer } : undefined,
      });
      context.print(`Wrote ${labels} labels to ${path}.`);
      return { path, format, labels };
    }),
};

const labelMerge: Command = {
  name: 'label merge',
  summary: "Merge two people's label files, list their conflicts, and measure how far they agree.",
  usage: 'label merge OURS THEIRS [--base FILE] [--output FILE] [--prefer ours|theirs|newer]',
  examples: ['label merge ada.csv ben.csv --output both.jsonl --json'],
  options: {
    ...FORMAT_OPTION,
    dictionary: { type: 'string', short: 'd', description: 'Hash of the dictionary, for rows that do not name one.' },
    base: {
      type: 'string',
      description: 'The file that both started from: then the one who changed a field wins over the one who did not.',
    },
    output: { type: 'string', short: 'o', description: 'Where to write what was merged.' },
    prefer: {
      type: 'string',
      description: 'In a conflict write this side too: ours, theirs, newer. Without it conflicts are only listed.',
    },
  },
  run: async (arguments_, context) => {
    const [oursPath, theirsPath] = positionals(arguments_, ['OURS', 'THEIRS'], 'label merge');
    const prefer = oneOf(arguments_, 'prefer', ['ours', 'theirs', 'newer']);
    const basePath = optionalText(arguments_, 'base');
    const [ours, theirs] = [await readRecords(arguments_, oursPath), await readRecords(arguments_, theirsPath)];
    const base = basePath === undefined ? undefined : await readRecords(arguments_, basePath);
    const { merged, conflicts } = mergeLabels(ours, theirs, base);
    const agreement = measureAgreement(ours, theirs);
    for (const { fields, ours: our, theirs: their } of conflicts.slice(0, 50)) {
      context.print(
        `#${our.feature} ${fields.join(', ')}: ${our.author} ${JSON.stringify(our.text)} (${our.state}), ${their.author} ${JSON.stringify(their.text)} (${their.state})`,
      );
    }
    context.print(`${merged.length} labels merged, ${conflicts.length} in conflict.`);
    context.print(describeAgreement(agreement));
    const output = optionalText(arguments_, 'output');
    if (output !== undefined) {
      const chosen = prefer === undefined ? [] : conflicts.map((conflict) => choose(conflict, prefer));
      const records = [...merged, ...chosen].sort((a, b) =>
        a.dictionary < b.dictionary ? -1 : a.dictionary > b.dictionary ? 1 : a.feature - b.feature,
      );
      await writeLabelFile(output, formatOfName(output), records);
      context.print(`Wrote ${records.length} labels to ${output}.`);
    }
    return { merged: merged.length, conflicts, agreement, output: output ?? null };
  },
};

function choose({ ours, theirs }: LabelConflict, prefer: 'ours' | 'theirs' | 'newer'): LabelRecord {
  if (prefer === 'newer') return ours.time >= theirs.time ? ours : theirs;
  return prefer === 'ours' ? ours : theirs;
}

async function readRecords(arguments_: CommandArguments, path: string): Promise<ReadonlyMap<string, LabelRecord>> {
  const records = new Map<string, LabelRecord>();
  const dictionary = optionalText(arguments_, 'dictionary');
  for await (const { line: at, patch, author, time, ...row } of readLabelFile(path, formatOf(arguments_, path), {
    dictionary,
  })) {
    const content = applyPatch(UNLABELLED, patch, `${path}: line ${at}`, 'invalid-file');
    const key = featureKey(row);
    if (!records.has(key))
      records.set(key, { ...row, ...content, author: author ?? 'unknown', time: time ?? new Date(0).toISOString() });
  }
  return records;
}

function describeAgreement({
  features,
  observed,
  kappa,
  textsCompared,
  textsSame,
  meanWordOverlap,
}: Agreement): string {
  const figure = (value: number | null) => (value === null ? 'undefined' : value.toFixed(3));
  return (
    `Agreement on the state of ${features} features: ${figure(observed)}, Cohen's κ ${figure(kappa)}. ` +
    `Of ${textsCompared} features that both gave a text ${textsSame} have the same; words shared on average: ${figure(meanWordOverlap)}.`
  );
}

const labelCompare: Command = {
  name: 'label compare',
  summary: "Measure how far two people's label files agree.",
  usage: 'label compare OURS THEIRS',
  options: {
    ...FORMAT_OPTION,
    dictionary: { type: 'string', short: 'd', description: 'Hash of the dictionary, for rows that do not name one.' },
  },
  run: async (arguments_, context) => {
    const [ours, theirs] = positionals(arguments_, ['OURS', 'THEIRS'], 'label compare');
    const agreement = measureAgreement(await readRecords(arguments_, ours), await readRecords(arguments_, theirs));
    context.print(describeAgreement(agreement));
    return { ...agreement };
  },
};

export const labelFileCommands: readonly Command[] = [labelImport, labelExport, labelMerge, labelCompare];
