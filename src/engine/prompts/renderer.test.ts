import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PromptRenderer } from './renderer.ts';
import type { LoadedPrompt } from './thread.ts';

// Rendered in the thread of dist/engine, which the tests' setup builds.
const renderer = new PromptRenderer();
afterAll(() => renderer.dispose());

const prompt = (body: string): LoadedPrompt => ({
  text: `---\nmodel: { id: x }\n---\n${body}`,
  path: undefined,
  included: new Map(),
});
const fill = (body: string, values: Record<string, unknown> = {}, options = {}) =>
  renderer.fill(prompt(body), values, { what: 'a.prompty, row 3', ...options });

test('row after row by the same thread, and one template after another', async () => {
  const template = prompt('user:\n{{ text }}');
  const contents: string[] = [];
  for (const text of ['one', 'two', '{{ three }}'])
    contents.push((await renderer.fill(template, { text }, { what: 'a.prompty' })).messages[0]!.content);
  expect(contents).toEqual(['one', 'two', '{{ three }}']);
  expect((await fill('user:\nother')).messages).toEqual([{ role: 'user', content: 'other' }]);
});

test('a loop of a billion turns is ended after two seconds; the next row has another thread', async () => {
  const start = performance.now();
  await expect(fill('user:\n{% for i in range(1000000000) %}{% endfor %}')).rejects.toMatchObject({
    code: 'prompt-invalid',
    message: 'a.prompty, row 3: the template takes more than 2 s, so it was ended.',
  });
  expect(performance.now() - start).toBeGreaterThan(1_900);
  expect((await fill('user:\n{{ a }}', { a: 1 })).messages).toEqual([{ role: 'user', content: '1' }]);
});

test('one that fills the memory is ended', async () => {
  const body = '{% set ns = namespace(x=["a"]) %}{% for i in range(40) %}{% set ns.x = ns.x + ns.x %}{% endfor %}';
  await expect(fill(`user:\n${body}`)).rejects.toMatchObject({
    code: 'prompt-invalid',
    message: expect.stringMatching(/^a\.prompty, row 3: the template takes more than (64 MB|2 s), so it was ended\.$/),
  });
  expect((await fill('user:\nstill there')).messages).toHaveLength(1);
});

test('a prompt of ten million characters is refused', async () => {
  const body = 'user:\n{% for i in range(1000) %}{{ text }}{% endfor %}';
  await expect(fill(body, { text: 'x'.repeat(10_000) })).rejects.toMatchObject({
    code: 'prompt-invalid',
    message: 'a.prompty, row 3, line 5: The prompt is longer than 4 million characters.',
  });
});

test('faults name the row and the line', async () => {
  await expect(fill('user:\n\n{{ a | nope }}', { a: 1 })).rejects.toMatchObject({
    code: 'prompt-invalid',
    message: 'a.prompty, row 3, line 6: There is no filter “nope”.',
  });
});

test('what JavaScript itself does not make is the template’s fault, and the next row is filled', async () => {
  const large = prompt('user:\n{{ "a" | center(n) }}');
  const options = { what: 'a.prompty' };
  await expect(renderer.fill(large, { n: 2 ** 40 }, options)).rejects.toMatchObject({ code: 'prompt-invalid' });
  expect((await renderer.fill(large, { n: 1 }, options)).messages[0]!.content).toBe('a');
});

test('a long text is split into words in time', async () => {
  const { messages } = await fill('user:\n{{ text.split() | length }}', { text: 'some words '.repeat(50_000) });
  expect(messages[0]!.content).toBe('100000');
});

test('texts are cut to tokens where there is a model, within expressions too', async () => {
  const truncate = (text: string, tokens: number) => text.split(' ').slice(0, tokens).join(' ');
  const body =
    'user:\n{% for t in texts %}{{ t | truncate_tokens(2) | length }} {% endfor %}{{ texts[0] | truncate_tokens(1) }}';
  const texts = ['one two three', 'a b c', 'x'];
  expect((await fill(body, { texts }, { truncate })).messages[0]!.content).toBe('7 3 1 one');
  expect((await fill(body, { texts })).messages[0]!.content).toBe('13 5 1 one two three');
  const failing = () => {
    throw new Error('no tokens');
  };
  await expect(fill(body, { texts }, { truncate: failing })).rejects.toThrow('no tokens');
  expect((await fill(body, { texts }, { truncate })).messages[0]!.content).toBe('7 3 1 one');
});

test('a cancellation is heard while a template is rendered', async () => {
  const controller = new AbortController();
  const waiting = fill('user:\n{% for i in range(1000000000) %}{% endfor %}', {}, { signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  expect((await fill('user:\nagain')).messages).toHaveLength(1);
});

test('what is asked at the same time is answered one after the other', async () => {
  const all = await Promise.all(['a', 'b', 'c'].map((text) => fill('user:\n{{ text }}', { text })));
  expect(all.map(({ messages }) => messages[0]!.content)).toEqual(['a', 'b', 'c']);
});

test('a thread that never says ready, or ends before, is told; a cancellation is heard meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'luthier thread-'));
  const silent = join(folder, 'silent.cjs');
  const ended = join(folder, 'ended.cjs');
  writeFileSync(silent, 'setInterval(() => {}, 1000);');
  writeFileSync(ended, 'process.exit(0);');
  const template = prompt('user:\nHi');
  const ask = (one: PromptRenderer, options = {}) => one.fill(template, {}, { what: 'a.prompty', ...options });
  const waiting = new PromptRenderer({ startMilliseconds: 300 }, silent);
  try {
    for (let i = 0; i < 2; i++) {
      await expect(ask(waiting)).rejects.toMatchObject({
        code: 'internal',
        message: 'The thread that renders templates was not ready after 1 second.',
      });
    }
    await expect(ask(new PromptRenderer({}, ended))).rejects.toMatchObject({
      code: 'internal',
      message: 'The thread that renders templates ended before it was ready.',
    });
    const patient = new PromptRenderer({}, silent);
    const controller = new AbortController();
    const asking = ask(patient, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(asking).rejects.toMatchObject({ code: 'cancelled' });
    patient.dispose();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
