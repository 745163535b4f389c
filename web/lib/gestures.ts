/** Moving a chart's view: Shift-drag pans in time, Ctrl-drag zooms the values, fingers select (one) or pan (two). */
import type uPlot from 'uplot';
import * as page from './page_range.ts';
import { resolve } from './range.ts';

/** What is shown instead of the page's range and of all values, while or because the reader moved it. */
export interface View {
  x: [number, number] | null;
  y: [number, number] | null;
}

/** The page's range in seconds. */
function span(): [number, number] {
  const r = page.get(),
    now = page.now();
  const to = resolve(r.to, now, true) ?? now;
  return [resolve(r.from, now) ?? to - 3600, to];
}

/** A pan under way: moves the view with the pointer; `end` makes it the page's range. Never beyond now. */
function panning(u: uPlot, view: View) {
  const [from, to] = span(),
    perPixel = (to - from) / Math.max(1, u.over.clientWidth);
  let by = 0;
  return {
    move(pixels: number): void {
      by = Math.min(-pixels * perPixel, Math.max(0, page.now() - to));
      view.x = [from + by, to + by];
      u.setScale('x', { min: view.x[0], max: view.x[1] });
    },
    end(): void {
      view.x = null;
      // Panning replaces: a hundred small moves are no history worth going back through.
      if (Math.abs(by) > perPixel * 3) page.set({ from: String(Math.round(from + by)), to: String(Math.round(to + by)) }, true);
      else u.setScale('x', { min: from, max: to });
    },
  };
}

const none = { left: 0, top: 0, width: 0, height: 0 };

function mouse(u: uPlot, view: View): void {
  // Caught before uPlot sees it, which would begin to select a range.
  u.root.addEventListener(
    'mousedown',
    (e) => {
      const values = e.ctrlKey || e.metaKey;
      if (e.button !== 0 || (!e.shiftKey && !values) || !u.over.contains(e.target as Node)) return;
      e.preventDefault();
      e.stopPropagation();
      const box = u.over.getBoundingClientRect(),
        x0 = e.clientX,
        y0 = Math.max(0, e.clientY - box.top);
      const pan = values ? null : panning(u, view);
      const inside = (y: number) => Math.max(0, Math.min(box.height, y - box.top));
      const move = (m: MouseEvent) => {
        if (pan) pan.move(m.clientX - x0);
        else {
          const y = inside(m.clientY);
          u.setSelect({ left: 0, width: box.width, top: Math.min(y0, y), height: Math.abs(y - y0) }, false);
        }
      };
      const up = (m: MouseEvent) => {
        removeEventListener('mousemove', move);
        removeEventListener('mouseup', up);
        if (pan) {
          pan.end();
          return;
        }
        u.setSelect(none, false);
        const a = u.posToVal(Math.max(y0, inside(m.clientY)), 'y'),
          b = u.posToVal(Math.min(y0, inside(m.clientY)), 'y');
        if (Math.abs(inside(m.clientY) - y0) > 5 && b > a) {
          view.y = [a, b];
          u.setScale('y', { min: a, max: b });
        }
      };
      addEventListener('mousemove', move);
      addEventListener('mouseup', up);
    },
    true,
  );
}

/** Sideways selects a range, up and down scrolls the page, a tap reads values, two fingers pan. */
function fingers(u: uPlot, view: View): void {
  const down = new Map<number, number>();
  const x = (e: PointerEvent) => e.clientX - u.over.getBoundingClientRect().left;
  const middle = () => [...down.values()].reduce((a, b) => a + b, 0) / Math.max(1, down.size);
  let from = 0,
    selecting = false,
    pan: ReturnType<typeof panning> | null = null;
  u.over.addEventListener('pointerdown', (e) => {
    if (e.pointerType !== 'touch') return;
    down.set(e.pointerId, x(e));
    if (down.size === 2) {
      u.setSelect(none, false);
      pan = panning(u, view);
    }
    from = middle();
    selecting = false;
  });
  u.over.addEventListener('pointermove', (e) => {
    if (e.pointerType !== 'touch' || !down.has(e.pointerId)) return;
    down.set(e.pointerId, x(e));
    if (pan) {
      if (down.size === 2) pan.move(middle() - from);
      return;
    }
    const at = x(e);
    if (Math.abs(at - from) > 10) selecting = true;
    u.setCursor({ left: at, top: u.over.clientHeight / 2 });
    if (selecting) u.setSelect({ left: Math.min(from, at), width: Math.abs(at - from), top: 0, height: u.over.clientHeight }, false);
  });
  const lift = (e: PointerEvent, taken: boolean) => {
    if (e.pointerType !== 'touch' || !down.delete(e.pointerId)) return;
    if (pan) {
      if (down.size === 0) {
        pan.end();
        pan = null;
      }
      return;
    }
    u.setSelect(none, false);
    if (!taken) return;
    if (!selecting) {
      u.setCursor({ left: x(e), top: u.over.clientHeight / 2 });
      return;
    }
    const a = u.posToVal(Math.min(from, x(e)), 'x'),
      b = u.posToVal(Math.max(from, x(e)), 'x');
    if (b - a >= 1) page.set({ from: String(Math.floor(a)), to: String(Math.ceil(b)) });
  };
  u.over.addEventListener('pointerup', (e) => lift(e, true));
  u.over.addEventListener('pointercancel', (e) => lift(e, false));
}

export function gestures(u: uPlot, view: View): void {
  mouse(u, view);
  fingers(u, view);
}
