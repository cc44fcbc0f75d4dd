// dist/engine/service.cjs: the engine service of an editor's window, JSON-RPC on stdin and stdout. It ends when it is
// told to, when its client goes away, and when nobody has asked for anything in a long time.
import type { ServiceNotifications, ServiceRequests } from '../../protocol/index.ts';
import { createHandlers } from './handlers.ts';
import { serveOnStdio } from './stdio.ts';

const IDLE_MS = 30 * 60_000;

serveOnStdio<ServiceRequests, ServiceNotifications>((tell, end) => {
  let idle = setTimeout(end, IDLE_MS);
  let working = 0;
  // The last answer takes a few turns more than the one in which it is given.
  const handlers = createHandlers({ tell, end: () => void setImmediate(end) });
  for (const method of Object.keys(handlers) as (keyof typeof handlers)[]) {
    const handler = handlers[method] as (params: unknown, signal: AbortSignal) => unknown;
    const awake = async (params: unknown, signal: AbortSignal) => {
      clearTimeout(idle);
      working++;
      try {
        return await handler(params, signal);
      } finally {
        working--;
        if (working === 0) idle = setTimeout(end, IDLE_MS);
      }
    };
    Object.assign(handlers, { [method]: awake });
  }
  return handlers;
});
