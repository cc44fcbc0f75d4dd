import { beforeEach, expect, it } from 'vitest';
import { SETTLED_MS, type Settled, Settling } from './settling.ts';
import { type Offered, SEEN_MS, Tracker } from './tracker.ts';

const URI = 'file:///a.md';
let text: string;
let now: number;
let kept: Settled[];
let settling: Settling;
let tracker: Tracker;
let serial = 0;

beforeEach(() => {
  text = '# Notes\n\nThe parcel\nBelow\n';
  now = 0;
  kept = [];
  settling = new Settling({
    read: (uri, from, to) => (uri === URI ? text.slice(from, to) : null),
    settled: (one) => kept.push(one),
    now: () => now,
  });
  const ignored = () => {};
  tracker = new Tracker({ shown: ignored, edited: ignored, ended: (ended) => settling.began(ended) }, () => now);
});

/** Writes at the first place of what stands there; a change as the editor tells it. */
function write(at: number, added: string, removed = 0): void {
  text = text.slice(0, at) + added + text.slice(at + removed);
  const changes = [{ offset: at, removed, text: added }];
  settling.changed(URI, changes);
  tracker.changed(URI, changes);
}
const cursor = () => text.indexOf('\nBelow');
function offer(suggested: string, more: Partial<Offered> = {}): Offered {
  const offset = cursor();
  const offered = {
    ...{ id: ++serial, uri: URI, language: 'markdown', model: 'm', offset, text: suggested, isLed: false },
    ...{ before: text.slice(0, offset), after: text.slice(offset), ...more },
  };
  tracker.offered([offered]);
  now += SEEN_MS;
  return offered;
}
function accept(suggested: string): void {
  const { id, offset } = offer(suggested);
  write(offset, suggested);
  tracker.accepted(id);
}
const texts = () => kept.map(({ outcome, edited, text: one }) => `${outcome}${edited ? ', edited' : ''}: ${one}`);

it('what was accepted is kept a minute later, to the end of its line', () => {
  accept(' is in');
  write(cursor(), ' the van.');
  expect(settling.next).toBe(SETTLED_MS);
  now += SETTLED_MS - 1;
  settling.due();
  expect(kept).toEqual([]);
  now += 1;
  settling.due();
  expect(texts()).toEqual(['accepted:  is in the van.']);
  expect(kept[0]!.suggestion.text).toBe(' is in');
  expect(settling.next).toBeNull();
});

it('what somebody has changed it into is kept, key by key, and what is taken back is nothing', () => {
  accept(' is in the van');
  for (let i = 0; i < 3; i++) write(cursor() - 1, '', 1);
  for (const key of 'shed') write(cursor(), key);
  settling.flush();
  expect(texts()).toEqual(['accepted, edited:  is in the shed']);
  accept(' of mine');
  write(cursor() - 8, '', 8);
  settling.flush();
  expect(texts().at(-1)).toBe('accepted, edited: ');
});

it('instead of what was rejected, the whole line is kept once, however often it was rejected', () => {
  for (const word of [' has', ' left', ' town']) {
    offer(' is here');
    for (const key of word) write(cursor(), key);
    tracker.close();
  }
  settling.flush();
  expect(texts()).toEqual(['rejected:  has left town']);
});

it('some words that were taken, and what was written on', () => {
  const { offset } = offer(' is in the van');
  write(offset, ' is');
  write(offset + 3, 'X');
  tracker.close();
  settling.flush();
  expect(texts()).toEqual(['partly:  isX']);
});

it('its place moves with what is written above, and is lost where the text in front of it changes', () => {
  accept(' is here');
  write(0, 'A title\n\n');
  settling.flush();
  accept(' and there');
  write(text.indexOf('parcel'), 'box', 6);
  settling.flush();
  expect(texts()).toEqual(['accepted:  is here']);
});

it('a bracket that stood behind the cursor is no part of it, and lines may end as on Windows', () => {
  text = 'f(\r\nBelow\r\n';
  const offset = 2;
  text = 'f()\r\nBelow\r\n';
  const offered = offer('x, y', { offset, before: 'f(', after: ')\nBelow\n' });
  write(offset, 'x, y');
  tracker.accepted(offered.id);
  settling.flush();
  expect(texts()).toEqual(['accepted: x, y']);
});

it('several lines at once go to the end of the last', () => {
  accept(' is here\nand there');
  write(cursor(), ' too');
  settling.flush();
  expect(texts()).toEqual(['accepted:  is here\nand there too']);
});

it('a document that closes settles its own, and one that is gone keeps nothing', () => {
  accept(' is here');
  settling.closed('file:///b.md');
  expect(kept).toEqual([]);
  settling.closed(URI);
  expect(texts()).toEqual(['accepted:  is here']);
  accept(' and there');
  settling.forget();
  settling.flush();
  expect(kept).toHaveLength(1);
});
