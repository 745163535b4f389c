/** `<ph-import>`: a file that is chosen or dropped becomes the text of the form. */
import { toast } from '../lib/say.ts';
import { t } from '../lib/words.ts';

/** As many as the server takes. */
const BYTES_MAX = 4 * 1024 * 1024;

class Import extends HTMLElement {
  connectedCallback(): void {
    const field = this.querySelector('textarea') as HTMLTextAreaElement,
      label = this.querySelector<HTMLElement>('[data-file]'),
      input = label?.querySelector('input');
    if (label) label.hidden = false;
    const take = async (file: File | undefined) => {
      if (!file) return;
      if (file.size > BYTES_MAX) {
        toast(t('{} is larger than the 4 MiB that a dashboard may have.', file.name), true);
        return;
      }
      field.value = await file.text();
      this.querySelector<HTMLButtonElement>('[value=look]')?.click();
    };
    input?.addEventListener('change', () => void take(input.files?.[0]));
    this.addEventListener('dragover', (e) => e.preventDefault());
    this.addEventListener('drop', (e) => {
      e.preventDefault();
      void take(e.dataTransfer?.files[0]);
    });
  }
}
customElements.define('ph-import', Import);
