/** One tooltip for the page, over everything: beside the pointer, inside of the window. */
import { html } from '../html.ts';
import { css, type Mark } from './data.ts';
import { moment } from './times.ts';

let box: HTMLElement | null = null;
let owner: unknown = null;

/** Shows it at a place of the window. */
export function tell(by: unknown, inside: string, x: number, y: number): void {
  if (!box?.isConnected) box = document.body.appendChild(Object.assign(document.createElement('div'), { className: 'tip gp-tip' }));
  owner = by;
  box.innerHTML = inside;
  box.hidden = false;
  const { offsetWidth: w, offsetHeight: h } = box;
  box.style.left = `${x + w + 20 > innerWidth ? Math.max(4, x - w - 14) : x + 14}px`;
  box.style.top = `${Math.max(4, Math.min(y - 30, innerHeight - h - 8))}px`;
}

/** Hides it, if it is still that one's. */
export function hush(by: unknown): void {
  if (box && owner === by) box.hidden = true;
}

/** A mark in a tooltip. */
export const noted = (m: Mark) =>
  html`<div class="note" style="--k:${css(m.colour ?? 'c1')}"><time>${moment(m.at)}${m.until != null && m.until > m.at ? html` – ${moment(m.until)}` : ''}${m.name ? html` · ${m.name}` : ''}</time><p>${m.text}</p>${(m.tags ?? []).map((tag) => html`<span class="lb">${tag}</span> `)}</div>`;
