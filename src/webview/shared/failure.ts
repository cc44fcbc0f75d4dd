import { html, nothing, type TemplateResult } from 'lit';
import type { ErrorData } from '../../protocol/errors.ts';

/** A page's host as a banner needs it. */
type Host = { post(request: { type: 'showLog' }): void };

/** What went wrong, a button to try it again where that makes sense, and one to read more where the log has that. */
export const failureBanner = (
  { message, hint, logged }: ErrorData,
  host: Host,
  retry: (() => void) | null,
): TemplateResult =>
  html`<div class="banner banner-error" role="alert">
    <span class="codicon codicon-error" aria-hidden="true"></span>
    <p><strong>${message}</strong>${hint ? ` ${hint}` : ''}</p>
    ${retry ? html`<vscode-button secondary @click=${retry}>Try Again</vscode-button>` : nothing}
    ${logged ? html`<vscode-button secondary @click=${() => host.post({ type: 'showLog' })}>Show Log</vscode-button>` : nothing}
  </div>`;
