import { LitElement } from 'lit';

/**
 * A Lit element without a shadow tree: ids that ARIA attributes name must be in one tree with them,
 * and one style sheet serves the page.
 */
export class LightElement extends LitElement {
  protected override createRenderRoot(): HTMLElement {
    return this;
  }
}
