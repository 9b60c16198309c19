// The texts that statistics can be over as a list to choose from, and what is asked of the host for the chosen one.
import type { Api } from '../../../../main/contract/api/contract.ts';
import type { FileLocation } from '../../api/types.ts';
import { byteSize, shortNumber } from '../../state/format.ts';

type Text = Awaited<ReturnType<Api['feature']['statisticsTexts']>>['texts'][number];
type Over = NonNullable<Parameters<Api['feature']['computeStatistics']>[0]['over']>;

export interface TextChoice {
  /** Activations and corpora may share names. */
  readonly key: string;
  readonly title: string;
  readonly text: Text;
}

/** The key of what is not in the list. No name has a colon in front. */
export const ELSEWHERE = ':elsewhere';

export function textChoices(texts: readonly Text[]): readonly TextChoice[] {
  return texts.map((text) => ({ key: `${text.from}:${text.name}`, title: titleOf(text), text }));
}

function titleOf(text: Text): string {
  if (text.from === 'corpus') return `${text.name} (${byteSize(text.bytes)})`;
  const tokens = `${shortNumber(text.tokens)} tokens`;
  return `${text.name} (${tokens}${text.isTrainedOn ? ', trained on' : ''})`;
}

/** Null: what the host takes without being told. Activations of the training may lie outside of the project. */
export function statisticsOver(place: FileLocation | null, choice: TextChoice | undefined): Over | null {
  if (place) return { from: 'corpus', corpus: { from: 'location', location: place.location } };
  if (!choice) return null;
  const { text } = choice;
  if (text.from === 'corpus') return { from: 'corpus', corpus: { from: 'project', name: text.name } };
  return text.isTrainedOn ? null : { from: 'activations', name: text.name };
}
