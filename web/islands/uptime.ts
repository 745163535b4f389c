/** `<ph-check>`: a check is tried while its form is filled in. `<ph-bring>`: a file that is chosen or dropped is looked at. */
import { showTimes } from '../lib/zone.ts';
import { toast } from '../lib/say.ts';
import { t } from '../lib/words.ts';

/** How long nobody types before the form is tried. */
const AFTER = 600;
/** As many as the server takes in a form. */
const BYTES_MAX = 1024 * 1024;

class Check extends HTMLElement {
  #timer = 0;
  #asked = new AbortController();

  connectedCallback(): void {
    const form = this.querySelector('form');
    if (!form) return;
    form.addEventListener('input', () => this.#soon(form, AFTER));
    form.addEventListener('submit', (e) => {
      const by = e.submitter as HTMLButtonElement | null;
      if (by?.formAction !== new URL(form.dataset.try ?? '', location.href).href) return;
      e.preventDefault();
      this.#soon(form, 0);
    });
    if (form.querySelector<HTMLInputElement>('[autofocus]')?.value) this.#soon(form, 0);
  }
  disconnectedCallback(): void { clearTimeout(this.#timer); this.#asked.abort(); }

  #soon(form: HTMLFormElement, wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => { void this.#try(form); }, wait);
  }

  /** The server answers with the page; what it found and what is wrong are taken from it. */
  async #try(form: HTMLFormElement): Promise<void> {
    this.#asked.abort();
    const { signal } = (this.#asked = new AbortController());
    this.dataset.busy = '';
    try {
      const body = new URLSearchParams([...new FormData(form)].map(([k, v]): [string, string] => [k, String(v)]));
      const res = await fetch(form.dataset.try ?? '', { method: 'POST', body, signal, headers: { 'x-requested-with': 'pharos' } });
      const next = new DOMParser().parseFromString(await res.text(), 'text/html');
      const found = next.getElementById('tried'), here = document.getElementById('tried');
      if (!found || !here) throw new Error(String(res.status));
      here.replaceChildren(...found.childNodes);
      showTimes(here);
      for (const old of form.querySelectorAll<HTMLElement>('[data-err]')) {
        old.textContent = next.querySelector(`[data-err="${CSS.escape(old.dataset.err ?? '')}"]`)?.textContent ?? '';
        const field = form.elements.namedItem(old.dataset.err ?? '');
        if (field instanceof HTMLElement) field.toggleAttribute('aria-invalid', Boolean(old.textContent?.trim()));
      }
    } catch {
      if (!signal.aborted) toast(t('The server does not answer.'), true);
    } finally {
      if (!signal.aborted) delete this.dataset.busy;
    }
  }
}
customElements.define('ph-check', Check);

class Bring extends HTMLElement {
  connectedCallback(): void {
    const field = this.querySelector('textarea'), label = this.querySelector<HTMLElement>('[data-file]'), input = label?.querySelector('input');
    if (label) label.hidden = false;
    const take = async (file: File | undefined) => {
      if (!file || !field) return;
      if (file.size > BYTES_MAX) { toast(t('{} is too large.', file.name), true); return; }
      field.value = await file.text();
      this.querySelector<HTMLButtonElement>('[value=look]')?.click();
    };
    input?.addEventListener('change', () => void take(input.files?.[0]));
    this.addEventListener('dragover', (e) => e.preventDefault());
    this.addEventListener('drop', (e) => { e.preventDefault(); void take(e.dataTransfer?.files[0]); });
  }
}
customElements.define('ph-bring', Bring);
