// A version and what it changes, as text for a report or a program.
import type { Difference, Version } from '../../api/types.ts';
import { toMarkdown, type TextTable } from '../../components/ui/tableText.ts';
import { operationText } from './operationText.ts';
import type { LabelOf } from './versionNames.ts';

interface Named {
  readonly labelOf: LabelOf;
  /** Names of dictionaries by their content hash, of behaviours by id. */
  readonly names: ReadonlyMap<string, string>;
  readonly behaviours: ReadonlyMap<string, string>;
}

function differenceTable(difference: Difference, { labelOf, names }: Named): TextTable {
  return {
    columns: ['Change', 'Feature', 'Label', 'Before', 'After', 'Dictionary', 'Site'],
    rows: difference.operations.flatMap(({ before, after, labelBefore, labelAfter }) => {
      const one = after ?? before;
      if (!one) return [];
      return [
        [
          before === null ? 'added' : after === null ? 'removed' : 'changed',
          one.feature,
          labelAfter ?? labelBefore ?? '',
          before && operationText(before, labelOf),
          after && operationText(after, labelOf),
          names.get(one.dictionary) ?? one.dictionary,
          one.site,
        ],
      ];
    }),
  };
}

/** @param against what the difference is to: an id, or null for the base model. */
export function versionMarkdown(
  version: Version,
  difference: Difference,
  against: string | null,
  named: Named,
): string {
  const behaviourLines = [
    ...difference.behavioursAdded.map((id) => `- must satisfy ${named.behaviours.get(id) ?? id}`),
    ...difference.behavioursRemoved.map((id) => `- need no longer satisfy ${named.behaviours.get(id) ?? id}`),
  ];
  return [
    `# ${version.message.trim()}`,
    '',
    `Version ${version.id} by ${version.author}, ${version.time}, of the model ${version.model}.`,
    '',
    `Changes against ${against === null ? 'the base model' : `version ${against}`}:`,
    '',
    toMarkdown(differenceTable(difference, named)),
    ...(behaviourLines.length > 0 ? ['', ...behaviourLines] : []),
    '',
  ].join('\n');
}

export function versionJson(version: Version, difference: Difference, against: string | null): string {
  const { names, evaluation, ...content } = version;
  return `${JSON.stringify({ ...content, names, evaluation, against, difference }, null, 2)}\n`;
}
