import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Achievements } from './achievements.ts';
import { CONTEXT_KEYS, MEMENTO_KEYS } from './ids.ts';
import { changes, commands, memento, reset } from './testing/vscode.ts';

/** VS Code's rule for `onContext:`, as of its gettingStartedService.ts in 1.139: what is true at the registration is never ticked. */
class Walkthroughs {
  readonly keys = new Map<string, boolean>();
  readonly ticked = new Set<string>();
  private readonly events = new Set<string>();
  private isRegistered = false;

  register(): void {
    this.isRegistered = true;
    for (const [key, value] of this.keys) if (value) this.events.add(key);
  }

  set(key: string, value: boolean): void {
    this.keys.set(key, value);
    if (!this.isRegistered || !value || this.events.has(key)) return;
    this.events.add(key);
    this.ticked.add(key);
  }
}

let editor: Walkthroughs;
let storage: ReturnType<typeof memento>;
let achievements: Achievements;
beforeEach(() => {
  vi.useFakeTimers();
  reset();
  editor = new Walkthroughs();
  storage = memento();
  commands.executeCommand.mockImplementation(async (command, key, value) => {
    if (command === 'setContext') editor.set(key as string, value as boolean);
  });
  achievements = new Achievements(storage);
});
afterEach(() => {
  achievements.dispose();
  vi.useRealTimers();
});

const open = (input: unknown) => changes.tabs.fire({ opened: [{ input }], changed: [] });
const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms);

it('a step that is come to while the walkthrough is known is ticked at once', async () => {
  editor.register();
  achievements.add('tried');
  await pass(0);
  expect([...editor.ticked]).toEqual([CONTEXT_KEYS.tried]);
});

it.each([0, 900, 5_500])('a walkthrough that VS Code knows %i ms after its page opens is ticked, too', async (ms) => {
  achievements.add('completes');
  achievements.add('accepted');
  await pass(0);
  open(undefined);
  await pass(ms);
  editor.register();
  await pass(10_000);
  expect([...editor.ticked]).toEqual([CONTEXT_KEYS.completes, CONTEXT_KEYS.accepted]);
});

it('what was come to in another window, or weeks ago, is told to a page that was there before', async () => {
  achievements.add('accepted');
  await pass(0);
  achievements.dispose();
  editor = new Walkthroughs();
  editor.register();
  achievements = new Achievements(storage);
  achievements.announce();
  await pass(0);
  expect([...editor.ticked]).toEqual([CONTEXT_KEYS.accepted]);
});

it('no key stays true, and a text that is opened tells nothing', async () => {
  achievements.add('tried');
  await pass(0);
  expect([...editor.keys]).toEqual([[CONTEXT_KEYS.tried, false]]);
  commands.executeCommand.mockClear();
  open({ uri: 'file:///notes.md' });
  await pass(10_000);
  expect(commands.executeCommand).not.toHaveBeenCalled();
});

it('each is kept once, beside those of other windows; what is no step is not told', async () => {
  await storage.update(MEMENTO_KEYS.achieved, ['started', 'from a later version']);
  achievements.add('tried');
  achievements.add('tried');
  achievements.add('started');
  await pass(0);
  expect(storage.get(MEMENTO_KEYS.achieved)).toEqual(['started', 'from a later version', 'tried']);
  editor.register();
  achievements.announce();
  await pass(0);
  expect([...editor.ticked]).toEqual([CONTEXT_KEYS.started, CONTEXT_KEYS.tried]);
});
