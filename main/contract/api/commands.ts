// Every command of the window: one registry feeds the palette, the key sheet and the desktop host's native menu. What a
// command does is the renderer's; a menu item sends `{ type: 'command', id }` through `events.watch`.
// Keys are written as tinykeys reads them: `$mod` is Ctrl, on a Mac Cmd.
import { VIEWS } from './views.ts';

export const COMMAND_GROUPS = ['File', 'Edit', 'View', 'Go', 'Help'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

export interface CommandDescription {
  readonly id: string;
  readonly title: string;
  readonly group: CommandGroup;
  readonly keys?: string;
  /** False: in the palette and the key sheet only. */
  readonly inMenu?: boolean;
}

/** The command that goes to a view. */
function commandOf(view: (typeof VIEWS)[number]) {
  const { name, title } = view;
  const keys = 'menuKeys' in view ? { keys: view.menuKeys } : {};
  return { id: `go.${name}` as const, title, group: 'Go' as const, ...keys };
}

export const COMMANDS = [
  { id: 'project.create', title: 'New project…', group: 'File', keys: '$mod+Shift+N' },
  { id: 'project.open', title: 'Open project…', group: 'File', keys: '$mod+O' },
  { id: 'project.openSample', title: 'Open the sample project', group: 'File' },
  { id: 'project.close', title: 'Close project', group: 'File' },
  { id: 'model.add', title: 'Add a model…', group: 'File', keys: '$mod+Shift+M' },
  { id: 'activations.capture', title: 'Capture activations…', group: 'File' },
  { id: 'dictionary.train', title: 'Train a dictionary…', group: 'File', keys: '$mod+Shift+D' },
  { id: 'dictionary.import', title: 'Import a dictionary…', group: 'File' },
  { id: 'app.settings', title: 'Settings', group: 'File', keys: '$mod+,' },
  { id: 'history.undo', title: 'Undo', group: 'Edit', keys: '$mod+Z' },
  { id: 'history.redo', title: 'Redo', group: 'Edit', keys: '$mod+Shift+Z' },
  { id: 'view.palette', title: 'Command palette', group: 'View', keys: '$mod+K' },
  { id: 'view.jobs', title: 'Jobs', group: 'View', keys: '$mod+J' },
  { id: 'view.themeSystem', title: 'Theme of the system', group: 'View' },
  { id: 'view.themeLight', title: 'Light theme', group: 'View' },
  { id: 'view.themeDark', title: 'Dark theme', group: 'View' },
  ...VIEWS.map(commandOf),
  { id: 'go.back', title: 'Back', group: 'Go', keys: 'Alt+ArrowLeft' },
  { id: 'go.forward', title: 'Forward', group: 'Go', keys: 'Alt+ArrowRight' },
  { id: 'help.guide', title: 'Guide', group: 'Help', keys: 'F1' },
  { id: 'help.keys', title: 'Keys of this view', group: 'Help', keys: '?' },
  { id: 'help.glossary', title: 'Glossary: what is this?', group: 'Help' },
  { id: 'help.about', title: 'About Errata', group: 'Help' },
] as const satisfies readonly CommandDescription[];

export type CommandId = (typeof COMMANDS)[number]['id'];
