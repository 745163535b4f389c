/** Zoom by finger: sideways selects a range, up and down scrolls the page, a tap reads values. */
import type uPlot from 'uplot';
import * as page from './page_range.ts';

export function touchZoom(u: uPlot): void {
  let from = 0, selecting = false;
  const x = (e: PointerEvent) => e.clientX - u.over.getBoundingClientRect().left;
  u.over.addEventListener('pointerdown', (e) => { if (e.pointerType === 'touch') { from = x(e); selecting = false; } });
  u.over.addEventListener('pointermove', (e) => {
    if (e.pointerType !== 'touch') return;
    const at = x(e);
    if (Math.abs(at - from) > 10) selecting = true;
    u.setCursor({ left: at, top: u.over.clientHeight / 2 });
    if (selecting) u.setSelect({ left: Math.min(from, at), width: Math.abs(at - from), top: 0, height: u.over.clientHeight }, false);
  });
  u.over.addEventListener('pointerup', (e) => {
    if (e.pointerType !== 'touch') return;
    if (!selecting) { u.setCursor({ left: x(e), top: u.over.clientHeight / 2 }); return; }
    const a = u.posToVal(Math.min(from, x(e)), 'x'), b = u.posToVal(Math.max(from, x(e)), 'x');
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (b - a >= 1) page.set({ from: String(Math.floor(a)), to: String(Math.ceil(b)) });
  });
  u.over.addEventListener('pointercancel', () => u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false));
}
