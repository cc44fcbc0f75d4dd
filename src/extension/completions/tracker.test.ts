import { beforeEach, expect, it } from 'vitest';
import { KEPT_MS, type Offered, SEEN_MS, Tracker } from './tracker.ts';

let told: string[];
let now: number;
let tracker: Tracker;
let serial = 0;

beforeEach(() => {
  told = [];
  now = 0;
  tracker = new Tracker(
    {
      shown: ({ text }) => told.push(`shown ${text}`),
      ended: ({ suggestion, outcome, characters }) => told.push(`${outcome} ${suggestion.text} ${characters}`),
      edited: (_, text) => told.push(`edited ${text}`),
    },
    () => now,
  );
});

const offered = (text: string, change: Partial<Offered> = {}): Offered => ({
  ...{ id: ++serial, uri: 'file:///a.md', language: 'markdown', model: 'm', offset: 10, text, isLed: false },
  ...{ before: 'The parcel', after: '' },
  ...change,
});
const put = (offset: number, text: string, removed = 0) => tracker.changed('file:///a.md', [{ offset, removed, text }]);

it('a suggestion accepted with Tab: the change comes before the command', () => {
  const one = offered(' is here');
  tracker.offered([one]);
  put(10, ' is here');
  tracker.accepted(one.id);
  expect(told).toEqual(['shown  is here', 'accepted  is here 8']);
});

it('the command alone is enough, and another one’s means nothing', () => {
  const one = offered(' is');
  tracker.offered([one]);
  tracker.accepted(one.id + 1000);
  tracker.accepted(one.id);
  expect(told).toEqual(['shown  is', 'accepted  is 3']);
});

it('word by word to its end is accepted, and only some words are partly', () => {
  tracker.offered([offered(' is in the van')]);
  put(10, ' is');
  put(13, ' in');
  put(16, 'X');
  now = 5000;
  put(17, 'y');
  tracker.offered([offered(' one two', { offset: 20 })]);
  put(20, ' one');
  put(24, ' two');
  expect(told).toEqual(['shown  is in the van', 'partly  is in the van 6', 'shown  one two', 'accepted  one two 8']);
});

it('what was typed along it is not put in; its last character may have been, which the command tells', () => {
  const one = offered('abc');
  tracker.offered([one]);
  for (const [i, letter] of [...'abc'].entries()) put(10 + i, letter);
  now = SEEN_MS;
  put(13, ' ');
  expect(told).toEqual([]);
  const two = offered('de', { offset: 14 });
  tracker.offered([two]);
  put(14, 'd');
  put(15, 'e');
  tracker.accepted(two.id);
  expect(told).toEqual(['shown de', 'accepted de 2']);
});

it('the rest of what stands there is no other suggestion', () => {
  const first = offered(' is here');
  tracker.offered([first]);
  put(10, ' ');
  const rest = offered('is here', { offset: 11 });
  tracker.offered([rest]);
  put(11, 'is here');
  tracker.accepted(rest.id);
  expect(told).toEqual(['shown  is here', 'accepted  is here 7']);
});

it('a suggestion that nobody could see is not counted', () => {
  tracker.offered([offered(' is')]);
  now = SEEN_MS - 1;
  put(10, 'x');
  tracker.offered([offered('yz', { offset: 11 })]);
  now += SEEN_MS;
  put(11, 'q');
  put(12, 'q');
  expect(told).toEqual(['shown yz', 'rejected yz 0']);
});

it('it is rejected when the cursor goes elsewhere, when something is deleted, and when another takes its place', () => {
  tracker.offered([offered(' is')]);
  now += SEEN_MS;
  tracker.moved('file:///a.md', 3);
  tracker.offered([offered(' was')]);
  now += SEEN_MS;
  put(9, '', 1);
  tracker.offered([offered('l is', { offset: 9 })]);
  now += SEEN_MS;
  tracker.close();
  tracker.moved('file:///a.md', 9);
  expect(told.filter((line) => line.startsWith('rejected'))).toEqual([
    'rejected  is 0',
    'rejected  was 0',
    'rejected l is 0',
  ]);
});

it('a cursor that is where it is expected closes nothing', () => {
  tracker.offered([offered(' is')]);
  put(10, ' ');
  tracker.moved('file:///a.md', 11);
  expect(tracker.isWaiting).toBe(true);
});

it('of several candidates the one that was put in counts', () => {
  const [one, two] = [offered(' is'), offered(' was late')];
  tracker.offered([one, two]);
  put(10, ' was late');
  tracker.accepted(two.id);
  expect(told).toEqual(['shown  was late', 'accepted  was late 9']);
});

it('one that goes with the selected entry of the list counts by its command', () => {
  const one = offered('(text);', { isLed: true, offset: 12 });
  tracker.offered([one]);
  tracker.changed('file:///a.md', [{ offset: 9, removed: 3, text: 'console.log(text);' }]);
  tracker.accepted(one.id);
  expect(told).toEqual(['shown (text);', 'accepted (text); 7']);
  // What was put in ends where the change did.
  put(21, 'X');
  expect(told.at(-1)).toBe('edited (Xtext);');
});

it('an accepted text that is changed within a minute is edited, once; what is written around it is not it', () => {
  const one = offered(' is here');
  tracker.offered([one]);
  put(10, ' is here');
  put(18, '.');
  put(0, 'Dear A,\n');
  expect(told).toHaveLength(2);
  put(8 + 10 + 4, 'w', 1);
  put(8 + 10 + 4, 'v', 1);
  expect(told.slice(2)).toEqual(['edited  is were']);
});

it('after a minute it is the person’s own', () => {
  tracker.offered([offered(' is here')]);
  put(10, ' is here');
  now += KEPT_MS;
  put(12, '', 3);
  expect(told.some((line) => line.startsWith('edited'))).toBe(false);
});

it('with several cursors the others’ changes move the place', () => {
  tracker.offered([offered(' is here', { offset: 30 })]);
  tracker.changed('file:///a.md', [
    { offset: 30, removed: 0, text: ' is' },
    { offset: 10, removed: 0, text: ' is' },
  ]);
  put(36, ' here');
  expect(told).toEqual(['shown  is here', 'accepted  is here 8']);
});

it('another document’s changes are another’s', () => {
  tracker.offered([offered(' is')]);
  tracker.changed('file:///b.md', [{ offset: 10, removed: 0, text: 'q' }]);
  expect(tracker.isWaiting).toBe(true);
});
