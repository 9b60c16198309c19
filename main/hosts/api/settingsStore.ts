// What is remembered of this person on this machine: settings and recent projects, in settings.json of the data folder. A
// file that is damaged or of a newer program is set aside, never overwritten, and the defaults hold.
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { toAppError } from '../../contract/base/errors.ts';
import { settingsSchema, type Settings } from '../../contract/api/app.ts';
import { writeFileAtomic } from '../../core/files/atomicWrite.ts';
import { readJson } from '../../core/files/json.ts';

const FILE = 'settings.json';
const MOST_RECENT = 20;

const recentSchema = v.object({
  folder: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
  opened: v.string(),
  isSample: v.optional(v.boolean(), false),
});
export type RecentProject = v.InferOutput<typeof recentSchema>;

const boundsSchema = v.object({
  x: v.number(),
  y: v.number(),
  width: v.number(),
  height: v.number(),
  isMaximized: v.boolean(),
});
export type WindowBounds = v.InferOutput<typeof boundsSchema>;

const fileSchema = v.object({
  format: v.literal('errata-settings'),
  version: v.literal(1),
  settings: settingsSchema,
  recent: v.pipe(v.array(recentSchema), v.maxLength(1000)),
  /** Of the desktop host's window. */
  window: v.optional(v.nullable(boundsSchema), null),
});
type Content = v.InferOutput<typeof fileSchema>;

const DEFAULTS: Content = {
  format: 'errata-settings',
  version: 1,
  settings: { theme: 'system', device: 'auto', author: null, suggestions: null, tour: { stop: 0, state: 'open' } },
  recent: [],
  window: null,
};

export class SettingsStore {
  readonly #folder: string;
  #content: Content;
  /** Why the file could not be used, for a notice. */
  readonly problem: string | null;
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string, content: Content, problem: string | null) {
    this.#folder = folder;
    this.#content = content;
    this.problem = problem;
  }

  static async open(folder: string): Promise<SettingsStore> {
    const path = join(folder, FILE);
    try {
      const parsed = v.safeParse(fileSchema, await readJson(path));
      if (parsed.success) return new SettingsStore(folder, parsed.output, null);
    } catch (thrown) {
      const { code } = toAppError(thrown);
      if (code === 'not-found') return new SettingsStore(folder, DEFAULTS, null);
      if (code !== 'invalid-file') {
        return new SettingsStore(folder, DEFAULTS, `The settings could not be read: ${toAppError(thrown).message}`);
      }
    }
    const aside = `${path}.unreadable`;
    await rename(path, aside).catch(() => undefined);
    return new SettingsStore(folder, DEFAULTS, `The settings could not be read; they were set aside as ${aside}.`);
  }

  get settings(): Settings {
    return this.#content.settings;
  }

  get recent(): readonly RecentProject[] {
    return this.#content.recent;
  }

  /** Whether a recent project was made of the sample. */
  isSample(folder: string): boolean {
    return this.recent.some((recent) => recent.folder === folder && recent.isSample);
  }

  get window(): WindowBounds | null {
    return this.#content.window;
  }

  /** @throws AppError `disk-full`, `permission`; then nothing has changed. */
  async change(patch: Partial<Settings>): Promise<Settings> {
    await this.#write({ ...this.#content, settings: { ...this.#content.settings, ...patch } });
    return this.settings;
  }

  async remember(folder: string, opened: string, isSample: boolean): Promise<void> {
    const others = this.#content.recent.filter((project) => project.folder !== folder);
    await this.#write({
      ...this.#content,
      recent: [{ folder, opened, isSample }, ...others].slice(0, MOST_RECENT),
    });
  }

  async forget(folder: string): Promise<void> {
    await this.#write({
      ...this.#content,
      recent: this.#content.recent.filter((project) => project.folder !== folder),
    });
  }

  async keepWindow(window: WindowBounds): Promise<void> {
    await this.#write({ ...this.#content, window });
  }

  /** One write after another: the last one asked for is the one that stays. */
  async #write(content: Content): Promise<void> {
    const before = this.#content;
    this.#content = content;
    const write = this.#writing
      .catch(() => undefined)
      .then(async () => {
        await mkdir(this.#folder, { recursive: true, mode: 0o700 });
        // It names projects, and may name a server with its key: nobody else's on a machine of several.
        await writeFileAtomic(join(this.#folder, FILE), `${JSON.stringify(content, null, 2)}\n`, 0o600);
      });
    this.#writing = write;
    try {
      await write;
    } catch (thrown) {
      if (this.#content === content) this.#content = before;
      throw thrown;
    }
  }
}
