/** Counts that took too long for the page: they come part by part, the newest first, and are put in place as they grow. */
import { bars } from './bars.ts';
import { html } from '../html.ts';
import { t } from '../words.ts';
import { showTimes } from '../zone.ts';

export interface Part {
  done?: number;
  html?: string;
  error?: string;
}

/** Whole rows of what came so far, and what is left of it. */
export function rows(text: string): [Part[], string] {
  const all = text.split('\n'),
    left = all.pop() ?? '';
  return [all.filter(Boolean).map((row) => JSON.parse(row) as Part), left];
}

/** Puts the parts of a count where the page has its own; folds stay as they are. */
function put(root: HTMLElement, part: string): void {
  const next = new DOMParser().parseFromString(part, 'text/html');
  for (const name of ['total', 'read', 'labels', 'bars']) {
    const now = next.querySelector<HTMLElement>(`[data-${name}]`),
      old = root.querySelector<HTMLElement>(`[data-${name}]`);
    if (!now || (!old && name !== 'labels')) continue;
    const folds = new Map([...(old?.querySelectorAll('details') ?? [])].map((d) => [d.querySelector('summary')?.textContent, d.open]));
    now.querySelectorAll('details').forEach((d) => {
      const open = folds.get(d.querySelector('summary')?.textContent);
      if (open != null) d.open = open;
    });
    document.adoptNode(now);
    if (old) old.replaceWith(now);
    else root.querySelector('#facets')?.prepend(now);
    if (name === 'bars') bars(now);
  }
  root.querySelector('[data-labels-note]')?.remove();
  showTimes(root);
}

export async function counts(root: HTMLElement, src: string, signal: AbortSignal): Promise<void> {
  const fail = (why: string) => {
    const box = root.querySelector('[data-bars].wait'),
      read = root.querySelector('[data-read]');
    // What was counted until then stays, and is said to be a part.
    if (!box && read) {
      read.textContent = t('The lines could not be counted: {}', why);
      read.classList.add('warn-t');
    }
    if (box) box.innerHTML = html`<p role="alert">${t('The lines could not be counted: {}', why)}</p>`.text;
  };
  try {
    const res = await fetch(src, { signal, headers: { 'x-requested-with': 'pharos' } });
    if (!res.ok || !res.body) {
      fail((await res.text()).slice(0, 300));
      return;
    }
    const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = '', end = false; !end;) {
      const { done, value } = await reader.read();
      end = done;
      const [parts, left] = rows(text + (value ?? ''));
      text = left;
      for (const part of parts)
        if (part.error) fail(part.error);
        else if (part.html) put(root, part.html);
    }
  } catch (e) {
    if (!signal.aborted) fail(e instanceof TypeError ? t('The server cannot be reached.') : String(e));
  }
}
