/** Lists of alerts: rows by keyboard, and what people do about them without leaving the page. The form works without. */
import { refreshLive } from '../lib/live.ts';
import { toast } from '../lib/say.ts';
import { t } from '../lib/words.ts';
import { zone } from '../lib/zone.ts';

const TYPED = 'input:not([type=checkbox]),textarea,select,[contenteditable],dialog';

class Care extends HTMLElement {
  #ctl = new AbortController();

  connectedCallback(): void {
    const { signal } = this.#ctl;
    this.addEventListener(
      'submit',
      (e) => {
        void this.#send(e as SubmitEvent);
      },
      { signal },
    );
    this.addEventListener('change', () => this.#count(), { signal });
    addEventListener('keydown', (e) => this.#key(e), { signal });
    addEventListener('ph:zone', () => this.#zone(), { signal });
    this.#zone();
    this.#count();
  }
  disconnectedCallback(): void {
    this.#ctl.abort();
    this.#ctl = new AbortController();
  }

  /** Mornings are the reader's. */
  #zone(): void {
    const field = this.querySelector<HTMLInputElement>('#care [name=tz]');
    if (field) field.value = zone() === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  #count(): void {
    const said = this.querySelector('[data-chosen]');
    if (said) said.textContent = t('{} chosen', this.querySelectorAll('.al input:checked').length);
  }

  #key(e: KeyboardEvent): void {
    const at = e.target as Element;
    if (e.defaultPrevented || e.metaKey || e.ctrlKey || e.altKey || at.closest(`${TYPED},[popover]`)) return;
    const row = at.closest<HTMLElement>('.al');
    const step = e.key === 'j' || (row && e.key === 'ArrowDown') ? 1 : e.key === 'k' || (row && e.key === 'ArrowUp') ? -1 : 0;
    if (step) {
      const rows = [...this.querySelectorAll<HTMLElement>('.al')];
      const next = row ? rows[rows.indexOf(row) + step] : rows[0];
      next?.querySelector<HTMLElement>('a')?.focus();
    } else if (row && e.key === 'a') row.querySelector<HTMLElement>('[data-key=a]')?.click();
    else if (row && e.key === 'x') row.querySelector<HTMLElement>('input')?.click();
    else return;
    e.preventDefault();
  }

  async #send(e: SubmitEvent): Promise<void> {
    const form = e.target as HTMLFormElement,
      button = e.submitter as HTMLButtonElement | null;
    if (form.id !== 'care') return;
    e.preventDefault();
    // FormData with the button, which may stand outside of the form.
    const data = new URLSearchParams([...new FormData(form, button)].map(([k, v]): [string, string] => [k, String(v)]));
    button?.closest<HTMLElement>('[popover]')?.hidePopover();
    const row = button?.closest('.al');
    if (row?.contains(document.activeElement)) row.querySelector<HTMLElement>('a')?.focus();
    if (button) button.disabled = true;
    try {
      const res = await fetch(form.action, { method: 'POST', body: data, headers: { 'x-requested-with': 'pharos' } });
      toast(await res.text(), !res.ok);
      if (res.ok) {
        form.reset();
        this.#zone();
        await refreshLive();
        this.#count();
      }
    } catch {
      toast(t('The server does not answer.'), true);
    } finally {
      if (button) button.disabled = false;
    }
  }
}

customElements.define('ph-care', Care);
