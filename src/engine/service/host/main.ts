// dist/engine/host.cjs MODEL: the process that one model answers in. It ends with the service that started it.
import { serveOnStdio } from '../stdio.ts';
import { createHostHandlers } from './handlers.ts';
import type { HostNotifications, HostRequests } from './wire.ts';

const ALIVE_MS = 5_000;

serveOnStdio<HostRequests, HostNotifications>((tell) => {
  setInterval(() => tell('alive', { rss_bytes: process.memoryUsage.rss() }), ALIVE_MS);
  return createHostHandlers(process.argv[2]!, tell);
});
