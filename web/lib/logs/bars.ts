/** The bars of lines by level: what they were drawn from, times below them, tooltip, dragging to zoom. */
import { html } from '../html.ts';
import * as range from '../page_range.ts';
import { t } from '../words.ts';
import { CLOCK, DAY, TIME, day, show, zone } from '../zone.ts';

export interface Levels {
  start: number;
  step: number;
  count: number;
  levels: [string, number[]][];
}

export function read(el: HTMLElement): Levels {
  const levels = (el.dataset.levels ?? '')
    .split(';')
    .filter(Boolean)
    .map((part): [string, number[]] => {
      const [name = '', counts = ''] = part.split(':');
      return [name, counts.split(',').map(Number)];
    });
  return { start: Number(el.dataset.start), step: Number(el.dataset.step), count: Number(el.dataset.count), levels };
}

const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000,
].map((s) => s * 1000);
/** Round moments (ms) of a zone `offset` ms ahead of UTC, at most `wanted` of them. */
export function ticks(start: number, end: number, wanted: number, offset: number): number[] {
  const step = STEPS.find((s) => (end - start) / s <= wanted) ?? end - start;
  const out: number[] = [];
  for (let at = (Math.floor((start + offset) / step) + 1) * step - offset; at < end; at += step) out.push(at);
  return out;
}

export function bars(el: HTMLElement): void {
  const plot = el.querySelector<HTMLElement>('.plot'),
    xs = el.querySelector<HTMLElement>('.xs'),
    pick = el.querySelector<HTMLElement>('.pick');
  if (!plot || !xs || !pick) return;
  const it = read(el),
    end = it.start + it.step * it.count;
  const label = () => {
    const offset = zone() === 'utc' ? 0 : -new Date(it.start).getTimezoneOffset() * 60_000;
    const long = end - it.start > 3 * 86_400_000;
    xs.innerHTML =
      html`${ticks(it.start, end, plot.clientWidth < 480 ? 4 : 9, offset).map((at) => html`<span style="--x:${(((at - it.start) / (end - it.start)) * 100).toFixed(2)}">${long || (at + offset) % 86_400_000 === 0 ? day(new Date(at)) : show(new Date(at), it.step < 60_000 && end - it.start < 600_000 ? CLOCK : TIME)}</span>`)}`.text;
  };
  label();
  addEventListener('ph:zone', () => {
    if (el.isConnected) label();
  });
  const tip = Object.assign(document.createElement('div'), { className: 'tip', hidden: true });
  el.append(tip);
  const at = (x: number) => Math.max(0, Math.min(it.count - 1, Math.floor((x / Math.max(1, plot.clientWidth)) * it.count)));
  const tell = (bar: number) => {
    const from = new Date(it.start + bar * it.step);
    const rows = it.levels.map(([name, counts]): [string, number] => [name, counts[bar] ?? 0]).filter(([, n]) => n > 0);
    tip.innerHTML =
      html`<time>${show(from, DAY)} ${show(from, CLOCK)}</time><ul>${rows.map(([name, n]) => html`<li><i class="lv ${name}"></i><span>${name}</span><b>${n.toLocaleString('en')}</b></li>`)}</ul>${rows.length ? '' : t('No lines')}`.text;
    tip.hidden = false;
    const x = plot.offsetLeft + ((bar + 0.5) / it.count) * plot.clientWidth;
    tip.style.left = `${x + tip.offsetWidth + 24 > el.clientWidth ? Math.max(0, x - tip.offsetWidth - 14) : x + 14}px`;
    return rows;
  };
  let cursor = -1,
    from = -1;
  const mark = (a: number, b: number) => {
    pick.hidden = false;
    pick.style.left = `${(Math.min(a, b) / it.count) * 100}%`;
    pick.style.width = `${((Math.abs(b - a) + 1) / it.count) * 100}%`;
  };
  const zoom = (a: number, b: number) => {
    const lo = it.start + Math.min(a, b) * it.step,
      hi = it.start + (Math.max(a, b) + 1) * it.step;
    range.set({ from: String(Math.floor(lo / 1000)), to: String(Math.ceil(hi / 1000)) });
  };
  const x = (e: PointerEvent) => e.clientX - plot.getBoundingClientRect().left;
  plot.addEventListener('pointerdown', (e) => {
    if (e.button === 0) {
      from = at(x(e));
      plot.setPointerCapture(e.pointerId);
    }
  });
  plot.addEventListener('pointermove', (e) => {
    const bar = at(x(e));
    tell(bar);
    if (from >= 0) mark(from, bar);
  });
  plot.addEventListener('pointerup', (e) => {
    const a = from,
      b = at(x(e));
    from = -1;
    pick.hidden = true;
    // A click is no range; on paper-thin bars neither is a slip of the hand.
    if (a >= 0 && a !== b) zoom(a, b);
  });
  plot.addEventListener('pointercancel', () => {
    from = -1;
    pick.hidden = true;
  });
  plot.addEventListener('pointerleave', () => {
    if (from < 0) tip.hidden = true;
  });
  plot.addEventListener('dblclick', () => (document.querySelector('[data-act="zoom-out"]') as HTMLElement | null)?.click());
  el.addEventListener('keydown', (e) => {
    const to: Record<string, number> = {
      ArrowLeft: Math.max(0, cursor - 1),
      ArrowRight: Math.min(it.count - 1, cursor + 1),
      Home: 0,
      End: it.count - 1,
    };
    const next = to[e.key];
    if (next != null) {
      e.preventDefault();
      cursor = next;
      mark(cursor, cursor);
      const rows = tell(cursor);
      el.setAttribute(
        'aria-label',
        `${tip.querySelector('time')?.textContent ?? ''}: ${rows.map(([name, n]) => `${name} ${n}`).join(', ') || t('No lines')}`,
      );
    } else if (e.key === 'Enter' && cursor >= 0) zoom(cursor, cursor);
    else if (e.key === 'Escape') {
      cursor = -1;
      pick.hidden = tip.hidden = true;
    }
  });
  el.addEventListener('blur', () => {
    pick.hidden = tip.hidden = true;
  });
}
