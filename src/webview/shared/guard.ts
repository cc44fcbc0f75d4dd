/**
 * The first script of every page. The host writes it into the page itself, so that nothing keeps it from running: a
 * page that cannot be loaded, throws while it loads or draws, or loses a promise says so in words, tells the host
 * (which logs it), and offers to reload. It imports nothing, and needs neither Lit nor a style sheet.
 */

import type { PageRequest } from '../../protocol/page.ts';

interface VsCodeApi {
  postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

(() => {
  const api = acquireVsCodeApi();
  // VS Code gives it once, and the page's own script wants it, too.
  Object.assign(globalThis, { acquireVsCodeApi: () => api });
  const post = (request: PageRequest): void => api.postMessage(request);

  /** An error in each frame must not fill the log. */
  const MAX_TOLD = 20;
  let told = 0;
  let banner: HTMLElement | null = null;
  let more = 0;

  const button = (text: string, title: string, click: () => void): HTMLElement => {
    const made = document.createElement('button');
    made.className = 'page-failure-button';
    made.textContent = text;
    made.title = title;
    made.addEventListener('click', click);
    return made;
  };

  const show = (message: string): void => {
    if (banner?.isConnected) {
      more++;
      banner.querySelector('.page-failure-more')!.textContent =
        `${more} more ${more === 1 ? 'problem' : 'problems'} since then; see the log.`;
      return;
    }
    const drawn = (document.querySelector('#app > *')?.childElementCount ?? 0) > 0;
    more = 0;
    banner = document.createElement('div');
    banner.className = 'page-failure';
    banner.setAttribute('role', 'alert');
    const said = document.createElement('p');
    const what = document.createElement('strong');
    what.textContent = drawn ? 'Something went wrong in this view.' : 'This view could not be shown.';
    const rest = document.createElement('span');
    rest.className = 'page-failure-more';
    said.append(what, ` ${message} `, drawn ? '' : 'Your runs are not affected. ', rest);
    banner.append(
      said,
      button('Reload', 'Load this view again', () => post({ type: 'reload' })),
      button('Show Log', 'Open the Luthier log', () => post({ type: 'showLog' })),
      button('Dismiss', 'Hide this message', () => banner?.remove()),
    );
    document.body.prepend(banner);
  };

  const failed = (message: string, detail: string): void => {
    if (++told <= MAX_TOLD) post({ type: 'pageFailed', message, detail });
    if (document.body) show(message);
    else addEventListener('DOMContentLoaded', () => show(message), { once: true });
  };

  const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

  addEventListener(
    'error',
    (event) => {
      const { target } = event;
      if (target instanceof HTMLScriptElement || target instanceof HTMLLinkElement) {
        const address = target instanceof HTMLScriptElement ? target.src : target.href;
        failed(`The file ${address.split(/[?#]/)[0]!.split('/').at(-1)} could not be loaded.`, address);
        return;
      }
      // Chromium's word for "the rest of the sizes in the next frame"; nothing is lost.
      if (!(event instanceof ErrorEvent) || event.message.startsWith('ResizeObserver loop')) return;
      const error: unknown = event.error;
      const text = error instanceof Error ? error.message : event.message;
      failed(sentence(text), error instanceof Error ? (error.stack ?? '') : `${event.filename}:${event.lineno}`);
    },
    // The error of a script or style sheet that does not load is heard on its way down only.
    true,
  );
  addEventListener('unhandledrejection', ({ reason }) =>
    failed(
      sentence(reason instanceof Error ? reason.message : String(reason)),
      reason instanceof Error ? (reason.stack ?? '') : '',
    ),
  );
})();
