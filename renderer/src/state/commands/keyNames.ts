// How keys are written for people.
const NAMES: Readonly<Record<string, string>> = {
  Enter: '↵',
  Escape: 'Esc',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Space: 'Space',
  Shift: 'Shift',
};

/** 'g m' → [['g'], ['m']]; '$mod+Shift+z' → [['Ctrl', 'Shift', 'Z']]. */
export function keyNames(keys: string, isMac: boolean): readonly (readonly string[])[] {
  return keys.split(' ').map((press) => {
    const parts = press === '+' ? ['+'] : press.split('+');
    return parts.map((part) => {
      if (part === '$mod') return isMac ? '⌘' : 'Ctrl';
      if (part === 'Alt') return isMac ? '⌥' : 'Alt';
      const name = NAMES[part] ?? part;
      return parts.length > 1 && name.length === 1 ? name.toUpperCase() : name;
    });
  });
}

export const isMac = typeof navigator !== 'undefined' && /mac/iu.test(navigator.platform);
