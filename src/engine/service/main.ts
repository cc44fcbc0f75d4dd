import type { ServiceNotifications } from '../../protocol/index.ts';
import { Peer } from '../rpc.ts';
import { createHandlers, type Settings } from './handlers.ts';

/**
 * The engine service: JSON-RPC on stdin and stdout. It ends when it is told to, when its client goes away, and when
 * nobody has asked for anything in a long time.
 */
const IDLE_MS = 30 * 60_000;

type Client = Record<string, never>;

// Whatever a library prints must not get between the messages.
const stdout = process.stdout;
console.log = console.error;
console.info = console.error;
console.debug = console.error;

const peer = new Peer<Client, ServiceNotifications, Client>(process.stdin, stdout);
const settings: Settings = { tell: (method, params) => peer.tell(method, params), end: () => setImmediate(end) };
let idle = setTimeout(end, IDLE_MS);
let working = 0;

function end(): void {
  // Native threads must not keep an ended service alive; the last answer is written by then.
  setImmediate(() => process.exit(0));
}

const handlers = createHandlers(settings);
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
peer.answer(handlers);
peer.onClose(end);
process.stdin.once('end', end);
peer.listen();
