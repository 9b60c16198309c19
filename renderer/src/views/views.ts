// The views of the window, in the order of the rail. What is not built is not here.
import BookOpen from '@lucide/svelte/icons/book-open';
import GitBranch from '@lucide/svelte/icons/git-branch';
import House from '@lucide/svelte/icons/house';
import Microscope from '@lucide/svelte/icons/microscope';
import Waypoints from '@lucide/svelte/icons/waypoints';
import type { Component } from 'svelte';
import type { CommandId } from '../../../main/contract/commands.ts';
import DictionariesView from './DictionariesView.svelte';
import EditsView from './EditsView.svelte';
import FeaturesView from './FeaturesView.svelte';
import ModelsView from './ModelsView.svelte';
import ProjectView from './ProjectView.svelte';

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
  { name: 'edits', title: 'Edits', icon: GitBranch, command: 'go.edits', keys: 'g e', component: EditsView },
];
