// The area in which charts draw, in pixels of their own; the same for all of them, so that charts beside each other align.
export const LEFT = 46;
export const RIGHT = 12;
export const TOP = 8;

/** A mark on an axis. */
export interface Tick {
  readonly at: number;
  readonly text: string;
}
