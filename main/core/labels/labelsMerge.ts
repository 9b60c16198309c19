// Two people's labels of one feature brought together, and two people's labels compared. Symmetric throughout: neither
// side counts for more, a difference that cannot be settled by itself is a conflict and is listed, never decided.
import type { Agreement } from '../../contract/domain/labelAgreement.ts';
import type { Comment, Label, LabelContent, LabelRecord, LabelState, ImportRule } from '../../contract/domain/label.ts';
import { commentKey, saysNothing, sameContent } from './labels.ts';

export type LabelField = keyof LabelContent;

export interface CombinedLabel {
  readonly content: LabelContent;
  /** Fields on which the two disagree; `content` has `a`'s value there. */
  readonly conflicts: readonly LabelField[];
}

/**
 * Field by field: equal values stay; an empty one gives way to the other; where `base` (what both started from) is known,
 * the side that changed a field wins over the one that did not. Tags are merged as sets. A draft of a text gives way to
 * the same text labelled.
 */
export function combineLabels(a: LabelContent, b: LabelContent, base?: LabelContent): CombinedLabel {
  const conflicts: LabelField[] = [];
  function settle<Field extends 'state' | 'text' | 'notes' | 'confidence'>(
    field: Field,
    givesWay: (value: LabelContent[Field], to: LabelContent[Field]) => boolean,
  ): LabelContent[Field] {
    const ours = a[field];
    const theirs = b[field];
    if (ours === theirs) return ours;
    if (base !== undefined && ours === base[field]) return theirs;
    if (base !== undefined && theirs === base[field]) return ours;
    if (givesWay(ours, theirs)) return theirs;
    if (givesWay(theirs, ours)) return ours;
    conflicts.push(field);
    return ours;
  }
  const text = settle('text', (value) => value === '');
  const state = settle(
    'state',
    (value, to) => value === 'unlabelled' || (value === 'draft' && to === 'labelled' && a.text === b.text),
  );
  const notes = settle('notes', (value) => value === '');
  const confidence = settle('confidence', (value) => value === null);
  const removed = (base?.tags ?? []).filter((tag) => !a.tags.includes(tag) || !b.tags.includes(tag));
  const tags = [...new Set([...a.tags, ...b.tags])].filter((tag) => !removed.includes(tag)).sort();
  return { content: consistent({ state, text, notes, tags, confidence }), conflicts };
}

/** Settling fields one by one can leave a state that its fields contradict; the fields decide. */
function consistent(content: LabelContent): LabelContent {
  if (content.state === 'labelled' && content.text === '') return { ...content, state: 'draft' };
  if (content.state !== 'unlabelled') return content;
  if (content.text !== '') return { ...content, state: 'draft' };
  return { ...content, confidence: null };
}

export interface ImportDecision {
  /** `filled`: the imported label only adds to empty fields and contradicts nothing. */
  readonly outcome: 'added' | 'same' | 'filled' | 'conflict';
  /** The label afterwards: `current` itself where nothing changes. */
  readonly result: LabelContent;
  readonly conflicts: readonly LabelField[];
}

/** @param incoming the label as the imported row would leave it. */
export function decideImport(
  current: Label | null,
  incoming: LabelContent,
  incomingTime: string | null,
  rule: ImportRule,
): ImportDecision {
  if (current === null || saysNothing(current)) {
    return { outcome: saysNothing(incoming) ? 'same' : 'added', result: incoming, conflicts: [] };
  }
  if (sameContent(current, incoming)) return { outcome: 'same', result: current, conflicts: [] };
  const { content, conflicts } = combineLabels(current, incoming);
  if (conflicts.length === 0)
    return { outcome: sameContent(content, current) ? 'same' : 'filled', result: content, conflicts };
  const takesTheirs = rule === 'replace' || (rule === 'newer' && incomingTime !== null && incomingTime > current.time);
  const fills = rule === 'fill' && !conflicts.includes('state'); // a text of theirs under a state of mine would be neither's
  return { outcome: 'conflict', result: takesTheirs ? incoming : fills ? content : current, conflicts };
}

export interface LabelConflict {
  readonly fields: readonly LabelField[];
  readonly ours: LabelRecord;
  readonly theirs: LabelRecord;
}

export interface MergedLabels {
  /** Everything outside the conflicts, sorted by feature key. */
  readonly merged: readonly LabelRecord[];
  readonly conflicts: readonly LabelConflict[];
}

