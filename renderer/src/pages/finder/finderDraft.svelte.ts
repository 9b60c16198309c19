// What is being entered for the next search: kept while other views are looked at.
import { findSettings } from '../../../../main/contract/domain/findSettings.ts';
import type { FileLocation } from '../../api/types.ts';
import { SettingsDraft } from '../../state/settingsDraft.svelte.ts';

interface Draft {
  from: 'behaviours' | 'prompts';
  target: string | null;
  /** Null: all whose aim is to be kept. */
  keep: readonly string[] | null;
  withText: string;
  withoutText: string;
  maxNewTokens: number;
  isRaw: boolean;
  /** Null: the first that is finished. */
  dictionaries: readonly string[] | null;
  corpus: string;
  place: FileLocation | null;
  /** Null: as is suggested. */
  name: string | null;
}

export const draft = $state<Draft>({
  from: 'behaviours',
  target: null,
  keep: null,
  withText: '',
  withoutText: '',
  maxNewTokens: 12,
  isRaw: true,
  dictionaries: null,
  corpus: '',
  place: null,
  name: null,
});

export const draftSettings = new SettingsDraft(findSettings);
