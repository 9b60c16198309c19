// The views of the window, in the order of the rail. What is not built is not here.
import BookOpen from '@lucide/svelte/icons/book-open';
import ClipboardCheck from '@lucide/svelte/icons/clipboard-check';
import FlaskConical from '@lucide/svelte/icons/flask-conical';
import GitBranch from '@lucide/svelte/icons/git-branch';
import House from '@lucide/svelte/icons/house';
import Microscope from '@lucide/svelte/icons/microscope';
import PackageCheck from '@lucide/svelte/icons/package-check';
import Scale from '@lucide/svelte/icons/scale';
import ScanSearch from '@lucide/svelte/icons/scan-search';
import Waypoints from '@lucide/svelte/icons/waypoints';
import type { Component } from 'svelte';
import type { CommandId } from '../../../main/contract/api/commands.ts';
import BehavioursView from './behaviours/BehavioursView.svelte';
import DictionariesView from './dictionaries/DictionariesView.svelte';
import EditorView from './editor/EditorView.svelte';
import EditsView from './edits/EditsView.svelte';
import EvaluationsView from './evaluations/EvaluationsView.svelte';
import ExportsView from './exports/ExportsView.svelte';
import FeaturesView from './features/FeaturesView.svelte';
import FinderView from './finder/FinderView.svelte';
import ModelsView from './models/ModelsView.svelte';
import ProjectView from './project/ProjectView.svelte';

export interface View {
  /** As it stands in the hash. */
  readonly name: string;
  readonly title: string;
  readonly icon: Component<{ size?: number }>;
  readonly command: CommandId;
  /** Keys beside those of the menu, which a browser may keep for itself. */
  readonly keys: string;
  readonly component: Component;
}

export const VIEWS: readonly View[] = [
  { name: 'project', title: 'Project', icon: House, command: 'go.project', keys: 'g p', component: ProjectView },
  { name: 'models', title: 'Models', icon: Waypoints, command: 'go.models', keys: 'g m', component: ModelsView },
  {
    name: 'dictionaries',
    title: 'Dictionaries',
    icon: BookOpen,
    command: 'go.dictionaries',
    keys: 'g d',
    component: DictionariesView,
  },
  {
    name: 'features',
    title: 'Features',
    icon: Microscope,
    command: 'go.features',
    keys: 'g f',
    component: FeaturesView,
  },
  {
    name: 'behaviours',
    title: 'Behaviours',
    icon: ClipboardCheck,
    command: 'go.behaviours',
    keys: 'g b',
    component: BehavioursView,
  },
  { name: 'finder', title: 'Finder', icon: ScanSearch, command: 'go.finder', keys: 'g i', component: FinderView },
  {
    name: 'editor',
    title: 'Editor',
    icon: FlaskConical,
    command: 'go.editor',
    keys: 'g w',
    component: EditorView,
  },
  { name: 'edits', title: 'Edits', icon: GitBranch, command: 'go.edits', keys: 'g e', component: EditsView },
  {
    name: 'evaluations',
    title: 'Evaluations',
    icon: Scale,
    command: 'go.evaluations',
    keys: 'g v',
    component: EvaluationsView,
  },
  { name: 'exports', title: 'Exports', icon: PackageCheck, command: 'go.exports', keys: 'g x', component: ExportsView },
];
