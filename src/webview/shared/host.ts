import type { Checked } from '../../protocol/check.ts';

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

type LogRequest = { type: 'log'; level: 'info' | 'warning' | 'error'; message: string };

/** Takes VS Code's API, which a page may do once. */
export const connect = <In, Out extends { type: string }>(
  parse: (value: unknown) => Checked<In>,
): Host<In, Out | LogRequest> => {
  const api = acquireVsCodeApi();
  const post = (request: Out | LogRequest): void => api.postMessage(request);
  // An error in the page must not end in a console that nobody opens.
  addEventListener('error', (event) => post({ type: 'log', level: 'error', message: event.message }));
  addEventListener('unhandledrejection', (event) =>
    post({ type: 'log', level: 'error', message: String(event.reason) }),
  );
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
