// The pages by the names of their views (main/contract/api/views.ts): pages/NAME/NameView.svelte, which exports its icon.
import type { Component } from 'svelte';
import { VIEWS, type ViewName } from '../../../main/contract/api/views.ts';

interface Page {
  readonly default: Component;
  readonly icon: Component<{ size?: number }>;
}

export interface View {
  readonly name: ViewName;
  readonly title: string;
  readonly keys: string;
  readonly icon: Page['icon'];
  readonly component: Component;
}

const files = import.meta.glob<Page>('./*/*View.svelte', { eager: true });

export const PAGES: readonly View[] = VIEWS.map(({ name, title, keys }) => {
  const path = `./${name}/${name.charAt(0).toUpperCase()}${name.slice(1)}View.svelte`;
  const page = files[path];
  if (!page) throw new Error(`The view ${name} has no page: ${path} does not exist.`);
  return { name, title, keys, icon: page.icon, component: page.default };
});
