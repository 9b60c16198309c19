// Short messages of what has just happened. Those of success go by themselves; those of failure stay until they are read. An
// error that repeats is counted, not piled up.
import type { AppError } from '../../../main/contract/base/errors.ts';
import type { HostNotice } from '../api/session.svelte.ts';

export interface Notice {
  readonly id: number;
  readonly tone: 'good' | 'bad' | 'plain';
  readonly text: string;
  readonly error: AppError | null;
  readonly count: number;
  readonly action: { readonly title: string; readonly run: () => void } | null;
}

const MAX_SHOWN = 5;
const SECONDS = 6;

let shown = $state.raw<readonly Notice[]>([]);
let lastId = 0;

function add(notice: Omit<Notice, 'id' | 'count'>): void {
  const same = shown.find(({ text, tone }) => text === notice.text && tone === notice.tone);
  const id = ++lastId;
  const count = (same?.count ?? 0) + 1;
  shown = [...shown.filter((other) => other !== same), { ...notice, id, count }].slice(-MAX_SHOWN);
  if (notice.tone !== 'bad') setTimeout(() => dismiss(id), SECONDS * 1000);
}

function dismiss(id: number): void {
  shown = shown.filter((notice) => notice.id !== id);
}

export const notices = {
  get shown(): readonly Notice[] {
    return shown;
  },
  dismiss,
  tell(text: string, action: Notice['action'] = null): void {
    add({ tone: 'plain', text, error: null, action });
  },
  good(text: string, action: Notice['action'] = null): void {
    add({ tone: 'good', text, error: null, action });
  },
  /** What a person cancelled needs no notice. */
  failed(error: AppError): void {
    if (error.code !== 'cancelled') add({ tone: 'bad', text: error.message, error, action: null });
  },
};

/** Shows what the host said. */
export function showNotice(notice: HostNotice): void {
  if ('error' in notice) notices.failed(notice.error);
  else notices.tell(notice.text);
}
