/**
 * The language of numbers and dates in a page: VS Code's display language, which the host writes into the page's
 * `lang`. Imported before everything else in a page, because of the last lines.
 */

/** `tag` where Intl knows it, else English: `C`, `en-US@posix` and an empty string are no language tags. */
export const usableLanguage = (tag: string): string => {
  try {
    return Intl.NumberFormat.supportedLocalesOf(tag)[0] ?? 'en';
  } catch {
    return 'en';
  }
};

export const pageLanguage = usableLanguage(globalThis.document?.documentElement.lang ?? 'en');

// uPlot makes an Intl.NumberFormat of navigator.language while it loads. Where the locale is C or POSIX Chromium says
// `en-US@posix`, which throws and would take the whole page with it.
if (globalThis.document) Object.defineProperty(navigator, 'language', { value: pageLanguage, configurable: true });
