import { html, nothing, type TemplateResult } from 'lit';
import type { ErrorData } from '../../protocol/errors.ts';

/** What went wrong, and the button to try it again where that makes sense. */
export const failureBanner = ({ message, hint }: ErrorData, retry: (() => void) | null): TemplateResult =>
  html`<div class="banner banner-error" role="alert">
    <span class="codicon codicon-error" aria-hidden="true"></span>
    <p><strong>${message}</strong>${hint ? ` ${hint}` : ''}</p>
    ${retry ? html`<vscode-button secondary @click=${retry}>Try Again</vscode-button>` : nothing}
  </div>`;
