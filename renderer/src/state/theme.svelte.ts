// Light, dark, or as the system has it. The host keeps the choice; a copy in the browser saves the flash of the wrong one
// before the host is there.
import { THEMES } from '../../../main/contract/api/app.ts';

export type Theme = (typeof THEMES)[number];

const KEY = 'errata.theme';
const systemIsDark = window.matchMedia('(prefers-color-scheme: dark)');
let chosen: Theme = THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'system';

export function showTheme(theme: Theme): void {
  chosen = theme;
  localStorage.setItem(KEY, theme);
  apply();
}

function apply(): void {
  document.documentElement.dataset.theme = chosen === 'system' ? (systemIsDark.matches ? 'dark' : 'light') : chosen;
}

systemIsDark.addEventListener('change', apply);
apply();
