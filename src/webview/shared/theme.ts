/** The editor's theme as a canvas needs it: colours resolved from VS Code's variables. */
export interface Theme {
  foreground: string;
  muted: string;
  background: string;
  grid: string;
  font: string;
  highContrast: boolean;
  color(name: string): string;
}

/**
 * The one colour of charts that high contrast themes leave out, and that light themes give at a third of its strength (it
 * is the one of a mark behind text there): drawn as a line it could hardly be seen. base.css says the same.
 */
const LEFT_OUT: Readonly<Record<string, string>> = { 'charts-orange': '#d18616' };

/** A colour at its full strength. */
export const opaque = (color: string): string =>
  color.replace(/^rgba\(([^,]+,[^,]+,[^,]+),[^,]+\)$/, 'rgb($1)').replace(/^(#[\da-f]{6})[\da-f]{2}$/i, '$1');

export const readTheme = (): Theme => {
  const style = getComputedStyle(document.body);
  const color = (name: string): string => style.getPropertyValue(`--vscode-${name}`).trim();
  const foreground = color('foreground') || style.color;
  return {
    foreground,
    muted: color('descriptionForeground') || foreground,
    background: color('editor-background') || 'transparent',
    grid: `color-mix(in srgb, ${foreground} 12%, transparent)`,
    font: style.fontFamily,
    highContrast: /vscode-high-contrast/.test(document.body.className),
    color: (name) => opaque(color(name) || LEFT_OUT[name] || foreground),
  };
};

/** Calls back when the person changes the theme: VS Code rewrites the body's class and the root's variables. */
export const onThemeChange = (callback: () => void): void => {
  const observer = new MutationObserver(callback);
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
};
