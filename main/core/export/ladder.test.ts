// Which form a person is offered first.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { badgeSchema, BADGES, worstBadge } from '../../contract/domain/exportForms.ts';
import { openTinyModel } from '../../testing/models/temporaryFolder.ts';
import type { Operation } from '../../contract/domain/operations/index.ts';
import { EXPORT_FORM_NAMES, EXPORT_FORMS, findForm } from './forms/index.ts';
import { defaultForm, exportLadder } from './ladder.ts';

const STEER: Operation = {
  ...{ dictionary: 'd'.repeat(64), site: 'blocks.1.hook_resid_post', feature: 1 },
  ...{ scope: { positions: 'all' }, gates: [], kind: 'steer', amount: 1 },
};

describe('the form that is offered first', () => {
  it('is the first of those that are exact, not another exact one', async () => {
    const model = await openTinyModel('gpt2');
    const ladder = exportLadder(model, [STEER], () => ({ architecture: 'batchtopk', size: 32, k: null }));
    const exact = ladder.rungs.filter(({ badge }) => badge === 'exact').map(({ form }) => form);
    expect(exact).toEqual(expect.arrayContaining(['embedded', 'referenced', 'bias', 'huggingface']));
    expect(exact[0]).toBe('embedded');
    expect(ladder.default).toBe('embedded');
  });

  it('has no exact form before it; without an exact one, none before it can carry the edit', () => {
    const rung = fc.constantFrom(
      { applies: true, badge: 'exact' as const },
      { applies: true, badge: 'calibrated' as const },
      { applies: true, badge: 'approximate' as const },
      { applies: false, badge: null },
    );
    fc.assert(
      fc.property(fc.array(rung, { minLength: 1, maxLength: 8 }), (plans) => {
        const rungs = plans.map((plan, index) => ({ ...plan, form: String(index) }));
        const offered = rungs.find(({ form }) => form === defaultForm(rungs));
        const before = rungs.slice(0, Number(offered?.form));
        if (rungs.some(({ badge }) => badge === 'exact')) {
          expect(offered?.badge).toBe('exact');
          expect(before.some(({ badge }) => badge === 'exact')).toBe(false);
        } else if (rungs.some(({ applies }) => applies)) {
          expect(offered?.applies).toBe(true);
          expect(before.some(({ applies }) => applies)).toBe(false);
        } else expect(offered?.form).toBe('0');
      }),
    );
  });
});

describe('the table of forms', () => {
  it('has each form under its own name, with words of its own', () => {
    expect(Object.keys(EXPORT_FORMS)).toEqual(EXPORT_FORM_NAMES);
    const forms = Object.values(EXPORT_FORMS);
    expect(new Set(forms.map(({ title }) => title)).size).toBe(forms.length);
    for (const form of forms) {
      expect(findForm(form.name)).toBe(form);
      expect(form.requiredFiles.length).toBeGreaterThan(0);
      for (const words of [form.description, form.carries, form.readme.what]) expect(words).toMatch(/^[A-Z].*\.$/u);
    }
  });

  it('says which forms there are when another is asked for', () => {
    expect(() => findForm('constructor')).toThrow(/"constructor" is not a form of export.*embedded, referenced/u);
  });
});

describe('the badge of a whole edit', () => {
  it('is that of its least exact operation', () => {
    expect(badgeSchema.options).toEqual(Object.keys(BADGES));
    expect(worstBadge([])).toBe('exact');
    expect(worstBadge(['exact', 'calibrated', 'exact'])).toBe('calibrated');
    expect(worstBadge(['exact', 'approximate', 'calibrated'])).toBe('approximate');
  });
});
