import { expect, vi } from 'vitest';
import { type QuickPick, shown } from './vscode.ts';

/** The question that is open once it says `text` in its placeholder. */
export async function question(text: string): Promise<QuickPick> {
  return await vi.waitFor(() => {
    const picker = shown.picker!;
    expect(`${picker?.placeholder}`).toContain(text);
    expect(picker.busy).toBe(false);
    return picker;
  });
}

export const labels = (picker: QuickPick): string[] => picker.items.map(({ label }) => label);
