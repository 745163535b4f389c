/** The panel that was copied: kept by the browser, so that it can be pasted into another dashboard. */
import type { PanelJson } from './draft.ts';

const NAME = 'ph-panel';
const CHARS_MAX = 1_000_000;

/** False where it is too large, or the browser keeps nothing. */
export function copy(panel: PanelJson): boolean {
  const text = JSON.stringify(panel);
  if (text.length > CHARS_MAX) return false;
  try {
    localStorage.setItem(NAME, text);
    return true;
  } catch {
    return false;
  }
}

/** What was copied last; null for nothing that is a panel. */
export function copied(): PanelJson | null {
  try {
    const panel = JSON.parse(localStorage.getItem(NAME) ?? 'null') as PanelJson | null;
    return panel && typeof panel === 'object' && typeof panel.type === 'string' && panel.type !== 'row' ? panel : null;
  } catch {
    return null;
  }
}
