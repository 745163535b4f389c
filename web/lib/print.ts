/** Paper is light: charts are drawn anew in its colours before printing, and back after it. */
import { t } from './words.ts';
import { exact } from './zone.ts';

let screen = '';
addEventListener('beforeprint', () => {
  screen = document.documentElement.dataset.theme ?? 'system';
  document.documentElement.dataset.theme = 'light';
  const head = document.querySelector('[data-printed]');
  if (head)
    head.textContent = [document.querySelector('[data-rangelabel]')?.textContent, t('printed {}', exact(new Date())), location.href]
      .filter(Boolean)
      .join(' · ');
  dispatchEvent(new CustomEvent('ph:print'));
});
addEventListener('afterprint', () => {
  document.documentElement.dataset.theme = screen;
  dispatchEvent(new CustomEvent('ph:print'));
});
