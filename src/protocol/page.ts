/**
 * Messages between the extension host and its webviews, one discriminated union in each direction, a file for each page
 * (dashboard-page.ts, tryout-page.ts, …); here is what all of them have in common.
 * "Message" goes to the webview, "request" comes from it; a request that fails is answered by `failed`.
 * Both ends check what arrives: what does not fit is dropped and logged.
 */
import { isBoolean, isString, oneOf, optional, type Rules, shape } from './check.ts';

/** What any page may ask; the host's end of the wire answers it, whatever the page is. */
export type PageRequest =
  /** For the log channel: a dropped message. */
  | { type: 'log'; level: 'info' | 'warning' | 'error'; message: string }
  /** Something in the page threw while it loaded, drew or answered; the page shows the message. */
  | { type: 'pageFailed'; message: string; detail: string }
  /** Load the page again. */
  | { type: 'reload' }
  | { type: 'showLog' };

export const isLevel = oneOf('info', 'warning', 'error');
export const isErrorData = shape({
  code: isString,
  message: isString,
  hint: optional(isString),
  logged: optional(isBoolean),
});

/** Checks of what any page may ask. */
export const pageRequests: Rules<PageRequest, 'type'> = {
  log: { level: isLevel, message: isString },
  pageFailed: { message: isString, detail: isString },
  reload: {},
  showLog: {},
};
