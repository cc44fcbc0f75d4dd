import { visible, visibleLine } from '../guard/index.ts';

/**
 * The one place where text from files (names of runs, columns and labels, errors, notes, metrics) is made fit for
 * VS Code, which reads markup in more places than one expects: links with `command:` in notifications, icons in pick
 * lists and the status bar, pictures from the network in tooltips. Needs no vscode.
 */

/** Between the two characters that would begin a link or an icon; invisible, and it allows no line break. */
const JOINER = '\u2060';

/**
 * For notifications, dialogs, pick lists and the status bar: shown as it is, but never as a link or an icon, and without
 * control characters.
 */
export const plain = (text: string): string =>
  visible(text)
    .replace(/\](?=\()/g, `]${JOINER}`)
    .replace(/\$(?=\()/g, `$${JOINER}`);

/** The same on one line. */
export const plainLine = (text: string): string => plain(visibleLine(text));

/**
 * For Markdown: every punctuation mark of ASCII may be escaped there, and so none means anything; a bare address is no
 * link, and nothing is HTML.
 */
export const markdown = (text: string): string =>
  visibleLine(text)
    .replace(/\$(?=\()/g, `$${JOINER}`)
    .replace(/[!-/:-@[-`{-~]/g, '\\$&');
