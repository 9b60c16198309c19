import { describe, expect, it } from 'vitest';
import { serveOptions } from './options.ts';

describe('the command line of the web host', () => {
  it('listens on this machine only, unless another address is asked for, which it then knows as exposed', () => {
    expect(serveOptions([])).toMatchObject({ address: '127.0.0.1', isExposed: false, names: [], port: 0, open: false });
    expect(serveOptions(['--host', 'localhost']).isExposed).toBe(false);
    expect(serveOptions(['--host', '192.0.2.7'])).toMatchObject({ isExposed: true, names: ['192.0.2.7'] });
    expect(serveOptions(['--host', '2001:db8::1']).names).toEqual(['[2001:db8::1]']);
    const { isExposed, names } = serveOptions(['--host', '0.0.0.0']);
    expect([isExposed, names.includes('0.0.0.0'), names.length > 0]).toEqual([true, false, true]);
  });

  it.each([
    [['--port', '70000'], '70000'],
    [['--port', '-1'], 'port'],
    [['--port', ''], '--port'],
    [['--port', '80x'], '80x'],
    [['--host', ''], '--host'],
    [['--hots', 'x'], '--hots'],
    [['stray'], 'stray'],
  ])('refuses %j', (words, named) => {
    expect(() => serveOptions(words)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => serveOptions(words)).toThrow(named);
  });
});
