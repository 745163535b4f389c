/**
 * `<ph-check>`: a check is tried while its form is filled in. `<ph-bring>`: a file that is chosen or dropped is looked at.
 * `<ph-preview>`: a status page is drawn beside its form while that is filled in.
 */
import { showTimes } from '../lib/zone.ts';
import { toast } from '../lib/say.ts';
import { t } from '../lib/words.ts';

/** How long nobody types before the form is tried. */
const AFTER = 600;

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
  disconnectedCallback(): void {
    clearTimeout(this.#timer);
    this.#asked.abort();
  }

  #soon(form: HTMLFormElement, wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      void this.#try(form);
    }, wait);
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
      const found = next.getElementById('tried'),
        here = document.getElementById('tried');
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
    this.addEventListener('change', (e) => {
      const field = e.target as HTMLInputElement;
      if (field.type === 'file') void this.#look(field.files?.[0]);
    });
    this.addEventListener('dragover', (e) => e.preventDefault());
    this.addEventListener('drop', (e) => {
      e.preventDefault();
      void this.#look(e.dataTransfer?.files[0]);
    });
  }

  /** The file is sent as it is, as it need not be text; the page that comes back holds what was understood. */
  async #look(file: File | undefined): Promise<void> {
    if (!file) return;
    try {
      const res = await fetch(this.querySelector('form')?.action ?? '', {
        method: 'POST',
        body: file,
        headers: { 'content-type': 'application/octet-stream', 'x-requested-with': 'pharos' },
      });
      const next = new DOMParser().parseFromString(await res.text(), 'text/html');
      const found = next.querySelector('ph-bring');
      if (!found) throw new Error(String(res.status));
      this.replaceChildren(...found.childNodes);
      if (!res.ok) toast(next.querySelector('.notice.crit span')?.textContent ?? '', true);
    } catch {
      toast(t('The server does not answer.'), true);
    }
  }
}
customElements.define('ph-bring', Bring);

class Preview extends HTMLElement {
  #timer = 0;
  #asked = new AbortController();

  connectedCallback(): void {
    const form = document.querySelector<HTMLFormElement>(this.dataset.form ?? '');
    const wide = matchMedia('(min-width: 1101px)');
    if (!form) return;
    const soon = (wait: number) => {
      clearTimeout(this.#timer);
      if (wide.matches)
        this.#timer = window.setTimeout(() => {
          void this.#draw(form);
        }, wait);
    };
    form.addEventListener('input', () => soon(AFTER));
    wide.addEventListener('change', () => soon(0));
    soon(0);
  }
  disconnectedCallback(): void {
    clearTimeout(this.#timer);
    this.#asked.abort();
  }

  async #draw(form: HTMLFormElement): Promise<void> {
    this.#asked.abort();
    const { signal } = (this.#asked = new AbortController());
    const wrong = this.querySelector<HTMLElement>('.sp-wrong');
    try {
      const body = new URLSearchParams([...new FormData(form)].map(([k, v]): [string, string] => [k, String(v)]));
      const res = await fetch(this.dataset.to ?? '', { method: 'POST', body, signal, headers: { 'x-requested-with': 'pharos' } });
      const next = new DOMParser().parseFromString(await res.text(), 'text/html');
      // Where something is wrong the form comes back, with what it is.
      const isForm = next.querySelector(this.dataset.form ?? '') !== null;
      if (!isForm && !res.ok) throw new Error(String(res.status));
      if (!isForm) await this.#show(next);
      if (wrong) wrong.textContent = isForm ? (next.querySelector('.notice.crit span')?.textContent ?? '') : '';
    } catch {
      if (!signal.aborted && wrong) wrong.textContent = t('The server does not answer.');
    }
  }

  /** Into a frame in which no script runs. What it says is replaced and its style stays, so that nothing flickers. */
  async #show(next: Document): Promise<void> {
    const frame = this.querySelector('iframe');
    if (!frame) return;
    if (frame.contentDocument?.URL !== 'about:srcdoc' || frame.contentDocument.readyState !== 'complete')
      await new Promise((done) => frame.addEventListener('load', done, { once: true }));
    const page = frame.contentDocument;
    if (!page) return;
    // It is looked at only: nothing in it leads anywhere.
    next.querySelectorAll('a[href], form, button, input').forEach((el) => {
      el.removeAttribute('href');
      el.setAttribute('inert', '');
    });
    for (const { name, value } of next.documentElement.attributes) page.documentElement.setAttribute(name, value);
    if (!page.querySelector('link[rel=stylesheet]')) page.head.replaceWith(page.adoptNode(next.head));
    page.body.replaceWith(page.adoptNode(next.body));
  }
}
customElements.define('ph-preview', Preview);
