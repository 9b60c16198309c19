// Work of a kind on one project is done one at a time, whatever a page asks.
import { expect, it } from 'vitest';
import { oneAtATime } from './storageWork.ts';

/** Work that ends when the test says so. */
function recorded() {
  const begun: { task: string; folder: string; end: () => void; fail: () => void }[] = [];
  const work = (task: string, folder: string) =>
    new Promise<number>((resolve, reject) => {
      const count = begun.length;
      begun.push({ task, folder, end: () => resolve(count), fail: () => reject(new Error(`${count} failed`)) });
    });
  return { begun, asked: oneAtATime(work) };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

it('four hundred checks at once are two: the one under way, and one that begins after all of them asked', async () => {
  const { begun, asked } = recorded();
  const all = Array.from({ length: 400 }, () => asked('check', '/p'));
  await settled();
  expect(begun).toHaveLength(1);
  begun[0]?.end();
  await settled();
  expect(begun).toHaveLength(2);
  begun[1]?.end();
  expect(new Set(await Promise.all(all))).toEqual(new Set([0, 1]));
  const later = asked('check', '/p');
  await settled();
  begun[2]?.end();
  expect(await later).toBe(2);
});

it('one that fails keeps nobody from the next', async () => {
  const { begun, asked } = recorded();
  const [first, second] = [asked('backup', '/p'), asked('backup', '/p')];
  begun[0]?.fail();
  await expect(first).rejects.toThrow('0 failed');
  await settled();
  begun[1]?.end();
  expect(await second).toBe(1);
});

it('other work, and work on another project, is not waited for', async () => {
  const { begun, asked } = recorded();
  void asked('check', '/p');
  void asked('backup', '/p');
  void asked('check', '/q');
  await settled();
  expect(begun.map(({ task, folder }) => `${task} ${folder}`)).toEqual(['check /p', 'backup /p', 'check /q']);
});
