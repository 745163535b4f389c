/** What panels and rows gain while a dashboard is changed: entries of their menu, tools beside the title of a row. */
import copy from 'icon:copy';
import copyPlus from 'icon:copy-plus';
import move from 'icon:move';
import pencil from 'icon:pencil';
import plus from 'icon:plus';
import trash from 'icon:trash-2';
import { html, raw } from '../../html.ts';
import { t } from '../../words.ts';
import * as acts from './acts.ts';
import type { Session } from './session.ts';

const idOf = (el: Element | null): number => Number(el?.id.replace(/^gp-/, '') ?? 0) || 0;

/** The menu of a panel stands open before it is shown: it gains what changes the panel. */
function fill(menu: HTMLElement): void {
  menu.querySelectorAll('[data-ed]').forEach((el) => el.remove());
  const entry = (what: string, icon: string, words: string, key = '', look = '') =>
    html`<button data-ed="${what}" class="${look}">${raw(icon)}<span>${words}</span>${key ? html`<kbd>${key}</kbd>` : ''}</button>`;
  menu.insertAdjacentHTML(
    'afterbegin',
    html`${entry('edit', pencil, t('Edit'), 'e')}${entry('duplicate', copyPlus, t('Duplicate'))}${entry('copy', copy, t('Copy'))}${entry('move', move, t('Move, resize'))}<hr data-ed>`
      .text,
  );
  menu.insertAdjacentHTML('beforeend', html`<hr data-ed>${entry('remove', trash, t('Remove'), '', 'eg-away')}`.text);
}

/** Rows have their tools again after the page was brought along. */
export function dress(board: HTMLElement): void {
  const tool = (what: string, icon: string, words: string) =>
    html`<button class="btn g sm sq" data-row="${what}" title="${words}">${raw(icon)}</button>`;
  board.querySelectorAll<HTMLElement>('.bd-row').forEach((row) => {
    if (!row.querySelector('.eg-tools'))
      row.insertAdjacentHTML(
        'beforeend',
        html`<span class="eg-tools">${tool('edit', pencil, t('Title of the row'))}${tool('add', plus, t('Add a panel to the row'))}${tool('move', move, t('Move the row'))}${tool('remove', trash, t('Remove the row'))}</span>`
          .text,
      );
    const title = row.querySelector('h2')?.textContent ?? '';
    row.querySelectorAll<HTMLElement>('[data-row]').forEach((button) => button.setAttribute('aria-label', `${button.title}: ${title}`));
  });
}
export const undress = (board: HTMLElement): void => {
  board.querySelectorAll('.eg-tools, #gm [data-ed]').forEach((el) => el.remove());
};

/** Listens on the dashboard; `addTo` offers panels for a row under a button. Returns how to stop. */
export function listen(s: Session, addTo: (button: HTMLElement, row: number) => void): () => void {
  const board = s.host.el,
    ctl = new AbortController(),
    signal = ctl.signal;
  let current = 0;
  board.addEventListener(
    'ph:menu',
    (e) => {
      current = idOf((e as CustomEvent<HTMLElement>).detail);
      fill(board.querySelector('#gm') as HTMLElement);
    },
    { signal },
  );
  board.addEventListener(
    'click',
    (e) => {
      const target = e.target as Element,
        entry = target.closest<HTMLElement>('#gm [data-ed]');
      if (entry) {
        e.stopPropagation();
        board.querySelector<HTMLElement>('#gm')?.hidePopover();
        const what = entry.dataset.ed;
        if (what === 'edit') s.edit(current);
        else if (what === 'duplicate') acts.duplicate(s, current);
        else if (what === 'copy') acts.copyPanel(s, current);
        else if (what === 'move') s.grid.byKeys(current);
        else if (what === 'remove') acts.remove(s, current);
        return;
      }
      const row = target.closest<HTMLElement>('.bd-row'),
        tool = target.closest<HTMLElement>('[data-row]')?.dataset.row;
      if (row && tool) {
        if (tool === 'edit') void import('./row.tsx').then((m) => m.editRow(s.draft, idOf(row)));
        else if (tool === 'add') addTo(target.closest('button') as HTMLElement, idOf(row));
        else if (tool === 'move') s.grid.byKeys(idOf(row));
        else if (tool === 'remove') void acts.removeRow(s, idOf(row));
        return;
      }
      // What opens a row for a reader changes the dashboard now; the title of a panel leads to its editor.
      const title = target.closest<HTMLElement>('.bd-row > a, .gp > header h2 a');
      if (!title || e.metaKey || e.ctrlKey || e.shiftKey || board.querySelector('#bd-grid.one')) return;
      e.preventDefault();
      e.stopPropagation();
      const id = idOf(title.closest('.gp, .bd-row'));
      if (title.closest('.bd-row')) acts.turn(s, id);
      else s.edit(id);
    },
    { signal, capture: true },
  );
  return () => ctl.abort();
}

/** The panel that has the focus or is under the pointer; 0 for none. */
export const current = (board: HTMLElement): number => idOf(document.activeElement?.closest('.gp') ?? board.querySelector('.gp:hover'));
