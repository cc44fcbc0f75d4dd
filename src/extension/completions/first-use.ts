import { tell } from '../ui.ts';
import type { SharedState } from './state.ts';

/** Whoever said “not now” is asked once more after so long. */
const LATER_MS = 7 * 24 * 3600 * 1000;

export const FIRST_USE_BUTTONS = { choose: 'Choose Model…', later: 'Not Now', never: 'Don’t Ask Again' } as const;

/**
 * Asks whether Luthier is to complete what somebody writes: once, in one window, and if that was not the moment, once
 * more a week later.
 */
export class FirstUse {
  private readonly state: SharedState;
  private readonly choose: (language: string) => Promise<void>;
  private isAsked = false;

  constructor(state: SharedState, choose: (language: string) => Promise<void>) {
    this.state = state;
    this.choose = choose;
  }

  /** Whether a person does not want to hear of it. */
  get isDeclined(): boolean {
    return this.state.now.asked?.never === true;
  }

  async ask(language: string, now = Date.now()): Promise<void> {
    if (this.isAsked) return;
    this.isAsked = true;
    const { later } = FIRST_USE_BUTTONS;
    // Whichever window notes it first asks.
    const isOurs = await this.state.update(({ asked }) => {
      if (asked === null) return { asked: { at: now, never: false } };
      // The second time is the last.
      return asked.never || now - asked.at < LATER_MS ? null : { asked: { at: now, never: true } };
    });
    if (!isOurs) return;
    const { choose, never } = FIRST_USE_BUTTONS;
    const answer = await tell(
      'information',
      'Luthier can complete what you write with a model of your own, on this machine. Nothing leaves it.',
      choose,
      later,
      never,
    );
    if (answer === choose) await this.choose(language);
    if (answer === never) await this.state.update(() => ({ asked: { at: now, never: true } }));
  }
}
