/** What tests put into the pages that they drive. */
interface Window {
  /** What a webview's page has posted (test/webview/browser.mjs). */
  posts: {
    type: string;
    id?: number;
    text?: string;
    texts?: { text: string; text_pair?: string }[];
    png?: Uint8Array;
    [field: string]: unknown;
  }[];
  acquireVsCodeApi: () => unknown;
  /** What notifications have said (test/e2e/window.mjs). */
  notificationsSaid: { said: string[]; seen: Set<string> };
  /** How long keys took until they were shown, in ms (test/e2e/scenarios/figures.mjs). */
  keysShown: number[];
  /** Kinds of events that a mouse made (test/e2e/scenarios/keyboard.mjs). */
  mouseUsed: string[];
  /** Runs that are to be shown, and the last step that was sent (test/webview/perf.mjs). */
  runs: { record: { id: string }; steps: Record<string, ArrayLike<number>> }[];
  last: number;
}
