// The commands that are always there: those of main/contract/api/commands.ts that this version of the window can do.
import { COMMANDS, type CommandId } from '../../../main/contract/api/commands.ts';
import { VIEWS } from '../../../main/contract/api/views.ts';
import { attempt } from '../state/attempt.ts';
import { pickLocation } from '../state/pickLocation.ts';
import { api, changeSettings, session } from '../api/session.svelte.ts';
import { dialogs } from '../state/dialogs.svelte.ts';
import { layout } from '../state/layout.svelte.ts';
import { notices } from '../state/notices.svelte.ts';
import { navigate } from '../state/route.svelte.ts';
import type { Command } from '../state/commands/registry.svelte.ts';
import { GUIDE_PAGES } from './guide/guidePages.ts';

/** Keys that browsers keep for themselves: in the web host they would be promised in vain. */
const BROWSER_KEYS = /^\$mod\+(?:Shift\+[NTWM]|[0-9NTW])$/iu;

/** Keys beside those of the menu. */
const MORE_KEYS: Partial<Record<CommandId, readonly string[]>> = {
  'project.create': ['n p'],
  'model.add': ['n m'],
  'activations.capture': ['n a'],
  'dictionary.train': ['n d'],
  'view.jobs': ['g j'],
  'help.guide': ['g g'],
  'help.glossary': ['g h'],
};

/** Those that work while a text is typed: the text has an undo of its own. */
const IN_TEXT: readonly CommandId[] = ['view.palette', 'view.jobs', 'app.settings', 'help.guide'];

export async function openProject(): Promise<void> {
  const place = await pickLocation('project');
  if (!place) return;
  if (await attempt(() => api.project.open({ location: place.location }))) navigate('project');
}

export async function openSample(): Promise<void> {
  if (await attempt(() => api.project.openSample())) navigate('project');
}

async function takeBack(direction: 'undo' | 'redo'): Promise<void> {
  const next = await attempt(() => api.history.next());
  if (!next) return;
  const step = next[direction];
  if (!step) {
    notices.tell(direction === 'undo' ? 'Nothing to undo.' : 'Nothing to redo.');
    return;
  }
  const report = await attempt(() => api.history[direction]());
  if (!report) return;
  const skipped = report.skipped.length > 0 ? ` ${report.skipped.length} had changed since and were kept.` : '';
  notices.good(`${direction === 'undo' ? 'Undone' : 'Redone'}: ${step.title}.${skipped}`);
}

function actions(): Partial<Record<CommandId, () => void>> {
  const always: Partial<Record<CommandId, () => void>> = {
    'project.create': () => dialogs.show({ kind: 'newProject' }),
    'project.open': () => void openProject(),
    'project.openSample': () => void openSample(),
    'app.settings': () => dialogs.show({ kind: 'settings' }),
    'help.about': () => dialogs.show({ kind: 'settings' }),
    'view.palette': () => dialogs.show({ kind: 'palette' }),
    'help.guide': () => dialogs.show({ kind: 'guide' }),
    'help.keys': () => dialogs.show({ kind: 'keys' }),
    'help.glossary': () => dialogs.show({ kind: 'glossary' }),
    'view.themeSystem': () => void attempt(() => changeSettings({ theme: 'system' })),
    'view.themeLight': () => void attempt(() => changeSettings({ theme: 'light' })),
    'view.themeDark': () => void attempt(() => changeSettings({ theme: 'dark' })),
    'go.back': () => history.back(),
    'go.forward': () => history.forward(),
  };
  if (!session.project) return always;
  return {
    ...always,
    'project.close': () => void attempt(() => api.project.close()),
    'model.add': () => dialogs.show({ kind: 'addModel' }),
    'dictionary.import': () => dialogs.show({ kind: 'importDictionary' }),
    'activations.capture': () => navigate('dictionaries', ['~new'], { step: 'capture' }),
    'dictionary.train': () => navigate('dictionaries', ['~new']),
    'history.undo': () => void takeBack('undo'),
    'history.redo': () => void takeBack('redo'),
    'view.jobs': () => layout.showJobs(!layout.isJobsOpen),
    ...Object.fromEntries(VIEWS.map(({ name }) => [`go.${name}`, () => navigate(name)])),
  };
}

/** A page of the guide each, for the palette. */
function guideCommands(): readonly Command[] {
  return GUIDE_PAGES.map(({ path, title }) => ({
    id: `guide.${path}`,
    title: `Guide: ${title}`,
    section: 'Help',
    keys: [],
    run: () => dialogs.show({ kind: 'guide', page: path }),
  }));
}

export function windowCommands(): readonly Command[] {
  const isWeb = session.facts?.host !== 'electron';
  const does = actions();
  const own = COMMANDS.flatMap((described): readonly Command[] => {
    const run = does[described.id];
    if (!run) return [];
    const view = VIEWS.find(({ name }) => `go.${name}` === described.id);
    const menu = 'keys' in described && !(isWeb && BROWSER_KEYS.test(described.keys)) ? [described.keys] : [];
    return [
      {
        id: described.id,
        title: view ? `Go to ${described.title}` : described.title,
        section: described.group,
        keys: [...menu, ...(view ? [view.keys] : []), ...(MORE_KEYS[described.id] ?? [])],
        inText: IN_TEXT.includes(described.id),
        run,
      },
    ];
  });
  return [...own, ...guideCommands()];
}
