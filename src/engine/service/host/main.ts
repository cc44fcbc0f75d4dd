// dist/engine/host.cjs MODEL: the process that one model answers in. It ends with the service that started it.
import { serveOnStdio } from '../stdio.ts';
import { endingOn } from './ending-on.ts';
import { createHostHandlers } from './handlers.ts';
import type { HostNotifications, HostRequests } from './wire.ts';

const ALIVE_MS = 5_000;

/** What is under way is told before the process ends. */
const LAST_WORDS_MS = 500;

serveOnStdio<HostRequests, HostNotifications>((tell, end) => {
  setInterval(() => tell('alive', { rss_bytes: process.memoryUsage.rss() }), ALIVE_MS);
  const handlers = createHostHandlers(process.argv[2]!, tell);
  // Whatever was on the card is gone: the next request loads the model again, in another process.
  return endingOn('device-lost', handlers, () => setTimeout(end, LAST_WORDS_MS));
});
