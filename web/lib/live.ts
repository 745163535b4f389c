/** Refresh: fetches the page again and morphs its `[data-live]` parts, so that templates stay the only place with HTML. */

import { showTimes } from './zone.ts';
import { t } from './words.ts';

let running = false;
let again = false;
let failures = 0;

function note(text: string): void {
  const el = document.querySelector<HTMLElement>('[data-offline]');
  if (el) {
    el.hidden = text === '';
    el.textContent = text;
  }
}

/** Brings the page's live parts up to date; keeps focus, scroll and open details. Says whether the server answered. */
export async function refreshLive(): Promise<boolean> {
  const parts = [...document.querySelectorAll<HTMLElement>('[data-live][id]')];
  if (!parts.length) return true;
  // What changed while a request ran is asked for after it.
  if (running) {
    again = true;
    return true;
  }
  running = true;
  try {
    const [res, { Idiomorph }] = await Promise.all([
      fetch(location.href, { headers: { 'x-requested-with': 'pharos' } }),
      import('idiomorph'),
    ]);
    if (!res.ok && res.status >= 500) throw new Error(String(res.status));
    const next = new DOMParser().parseFromString(await res.text(), 'text/html');
    for (const old of parts) {
      const now = next.getElementById(old.id);
      if (now && old.outerHTML !== now.outerHTML) {
        Idiomorph.morph(old, now, {
          // What is being typed stays; a button that has the focus gets its new words.
          ignoreActiveValue: document.activeElement?.matches('input, textarea, select') ?? false,
          // Opening and choosing rows is the reader's doing, not the server's.
          callbacks: { beforeAttributeUpdated: (name, el) => name !== 'checked' && !(name === 'open' && el.tagName === 'DETAILS') },
        });
        showTimes(document.getElementById(old.id) ?? document);
      }
    }
    failures = 0;
    note('');
    return true;
  } catch {
    failures++;
    if (failures > 1) note(t('Reconnecting'));
    return false;
  } finally {
    running = false;
    if (again) {
      again = false;
      void refreshLive();
    }
  }
}

const SECONDS: Record<string, number> = { '5s': 5, '10s': 10, '30s': 30, '1m': 60, '5m': 300 };

/** Refreshes at the page's interval: from the URL, else the page's own. Rests in hidden tabs and catches up on return. */
export function startRefresh(): void {
  const every = () => SECONDS[new URLSearchParams(location.search).get('refresh') ?? document.body.dataset.refresh ?? ''] ?? 0;
  let last = performance.now();
  const tick = async () => {
    last = performance.now();
    dispatchEvent(new CustomEvent('ph:refresh'));
    await refreshLive();
  };
  const plan = () => {
    const s = every();
    const wait = s ? s * 1000 * (0.9 + Math.random() * 0.2) * Math.min(8, 2 ** failures) : 2000;
    setTimeout(async () => {
      if (s && !document.hidden) await tick();
      plan();
    }, wait);
  };
  plan();
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && every() && performance.now() - last > every() * 1000) void tick();
  });
}
