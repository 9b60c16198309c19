// The API layer by itself: a contract of its own, a channel in memory that carries text as the real ones do.
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { createConnection, type ConnectionState } from './client.ts';
import { contract } from '../api/contract.ts';
import { CHANGING } from '../base/changing.ts';
import { AppError } from '../base/errors.ts';
import { jsonChannel, type TextChannel } from './channel.ts';
import { command, nothing, query, stream, type Contract, type Handlers } from './procedure.ts';
import { serveContract } from './server.ts';

const small = {
  number: {
    double: query({
      summary: 'Twice a number',
      shows: ['models'],
      input: v.strictObject({ value: v.number() }),
      output: v.object({ value: v.number() }),
    }),
    wrong: query({ summary: 'Breaks its promise', shows: [], input: nothing, output: v.object({ value: v.number() }) }),
    fail: command({ summary: 'Fails', changes: ['labels'], input: nothing, output: nothing }),
    forget: command({ summary: 'Forgets', changes: ['labels'], input: nothing, output: nothing }),
    count: stream({
      summary: 'Counts until it is aborted',
      changes: ['lists', 'history'],
      input: v.strictObject({ to: v.number() }),
      chunk: v.object({ at: v.number() }),
      output: v.object({ counted: v.number() }),
    }),
  },
};

/** What the counting handler saw of its end. */
let ended: string[] = [];

const handlers: Handlers<typeof small> = {
  number: {
    double: ({ value }) => ({ value: 2 * value, secret: 'not in the contract' }),
    wrong: () => JSON.parse('{"value":"text"}') as { value: number },
    fail: () => {
      throw new AppError('locked', 'Somebody has it.', { details: { who: 'me' } });
    },
    forget: () => ({}),
    count: async ({ to }, { signal, send }) => {
      for (let at = 1; at <= to; at++) {
        send({ at });
        await delay(2);
        if (signal.aborted) {
          ended.push(`aborted at ${at}`);
          signal.throwIfAborted();
        }
      }
      ended.push('counted');
      return { counted: to };
    },
  },
};

/** Two ends that carry text in order, asynchronously; `cut` is what a lost connection is. */
function pipe() {
  const make = () => ({ texts: [] as ((text: string) => void)[], closes: [] as (() => void)[] });
  const [a, b] = [make(), make()];
  let isOpen = true;
  const cut = () => {
    if (!isOpen) return;
    isOpen = false;
    for (const close of [...a.closes, ...b.closes]) close();
  };
  const end = (own: typeof a, other: typeof a): TextChannel => ({
    send: (text) => queueMicrotask(() => isOpen && other.texts.forEach((listener) => listener(text))),
    onText: (listener) => own.texts.push(listener),
    onClose: (listener) => own.closes.push(listener),
    close: cut,
  });
  return { page: end(a, b), host: end(b, a), cut };
}

function connected(options: Parameters<typeof serveContract>[2] = {}) {
  ended = [];
  const served = serveContract(small, handlers, options);
  const states: ConnectionState[] = [];
  let line = pipe();
  let refusals = 0;
  const connection = createConnection(
    small,
    async () => {
      if (refusals-- > 0) throw new AppError('disconnected', 'Not now.');
      line = pipe();
      served.serve(jsonChannel(line.host));
      return jsonChannel(line.page);
    },
    { onState: (state) => states.push(state), delays: [1] },
  );
  return {
    ...connection,
    served,
    states,
    cut: () => line.cut(),
    refuse: (times: number) => (refusals = times),
    line: () => line,
  };
}

describe('a call', () => {
  it('is typed by the contract, checked on both sides, and answers only what the contract names', async () => {
    const { api } = connected();
    const answer = await api.number.double({ value: 21 });
    expectTypeOf(answer).toEqualTypeOf<{ readonly value: number }>();
    expect(answer).toEqual({ value: 42 });
    // @ts-expect-error -- the compiler refuses it, and so does the host
    await expect(api.number.double({ value: '21' })).rejects.toMatchObject({ code: 'usage' });
    // @ts-expect-error -- unknown members are refused
    await expect(api.number.double({ value: 1, more: 2 })).rejects.toMatchObject({ code: 'usage' });
    await expect(api.number.wrong()).rejects.toMatchObject({ code: 'internal', message: /number.wrong.*value/ });
  });

  it('fails with the code, the sentence and the details of the error that the handler threw', async () => {
    const { api } = connected();
    const error = await api.number.fail().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'locked', message: 'Somebody has it.', details: { who: 'me' } });
  });

  it('streams chunks in order before its output', async () => {
    const { api } = connected();
    const seen: number[] = [];
    const output = await api.number.count({ to: 4 }, { onChunk: ({ at }) => seen.push(at) });
    expect([seen, output]).toEqual([[1, 2, 3, 4], { counted: 4 }]);
  });

  it('that is aborted rejects at once, and the handler is told', async () => {
    const { api, served } = connected();
    const abort = new AbortController();
    const call = api.number.count({ to: 1000 }, { signal: abort.signal });
    await delay(20);
    abort.abort();
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    await delay(20);
    expect(ended).toEqual([expect.stringMatching(/^aborted/)]);
    expect(served.pending()).toBe(0);
    const late = api.number.double({ value: 1 }, { signal: AbortSignal.abort() });
    await expect(late).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('is refused where one page makes too many at once, and the others go on', async () => {
    const { api } = connected({ maxInFlight: 2 });
    const abort = new AbortController();
    const long = [1, 2].map(() => api.number.count({ to: 1000 }, { signal: abort.signal }).catch(() => 'ended'));
    await expect(api.number.double({ value: 1 })).rejects.toMatchObject({ code: 'busy' });
    abort.abort();
    expect(await Promise.all(long)).toEqual(['ended', 'ended']);
    await delay(20);
    expect(await api.number.double({ value: 1 })).toEqual({ value: 2 });
  });
});

