// The labels of features as they read now, for what names features by number.
import type { Workbench } from './workbench.ts';

interface Named {
  readonly dictionary: string;
  readonly feature: number;
}

/** Each feature once, in the order of the first mention; those without a label are left out. */
export function labelTexts({ project: { labels } }: Pick<Workbench, 'project'>, features: Iterable<Named>) {
  const keys = new Map<string, Named>();
  for (const { dictionary, feature } of features) keys.set(`${dictionary} ${feature}`, { dictionary, feature });
  return [...keys.values()].flatMap((key) => {
    const text = labels.get(key)?.text ?? '';
    return text === '' ? [] : [{ ...key, text }];
  });
}
