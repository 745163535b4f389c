/** Exemplars on a chart over time: single observations as diamonds, with a card for what they say and where they lead. */
import type uPlot from 'uplot';
import { format } from '../format.ts';
import { html } from '../html.ts';
import { colour } from '../theme.ts';
import { n as counted, t } from '../words.ts';
import type { Exemplars, TimeData } from './data.ts';
import { tell } from './tip.ts';
import { moment } from './times.ts';

/** Half of a diamond, and how near the pointer must be, in pixels. */
const HALF = 4.5,
  NEAR = matchMedia('(pointer: coarse)').matches ? 18 : 9;
/** Most labels of a card that only shows; the one that stays has all. */
const BRIEF_MAX = 8;

/** The chart that they are on. */
export interface Chart {
  data(): TimeData;
  /** Whose tooltip it is. */ readonly owner: unknown;
}
/** One of them: whose it is, and which. */
interface One {
  of: Exemplars;
  i: number;
  axis: number;
}

/** Every exemplar of a chart with the axis of its query. */
export const every = (data: TimeData): One[] =>
  (data.exemplars ?? []).flatMap((of) => {
    const axis = data.series.find((s) => s.q === of.q)?.axis ?? 0;
    return of.at.map((_, i) => ({ of, i, axis }));
  });

/** What one says: names and values, without those that it has not. */
export const said = ({ of, i }: One): [string, string][] =>
  of.names.flatMap((name, k) => {
    const value = of.labels[i]?.[k];
    return value == null || value === '' ? [] : [[name, value] as [string, string]];
  });

/** The nearest of some places within a distance; -1 for none. */
export function nearest(places: ([number, number] | null)[], x: number, y: number, within: number): number {
  let best = -1,
    least = within * within;
  places.forEach((at, k) => {
    const far = at ? (at[0] - x) ** 2 + (at[1] - y) ** 2 : NaN;
    if (far <= least) {
      least = far;
      best = k;
    }
  });
  return best;
}

const rows = (all: [string, string][]) => html`<dl>${all.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/** Shows them on a chart from now on; the chart's data may change. Returns what says how many there are. */
export function exemplars(u: uPlot, chart: Chart): () => string {
  /** Where each stands inside of the plot, in pixels; none out of its range. One beyond the scale stands at its edge. */
  const places = (all: One[]): ([number, number] | null)[] =>
    all.map(({ of, i, axis }) => {
      const { min = 0, max = 0 } = u.scales.x ?? {},
        at = of.at[i] ?? NaN,
        v = of.v[i],
        { clientWidth: w, clientHeight: h } = u.over;
      if (v == null || at < (min ?? 0) || at > (max ?? 0)) return null;
      const y = u.valToPos(v, axis ? `y${axis}` : 'y');
      return [Math.max(0, Math.min(w, u.valToPos(at, 'x'))), Math.max(HALF, Math.min(h - HALF, Number.isFinite(y) ? y : h))];
    });
  const draw = (): void => {
    const { ctx } = u,
      px = devicePixelRatio,
      { left, top } = u.bbox;
    ctx.save();
    ctx.fillStyle = colour('--surface');
    ctx.strokeStyle = colour('--accent');
    ctx.lineWidth = 1.5 * px;
    for (const at of places(every(chart.data()))) {
      if (!at) continue;
      const x = left + at[0] * px,
        y = top + at[1] * px,
        d = HALF * px;
      ctx.beginPath();
      ctx.moveTo(x, y - d);
      ctx.lineTo(x + d, y);
      ctx.lineTo(x, y + d);
      ctx.lineTo(x - d, y);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  };
  const value = (one: One): string => {
    const axis = chart.data().axes[one.axis];
    return format(one.of.v[one.i] ?? null, axis?.unit, axis?.decimals);
  };
  const head = (one: One) =>
    html`<time>${moment(one.of.at[one.i] ?? 0)}</time><ul><li><span>${t('Exemplar')}</span><b><bdi>${value(one)}</bdi></b></li></ul>`;
  const under = (x: number, y: number): One | undefined => {
    const all = every(chart.data());
    return all[nearest(places(all), x, y, NEAR)];
  };

  /** The card that stays: over everything, closed by Escape or a press beside it. */
  const open = (one: One): void => {
    document.getElementById('gp-ex')?.remove();
    const card = document.body.appendChild(Object.assign(document.createElement('div'), { id: 'gp-ex', className: 'menu gp-ex' }));
    const links = one.of.links[one.i] ?? [],
      [x, y] = places([one])[0] ?? [0, 0],
      over = u.over.getBoundingClientRect(),
      before = document.activeElement as HTMLElement | null;
    card.popover = 'auto';
    card.tabIndex = -1;
    card.setAttribute('role', 'dialog');
    card.setAttribute('aria-label', t('Exemplar'));
    card.innerHTML =
      html`${head(one)}${rows(said(one))}${links.map(([words, url]) => html`<a class="link" href="${url}">${words}</a>`)}`.text;
    card.addEventListener('toggle', (e) => {
      if ((e as ToggleEvent).newState === 'closed') {
        card.remove();
        if (document.activeElement === document.body) before?.focus({ preventScroll: true });
      }
    });
    card.showPopover();
    card.classList.add('placed');
    card.style.left = `${Math.max(8, Math.min(over.left + x + 12, innerWidth - card.offsetWidth - 8))}px`;
    card.style.top = `${Math.max(8, Math.min(over.top + y - 20, innerHeight - card.offsetHeight - 8))}px`;
    (card.querySelector('a') ?? card).focus({ preventScroll: true });
  };

  const hover = (): void => {
    const { left = -1, top = -1 } = u.cursor,
      over = u.over.getBoundingClientRect(),
      one = left < 0 || !u.over.matches(':hover') ? undefined : under(left, top);
    u.over.style.cursor = one ? 'pointer' : '';
    if (!one) return;
    const all = said(one);
    tell(
      chart.owner,
      html`${head(one)}<div class="gp-ex">${rows(all.slice(0, BRIEF_MAX))}${all.length > BRIEF_MAX ? html`<div class="more">${t('and {} more', all.length - BRIEF_MAX)}</div>` : ''}<div class="more">${t('A press keeps it open.')}</div></div>`
        .text,
      over.left + left,
      over.top + top,
    );
  };

  (u.hooks.draw ??= []).push(draw);
  (u.hooks.setCursor ??= []).push(hover);
  u.over.addEventListener('click', (e) => {
    const over = u.over.getBoundingClientRect(),
      one = under(e.clientX - over.left, e.clientY - over.top);
    if (one) {
      e.stopPropagation();
      open(one);
    }
  });
  const ended = new AbortController();
  (u.hooks.destroy ??= []).push(() => ended.abort());
  u.root.parentElement?.addEventListener(
    'keydown',
    (e) => {
      if (e.key !== 'Enter') return;
      const all = every(chart.data()),
        at = places(all),
        x = (u.cursor.left ?? -1) >= 0 ? (u.cursor.left ?? 0) : u.over.clientWidth;
      // The nearest in time to where the arrow keys are.
      const one =
        all[
          nearest(
            at.map((place) => place && [place[0], 0]),
            x,
            0,
            Infinity,
          )
        ];
      if (one) {
        e.preventDefault();
        open(one);
      }
    },
    { signal: ended.signal },
  );
  u.redraw(false);
  return () => {
    const count = every(chart.data()).length;
    return count ? ` ${counted(count, '{} exemplar', '{} exemplars')}. ${t('Enter opens the nearest one.')}` : '';
  };
}