describe('what changed', () => {
  it('is told after a command or a stream that succeeded, as the contract says it, and not after a query', async () => {
    const told: string[][] = [];
    const { api } = connected({ onChanged: (what) => told.push([...what]) });
    await api.number.double({ value: 1 });
    expect(told).toEqual([]);
    await expect(api.number.fail()).rejects.toMatchObject({ code: 'locked' });
    expect(told).toEqual([]);
    await api.number.count({ to: 2 });
    expect(told).toEqual([['lists', 'history']]);
    await api.number.forget();
    expect(told.slice(1)).toEqual([['labels']]);
  });
});

describe('a lost connection', () => {
  it('rejects what was pending, ends its work in the host, comes back, and sends what waited', async () => {
    const { api, states, cut, refuse } = connected();
    await api.number.double({ value: 1 });
    const pending = api.number.count({ to: 1000 });
    await delay(10);
    refuse(2);
    cut();
    await expect(pending).rejects.toMatchObject({ code: 'disconnected' });
    expect(await api.number.double({ value: 2 })).toEqual({ value: 4 });
    await delay(20);
    expect(ended).toEqual([expect.stringMatching(/^aborted/)]);
    expect(states).toEqual(['connected', 'lost', 'connected']);
  });

  it('that is ended on purpose, or refused, is not tried again', async () => {
    const { api, close, state } = connected();
    await api.number.double({ value: 1 });
    close();
    expect(state()).toBe('closed');
    await expect(api.number.double({ value: 1 })).rejects.toMatchObject({ code: 'disconnected' });

    let attempts = 0;
    const refused = createConnection(small, async () => {
      attempts++;
      throw new AppError('permission', 'Not signed in.');
    });
    await expect(refused.api.number.double({ value: 1 })).rejects.toMatchObject({ code: 'permission' });
    await delay(10);
    expect([attempts, refused.state()]).toEqual([1, 'refused']);
  });
});

describe('the host', () => {
  it('survives whatever a page sends, and closes on one that sends nothing else', async () => {
    const { api, line, states } = connected();
    await api.number.double({ value: 1 });
    const texts = [
      '',
      'x',
      'null',
      '[]',
      '{"type":"call"}',
      '{"type":"call","id":-1,"procedure":"x","input":{}}',
      '{"type":"nothing"}',
      '"'.repeat(1000),
    ];
    for (const text of texts) line().page.send(text);
    expect(await api.number.double({ value: 3 })).toEqual({ value: 6 });
    for (const name of ['number.nothing', '__proto__.toString', 'constructor', 'number']) {
      const answers: string[] = [];
      line().page.onText((text) => answers.push(text));
      line().page.send(JSON.stringify({ type: 'call', id: 1_000_000, procedure: name, input: {} }));
      await delay(2);
      expect(JSON.parse(answers[0] ?? '')).toMatchObject({ type: 'error', error: { code: 'unsupported' } });
    }
    for (let i = 0; i < 200; i++) line().page.send('garbage');
    await delay(20);
    expect(states).toContain('lost');
  });
});

describe('the contract', () => {
  it('says of every command what it changes and of every query what it shows', () => {
    const shown = new Set<string>();
    const changed = new Set<string>();
    for (const [noun, procedures] of Object.entries(contract as Contract)) {
      for (const [name, { kind, shows, changes }] of Object.entries(procedures)) {
        expect([shows, changes].every(Array.isArray), `${noun}.${name}`).toBe(true);
        for (const each of [...shows, ...changes]) expect(CHANGING, `${noun}.${name}`).toContain(each);
        expect(kind === 'query' ? changes : shows, `${noun}.${name}`).toEqual([]);
        for (const each of shows) shown.add(each);
        for (const each of changes) changed.add(each);
      }
    }
    expect([...shown].toSorted()).toEqual(CHANGING.toSorted());
    expect([...changed].toSorted()).toEqual(CHANGING.toSorted());
  });

  it('says of every procedure what it does, and lets nothing unknown in', () => {
    for (const [noun, procedures] of Object.entries(contract)) {
      for (const [name, { summary, input }] of Object.entries(procedures)) {
        expect(summary, `${noun}.${name}`).not.toBe('');
        const given = v.safeParse(input as v.GenericSchema, { notInTheContract: 1 });
        expect(given.success, `${noun}.${name}`).toBe(false);
      }
    }
  });
});
