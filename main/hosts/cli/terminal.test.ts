import { describe, expect, it } from 'vitest';
import { createProgressDisplay, describeProgress, formatDuration, formatRate, harmless, updateOf } from './terminal.ts';

describe('what people see', () => {
  it('says durations and rates shortly', () => {
    expect([0.4, 59.6, 725, 11_230].map(formatDuration)).toEqual(['0 s', '1 min 00 s', '12 min 05 s', '3 h 07 min']);
    expect([37_412.4, 512.6, 3.14159].map((rate) => formatRate(rate, 'tokens'))).toEqual([
      '37,412 tokens/s',
      '513 tokens/s',
      '3.14 tokens/s',
    ]);
  });

  it('puts stage, figures, share, rate and remaining time on one line, and leaves out what is not known', () => {
    const progress = {
      stage: 'Training',
      done: 410,
      total: 1000,
      unit: 'tokens',
      figures: { loss: 0.123456 },
      fraction: 0.41,
      perSecond: 200,
      remainingSeconds: 2.95,
    };
    expect(describeProgress(updateOf(progress))).toBe('Training · loss 0.1235 · 41% · 200 tokens/s · 3 s left');
    const unknown = { stage: 'Reading', done: 4, total: null, unit: 'tokens' };
    expect(describeProgress(updateOf({ ...unknown, fraction: null, perSecond: null, remainingSeconds: null }))).toBe(
      'Reading',
    );
  });

  it('cannot be made to steer the terminal by text from models and files', () => {
    expect(harmless('a\u001b[2Jb\u009b31m\u0007\tc\nd\r')).toBe('a�[2Jb�31m�\tc\nd�');
  });
});

describe('the progress display', () => {
  const collect = (isTTY: boolean) => {
    const written: string[] = [];
    let time = 0;
    const stream = { isTTY, columns: 60, write: (text: string) => written.push(text) };
    const display = createProgressDisplay(stream, () => time);
    return { written, display, wait: (ms: number) => (time += ms) };
  };

  it('draws a bar in place on a terminal, no longer than a line, and takes it away', () => {
    const { written, display } = collect(true);
    display.show({ fraction: 0.5, message: 'Capturing \u001b[31m' + 'x'.repeat(100) });
    expect(written[0]?.replace('\r\u001b[K', '')).toMatch(/^█{12}░{12} Capturing �\[31mx+$/);
    expect([...(written[0] ?? '').slice('\r\u001b[K'.length)].length).toBe(59);
    display.clear();
    display.clear();
    expect(written.slice(1)).toEqual(['\r\u001b[K']);
  });

  it('writes a plain line elsewhere: at a new stage, else every ten seconds', () => {
    const { written, display, wait } = collect(false);
    const show = (message: string, fraction: number) => display.show({ fraction, message });
    show('Training · loss 3', 0.1);
    wait(9000);
    show('Training · loss 2', 0.2);
    wait(1000);
    show('Training · loss 1', 0.3);
    show('Saving', 0);
    expect(written).toEqual(['Training · loss 3 · 10%\n', 'Training · loss 1 · 30%\n', 'Saving · 0%\n']);
  });
});
