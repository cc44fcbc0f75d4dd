import type { DashboardRequest, RunAction } from '../../protocol/dashboard-page.ts';
import type { Averages } from './charts.ts';
import type { FrameQueue } from './frames.ts';
import type { RunStore, RunView } from './store.ts';
import type { ViewState } from './view-state.ts';

/** What every part of the dashboard works with. */
export interface Page {
  readonly store: RunStore;
  readonly view: ViewState;
  readonly frames: FrameQueue;
  readonly averages: Averages;
  /** Changes how the runs are looked at; kept and drawn. */
  change(part: Partial<ViewState>): void;
  act(run: RunView, action: RunAction): void;
  post(request: DashboardRequest): void;
  /** Takes away the message about the last failed request. */
  dismiss(): void;
  /** Asks how two runs' models answer their validation rows, one by one. */
  compareRows(first: RunView, second: RunView): void;
  /** Scrolls to an element of the page once it is drawn, and moves the focus there. */
  reveal(selector: string): void;
  /** Says a line to screen readers, politely. */
  announce(text: string): void;
  /** Copies text, by the host where the page may not. */
  copy(text: string, what: string): Promise<void>;
}
