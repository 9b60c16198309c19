// What a person without a mouse does: on with Tab until something has the focus, then Enter, space, letters.
import type { Locator, Page } from '@playwright/test';
import { expect } from './test.ts';

const MOST_TABS = 120;

/** Goes on with Tab until something has the focus, as a person does. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let pressed = 0; pressed < MOST_TABS; pressed++) {
    if ((await target.and(page.locator(':focus')).count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`The focus did not reach ${String(target)} in ${MOST_TABS} steps.`);
}

export async function press(page: Page, target: Locator): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press('Enter');
}

/** Of a text or a number: what is there gives way. */
export async function fillIn(page: Page, target: Locator, text: string): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
}

/** In a list to choose from: the one that begins with these letters. */
export async function choose(page: Page, target: Locator, beginning: string): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.type(beginning);
}
