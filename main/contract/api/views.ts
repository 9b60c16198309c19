// The views of the window, in the order of the rail: one row each. The page itself is renderer/src/pages/NAME/NameView.svelte,
// which exports its icon; commands, menu, palette, keys and the rail follow from this table.

interface ViewDescription {
  /** As it is written in the URL's hash, and the name of the page's folder. */
  readonly name: string;
  readonly title: string;
  /** Keys of the page, which no browser keeps for itself. */
  readonly keys: string;
  /** Keys of the menu. */
  readonly menuKeys?: string;
}

export const VIEWS = [
  { name: 'project', title: 'Project', keys: 'g p', menuKeys: '$mod+1' },
  { name: 'models', title: 'Models', keys: 'g m', menuKeys: '$mod+2' },
  { name: 'dictionaries', title: 'Dictionaries', keys: 'g d', menuKeys: '$mod+3' },
  { name: 'features', title: 'Features', keys: 'g f', menuKeys: '$mod+4' },
  { name: 'behaviours', title: 'Behaviours', keys: 'g b', menuKeys: '$mod+5' },
  { name: 'finder', title: 'Finder', keys: 'g i' },
  { name: 'editor', title: 'Editor', keys: 'g w' },
  { name: 'edits', title: 'Edits', keys: 'g e', menuKeys: '$mod+6' },
  { name: 'evaluations', title: 'Evaluations', keys: 'g v', menuKeys: '$mod+7' },
  { name: 'exports', title: 'Exports', keys: 'g x' },
] as const satisfies readonly ViewDescription[];

export type ViewName = (typeof VIEWS)[number]['name'];
