/** Keys while a dashboard is changed: steps back, saving, the editor of the panel that is pointed at, leaving. */
import type { Session } from './session.ts';
import { current } from './tiles.ts';

/** Listens until the returned function is called. */
export function listen(s: Session, save: () => void): () => void {
  const press = (e: KeyboardEvent) => {
    const at = e.target as Element,
      typed = at.closest('input, textarea, select, [contenteditable]'),
      inside = at.closest('dialog, [popover]:popover-open'),
      held = e.ctrlKey || e.metaKey,
      key = e.key.toLowerCase();
    if (e.defaultPrevented || e.altKey) return;
    if (held && key === 's' && !e.shiftKey) {
      e.preventDefault();
      if (!inside && (s.draft.isDirty || s.isNew)) save();
      return;
    }
    // Fields and the editor of a panel have steps back of their own.
    if (typed || inside || s.isOpen) return;
    if (held && key === 'z') {
      e.preventDefault();
      s.back(e.shiftKey ? 'redo' : 'undo');
      return;
    }
    if (held && key === 'y') {
      e.preventDefault();
      s.back('redo');
      return;
    }
    if (held || s.grid.isBusy) return;
    const panel = key === 'e' ? current(s.host.el) : 0;
    if (panel) {
      e.preventDefault();
      s.edit(panel);
      return;
    }
    const query = new URLSearchParams(location.search);
    if (e.key === 'Escape' && !s.draft.isDirty && !document.fullscreenElement && !query.has('viewPanel') && !query.has('kiosk')) {
      e.preventDefault();
      void s.leave();
    }
  };
  document.addEventListener('keydown', press);
  return () => document.removeEventListener('keydown', press);
}
