// The pages of the guide, in their order: files of docs/, and the view that each is about. A test holds the table and the files
// together; the texts themselves come when the guide is opened.
import type { ViewName } from '../../../../main/contract/api/views.ts';

export interface GuidePage {
  /** The file below docs/, without its ending: what links name. */
  readonly path: string;
  /** Its first heading. */
  readonly title: string;
  /** The help key opens it there. */
  readonly views?: readonly ViewName[];
}

export const GUIDE_PAGES: readonly GuidePage[] = [
  { path: 'guide/install', title: 'Install and start' },
  { path: 'guide/sample', title: 'Open the sample', views: ['project'] },
  { path: 'guide/hub', title: 'Open a model from the Hub' },
  { path: 'guide/collect', title: 'Collect activations', views: ['models'] },
  { path: 'guide/train', title: 'Train a dictionary', views: ['dictionaries'] },
  { path: 'guide/import', title: 'Import a dictionary made elsewhere' },
  { path: 'guide/label', title: 'Look at features and label them', views: ['features'] },
  { path: 'guide/import-labels', title: 'Import and share labels' },
  { path: 'guide/find', title: 'Let the finder propose an edit', views: ['finder', 'behaviours'] },
  { path: 'guide/edit', title: 'Make an edit by hand', views: ['editor'] },
  { path: 'guide/evaluate', title: 'Measure an edit', views: ['evaluations'] },
  { path: 'guide/versions', title: 'Keep, compare and roll back versions', views: ['edits'] },
  { path: 'guide/export', title: 'Export and verify the patched model', views: ['exports'] },
  { path: 'guide/serve', title: 'Serve a version to other programs' },
  { path: 'guide/why', title: 'Ask why the model says a token' },
  { path: 'guide/move-project', title: 'Move, copy and back up a project' },
  { path: 'guide/command-line', title: 'Work on the command line' },
  { path: 'guide/hosts', title: 'Run on another machine, package the app' },
  { path: 'troubleshooting', title: 'Troubleshooting' },
  { path: 'formats', title: 'The project folder and its files' },
  { path: 'glossary', title: 'Glossary' },
];

/** The page about a view; of any other place, the first. */
export function pageOfView(view: string | undefined): string {
  return (GUIDE_PAGES.find(({ views }) => views?.some((name) => name === view)) ?? GUIDE_PAGES[0])?.path ?? '';
}

/** What a link in a page leads to: another page of the guide, or nothing that the window can show. */
export function linkedPage(href: string, from: string): { readonly path: string; readonly anchor: string } | null {
  if (/^[a-z][a-z\d+.-]*:/iu.test(href)) return null;
  const [file = '', anchor = ''] = href.split('#');
  if (file === '') return { path: from, anchor };
  const parts = from.split('/').slice(0, -1);
  for (const part of file.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  const path = parts.join('/').replace(/\.md$/u, '');
  return GUIDE_PAGES.some((page) => page.path === path) ? { path, anchor } : null;
}
