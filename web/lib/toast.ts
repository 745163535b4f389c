/** Short messages at the bottom: gone after five seconds, errors stay until closed. */
import { html, raw } from './html.ts';
import { t } from './words.ts';
import cross from 'icon:x';

export function toast(text: string, bad = false): void {
  const box =
    document.querySelector('.toasts') ?? document.body.appendChild(Object.assign(document.createElement('div'), { className: 'toasts' }));
  box.setAttribute('role', 'status');
  const el = document.createElement('div');
  el.className = bad ? 'toast bad' : 'toast';
  el.innerHTML = html`<span>${text}</span><button aria-label="${t('Close')}">${raw(cross)}</button>`.text;
  el.querySelector('button')?.addEventListener('click', () => el.remove());
  // One short message at a time; errors stay.
  box.querySelectorAll('.toast:not(.bad)').forEach((old) => old.remove());
  while (box.childElementCount >= 3) box.firstElementChild?.remove();
  box.append(el);
  if (bad) return;
  let timer = window.setTimeout(() => el.remove(), 5000);
  el.addEventListener('mouseenter', () => clearTimeout(timer));
  el.addEventListener('mouseleave', () => {
    timer = window.setTimeout(() => el.remove(), 2000);
  });
}
