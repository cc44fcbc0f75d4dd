import type { Browser, Page } from 'playwright-core';

export type Theme = 'dark' | 'light' | 'high-contrast' | 'high-contrast-light';

export interface Webview {
  page: Page;
  /** Errors and warnings of the console, uncaught errors, and breaches of the content security policy. */
  problems: string[];
  send(message: unknown): Promise<void>;
  /** What the page posted, oldest first. */
  posts(): Promise<{ type: string; [field: string]: unknown }[]>;
  /** Waits until what was sent is drawn. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** Why no webview can be opened here; null when one can. */
export function missing(): string | null;
export function launch(): Promise<Browser>;
export function openWebview(
  browser: Browser,
  options: {
    view: 'dashboard' | 'tryout';
    theme?: Theme;
    width?: number;
    height?: number;
    state?: unknown;
    reducedMotion?: boolean;
    /** VS Code's display language; English unless given. */
    language?: string;
    /** What the page finds in navigator.language; the browser's own unless given. */
    navigatorLanguage?: string;
    /** Texts in place of built files, by name; null for one that cannot be loaded. */
    files?: Record<string, string | null>;
    /** Whether to wait until the page is up; true unless given. */
    ready?: boolean;
  },
): Promise<Webview>;
