/** Another state of the page without loading it: the server's HTML of it is put in place, charts that stay are kept. */
import { showTimes } from '../zone.ts';
import { t } from '../words.ts';
import { toast } from '../say.ts';

let last: AbortController | null = null;

/** Fetches what the URL, or the JSON of a draft, says and morphs the dashboard to it. False when it could not. */
export async function bring(board: HTMLElement, draft?: unknown): Promise<boolean> {
  last?.abort();
  const ctl = (last = new AbortController());
  try {
    const [res, { Idiomorph }] = await Promise.all([
      fetch(draft ? board.dataset.draft + location.search : location.href, {
        signal: ctl.signal,
        headers: { 'x-requested-with': 'pharos' },
        ...(draft ? { method: 'POST', body: JSON.stringify(draft) } : {}),
      }),
      import('idiomorph'),
    ]);
    const next = new DOMParser().parseFromString(await res.text(), 'text/html').getElementById(board.id);
    if (ctl.signal.aborted) return false;
    if (!next) throw new Error(t('The server answered {}.', res.status));
    Idiomorph.morph(board, next, {
      // What is being typed stays; a button that has the focus gets its new words.
      ignoreActiveValue: document.activeElement?.matches('input, textarea, select') ?? false,
      callbacks: {
        // The insides of panels are the script's.
        beforeNodeMorphed: (old) => !(old instanceof Element && old.matches('.gp-body, .gp-err, .prog, #bd-edit')),
        beforeNodeRemoved: (old) => !(old instanceof Element && old.matches('.prog, .eg-tools')),
      },
    });
    showTimes(board);
    return true;
  } catch (e) {
    if (!ctl.signal.aborted) toast(e instanceof TypeError ? t('The server cannot be reached.') : (e as Error).message, true);
    return false;
  }
}