export type LabelRecords = ReadonlyMap<string, LabelRecord>;

/** Merges two people's labels, each by `featureKey`. @param base what both started from, where it is known. */
export function mergeLabels(ours: LabelRecords, theirs: LabelRecords, base: LabelRecords = new Map()): MergedLabels {
  const merged: LabelRecord[] = [];
  const conflicts: LabelConflict[] = [];
  for (const key of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
    const our = ours.get(key);
    const their = theirs.get(key);
    const old = base.get(key);
    if (our === undefined || their === undefined) {
      const only = our ?? their;
      // Gone on one side: gone, unless the other side has changed it since.
      if (only !== undefined && !(old !== undefined && sameContent(only, old))) merged.push(only);
      continue;
    }
    const combined = combineLabels(our, their, old);
    if (combined.conflicts.length > 0) conflicts.push({ fields: combined.conflicts, ours: our, theirs: their });
    else
      merged.push({
        ...our,
        ...combined.content,
        ...authorship(our, their, combined.content),
        comments: allComments(our, their),
      });
  }
  return { merged, conflicts };
}

function allComments(a: LabelRecord, b: LabelRecord): readonly Comment[] {
  const distinct = new Map([...a.comments, ...b.comments].map((comment) => [commentKey(comment), comment]));
  return [...distinct].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, comment]) => comment);
}

/** Whoever wrote all of it; otherwise both. */
function authorship(a: Label, b: Label, content: LabelContent): Pick<Label, 'author' | 'time'> {
  const whole = [a, b].filter((label) => sameContent(label, content)).sort((x, y) => (x.time < y.time ? -1 : 1));
  const [first] = whole;
  if (first !== undefined && (whole.length === 1 || a.author === b.author || a.time !== b.time)) {
    return { author: first.author, time: first.time };
  }
  const authors = [...new Set([a.author, b.author])].sort().join(' & ');
  return { author: authors.slice(0, 200).trimEnd(), time: a.time > b.time ? a.time : b.time };
}

/** Cohen 1960, "A coefficient of agreement for nominal scales", over the four label states. */
export function measureAgreement(ours: LabelRecords, theirs: LabelRecords): Agreement {
  const keys = new Set([...ours.keys(), ...theirs.keys()]);
  const ourCounts = new Map<LabelState, number>();
  const theirCounts = new Map<LabelState, number>();
  let agreed = 0;
  let textsCompared = 0;
  let textsSame = 0;
  let overlap = 0;
  for (const key of keys) {
    const our = ours.get(key);
    const their = theirs.get(key);
    const ourState = our?.state ?? 'unlabelled';
    const theirState = their?.state ?? 'unlabelled';
    ourCounts.set(ourState, (ourCounts.get(ourState) ?? 0) + 1);
    theirCounts.set(theirState, (theirCounts.get(theirState) ?? 0) + 1);
    if (ourState === theirState) agreed++;
    if (!our?.text || !their?.text) continue;
    textsCompared++;
    if (textsAreSame(our.text, their.text)) textsSame++;
    overlap += wordOverlap(our.text, their.text);
  }
  const total = keys.size;
  const texts = {
    features: total,
    textsCompared,
    textsSame,
    meanWordOverlap: textsCompared === 0 ? null : overlap / textsCompared,
  };
  if (total === 0) return { ...texts, observed: null, expected: null, kappa: null };
  let chance = 0; // p_e·n², kept whole so that p_e = 1 is recognised exactly
  for (const [state, count] of ourCounts) chance += count * (theirCounts.get(state) ?? 0);
  const observed = agreed / total;
  const expected = chance / (total * total);
  return {
    ...texts,
    observed,
    expected,
    kappa: chance === total * total ? null : (observed - expected) / (1 - expected),
  };
}

/** Same words in the same order, whatever their case and what stands between them. */
export function textsAreSame(a: string, b: string): boolean {
  return words(a).join(' ') === words(b).join(' ');
}

/** Jaccard index of the two sets of words, 0 to 1. */
export function wordOverlap(a: string, b: string): number {
  const ofA = new Set(words(a));
  const ofB = new Set(words(b));
  const either = new Set([...ofA, ...ofB]).size;
  return either === 0 ? 1 : [...ofA].filter((word) => ofB.has(word)).length / either;
}

function words(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [text]
  );
}
