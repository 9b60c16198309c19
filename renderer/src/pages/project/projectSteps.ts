// The way from a model to a patched one, and how far a project has come on it. Pure. A step is finished when what it makes is
// there, or what can only come of it: a dictionary that came with a project needs no captured activations.
import type { Project } from '../../api/types.ts';

export interface ProjectStep {
  readonly title: string;
  readonly isDone: boolean;
  /** What is there; empty before. */
  readonly detail: string;
  /** Of the registry. */
  readonly command: string;
  readonly button: string;
}

export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function projectSteps(
  { models, activations, dictionaries, labels, versions, exports }: Project['counts'],
  evaluations: number,
): readonly ProjectStep[] {
  const step = (title: string, isDone: boolean, detail: string, command: string, button: string): ProjectStep => ({
    ...{ title, isDone, detail: isDone ? detail : '', command, button },
  });
  return [
    step('Add a model', models > 0, countOf(models, 'model'), 'model.add', 'Add a model…'),
    step(
      'Capture its activations',
      activations > 0 || dictionaries > 0,
      activations > 0 ? countOf(activations, 'store') : 'not needed: there is a dictionary',
      'activations.capture',
      'Capture…',
    ),
    step(
      'Train a dictionary',
      dictionaries > 0,
      countOf(dictionaries, 'dictionary', 'dictionaries'),
      'dictionary.train',
      'Train…',
    ),
    step('Label its features', labels > 0, countOf(labels, 'label'), 'go.features', 'Label'),
    step('Edit and commit a version', versions > 0, countOf(versions, 'version'), 'go.editor', 'Edit'),
    step('Evaluate it', evaluations > 0, countOf(evaluations, 'evaluation'), 'go.evaluations', 'Evaluate'),
    step('Export the patched model', exports > 0, countOf(exports, 'export'), 'go.exports', 'Export'),
  ];
}

interface Step {
  readonly id: number;
  readonly kind: string;
  readonly title: string;
  readonly status: string;
  readonly author: string;
  readonly time: string;
}

/** Steps of a kind by one author in a row become one line: what an import brought does not push the rest off the page. */
export function groupSteps<Of extends Step>(steps: readonly Of[]): readonly (Of & { readonly more: number })[] {
  const verb = ({ title }: Step) => title.split(' ').slice(0, 2).join(' ');
  const groups: (Of & { more: number })[] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    const isSame =
      last?.kind === step.kind &&
      last.status === step.status &&
      last.author === step.author &&
      verb(last) === verb(step);
    if (last && isSame) last.more += 1;
    else groups.push({ ...step, more: 0 });
  }
  return groups;
}
