/** Dialogs while a dashboard is changed: a question with a few answers, and one whose insides are drawn. */
import { render, type VNode } from 'preact';
import { html, raw } from '../../html.ts';

export interface Answer {
  id: string;
  words: string;
  /** `p` the usual one, `p bad` one that takes something away. */ look?: string;
}

/** Asks; null where it is closed without an answer. The first answer has the focus. */
export function ask(title: string, text: string, answers: Answer[]): Promise<string | null> {
  const dialog = document.createElement('dialog');
  dialog.className = 'ask';
  dialog.setAttribute('aria-label', title);
  dialog.innerHTML =
    html`<h2>${title}</h2>${text ? html`<p>${text}</p>` : ''}<div class="acts eg-acts">${answers.map((one, at) => html`<button class="btn ${one.look ?? ''}" value="${one.id}"${at ? '' : raw(' autofocus')}>${one.words}</button>`)}</div>`.text;
  document.body.append(dialog);
  return new Promise((done) => {
    let said: string | null = null;
    dialog.addEventListener('click', (e) => {
      const button = (e.target as Element).closest('button');
      if (button) said = button.value;
      if (button || e.target === dialog) dialog.close();
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      done(said);
    });
    dialog.showModal();
  });
}

/** Opens a dialog; `draw` gives its insides and is told how to close it. `stays` keeps it open when it is pressed beside. */
export function open(name: string, label: string, draw: (close: () => void) => VNode, stays = false): HTMLDialogElement {
  const dialog = document.createElement('dialog');
  dialog.className = `eg-dialog ${name}`;
  dialog.setAttribute('aria-label', label);
  document.body.append(dialog);
  const close = () => dialog.close();
  dialog.addEventListener('mousedown', (e) => {
    if (e.target === dialog && !stays) close();
  });
  dialog.addEventListener('close', () => {
    render(null, dialog);
    dialog.remove();
  });
  render(draw(close), dialog);
  dialog.showModal();
  return dialog;
}
