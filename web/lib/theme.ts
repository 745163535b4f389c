/** Resolved colours for canvases. A custom property does not resolve `light-dark()`, so an element is asked. */
const probe = document.createElement('i');
probe.hidden = true;

function resolved(css: string): string {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = css;
  return getComputedStyle(probe).color;
}
export const colour = (token: string): string => resolved(`var(${token})`);
/** `pct` percent of a colour over a token. */
export const mix = (css: string, over: string, pct: number): string => resolved(`color-mix(in oklab, ${css} ${pct}%, var(${over}))`);
export const alpha = (css: string, pct: number): string => resolved(`color-mix(in srgb, ${css} ${pct}%, transparent)`);
/** The colour of a slot as CSS text: eight hues, then mixed with the text, then with the panel. */
export function slotCss(slot: number): string {
  const token = `var(--c${(slot % 8) + 1})`;
  const tier = Math.floor(slot / 8) % 3;
  return tier === 0
    ? token
    : tier === 1
      ? `color-mix(in oklab, ${token} 66%, var(--text))`
      : `color-mix(in oklab, ${token} 62%, var(--surface))`;
}
export const slotColour = (slot: number): string => resolved(slotCss(slot));

const listeners = new Set<() => void>();
/** Calls `f` when the theme changes; returns how to stop. */
export function onTheme(f: () => void): () => void {
  listeners.add(f);
  return () => {
    listeners.delete(f);
  };
}
const fire = () => listeners.forEach((f) => f());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', fire);
new MutationObserver(fire).observe(document.documentElement, { attributeFilter: ['data-theme'] });
