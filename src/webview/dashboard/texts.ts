import { html, nothing, type TemplateResult } from 'lit';
import type { Texts } from '../../protocol/answers.ts';

/** A row's text, and the second one of a pair below it. */
export const textsOf = ({ text, text_pair }: Texts): TemplateResult =>
  html`${text}${text_pair === undefined ? nothing : html`<span class="second">${text_pair}</span>`}`;
