import type { Checked } from '../../protocol/check.ts';
import type { PageRequest } from '../../protocol/page.ts';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** The webview's end of the wire: typed both ways, and what does not fit is dropped and logged. */
export interface Host<In, Out> {
  post(request: Out): void;
  /** Calls `handle` for each message that passes the check. */
  listen(handle: (message: In) => void): void;
  /** What was kept with `keep` before the page was hidden or reloaded. */
  readonly kept: unknown;
  keep(state: unknown): void;
}

/** Takes VS Code's API. What the page throws is told by the guard (guard.ts). */
export const connect = <In, Out extends { type: string }>(
  parse: (value: unknown) => Checked<In>,
): Host<In, Out | PageRequest> => {
  const api = acquireVsCodeApi();
  const post = (request: Out | PageRequest): void => api.postMessage(request);
  return {
    post,
    listen(handle) {
      addEventListener('message', (event: MessageEvent<unknown>) => {
        const result = parse(event.data);
        if (result.ok) handle(result.message);
        else post({ type: 'log', level: 'warning', message: `Dropped a message to the view: ${result.reason}` });
      });
    },
    kept: api.getState(),
    keep: (state) => api.setState(state),
  };
};
