import type { VscodeTextarea } from '@vscode-elements/elements/dist/vscode-textarea/vscode-textarea.js';

/** The element itself cannot be focused; the textarea in it can, once it is drawn. */
export const focusInput = (input: VscodeTextarea): void =>
  void input.updateComplete.then(() => input.wrappedElement.focus());

/** Up and down move the focus through what `selector` finds, as in any list of VS Code. */
export function moveFocus(event: KeyboardEvent, within: Element, selector: string): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0) return;
  const items = [...within.querySelectorAll<HTMLElement>(selector)];
  const to = items[items.indexOf(event.target as HTMLElement) + step];
  if (!to) return;
  event.preventDefault();
  to.focus();
}
