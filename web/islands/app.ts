/** On every page: loads the islands that are there, theme, menus, shortcuts, the time range, refresh, dialogs. */
import * as range from '../lib/page_range.ts';
import { label as rangeLabel, resolve, shifted, zoomedOut, isLive } from '../lib/range.ts';
import { startRefresh, refreshLive } from '../lib/live.ts';
import { toast } from '../lib/say.ts';
import { t } from '../lib/words.ts';
import { setZone, showTimes } from '../lib/zone.ts';

const $ = <T extends Element = HTMLElement>(s: string, root: ParentNode = document) => root.querySelector<T>(s);

const islands: Record<string, () => Promise<unknown>> = {
  'ph-board': () => import('./board.ts'),
  'ph-bring': () => import('./uptime.ts'),
  'ph-care': () => import('./care.ts'),
  'ph-chart': () => import('./chart.ts'),
  'ph-check': () => import('./uptime.ts'),
  'ph-editor': () => import('./editor.ts'),
  'ph-explore': () => import('./explore.ts'),
  'ph-import': () => import('./import.ts'),
  'ph-light': () => import('./light.ts'),
  'ph-logs': () => import('./logs.ts'),
  'ph-preview': () => import('./uptime.ts'),
};
const whenIdle = (f: () => void) => ('requestIdleCallback' in window ? requestIdleCallback(f, { timeout: 400 }) : setTimeout(f, 50));
/** Behind the first frame; at once where the page is out of sight and has none. What is begun before takes that frame its time, and is ready no sooner. */
const whenPainted = (f: () => void) => {
  if (document.hidden) f();
  else requestAnimationFrame(() => setTimeout(f));
};
for (const [tag, load] of Object.entries(islands)) {
  const el = $(tag);
  if (!el) continue;
  if (tag === 'ph-board') {
    whenPainted(() => void load());
    continue;
  }
  if (tag !== 'ph-editor') {
    void load();
    continue;
  }
  // The editor replaces a field that works already: it may wait until the page is quiet or the field is used.
  let asked = false;
  const go = () => {
    if (!asked) {
      asked = true;
      void load();
    }
  };
  document.addEventListener('focusin', (e) => {
    if ((e.target as Element).closest('ph-editor')) go();
  });
  whenIdle(go);
}

/* The server renders data-theme from the cookie, so there is no flash; here it only changes. */
/** One of the choices of the menu; the language needs the server's words and is a form. */
function choose(el: HTMLElement): void {
  const { name, value } = el as HTMLButtonElement;
  if (name === 'theme') {
    document.documentElement.dataset.theme = value;
    document.cookie = `theme=${value};path=/;max-age=31536000;samesite=lax`;
  } else setZone(value === 'utc' ? 'utc' : 'local');
  el.parentElement?.querySelectorAll('button').forEach((b) => b.setAttribute('aria-pressed', String(b === el)));
}

function showRange(): void {
  const r = range.get();
  document.querySelectorAll('[data-rangelabel]').forEach((e) => {
    e.textContent = rangeLabel(r, range.now());
  });
  document
    .querySelectorAll<HTMLAnchorElement>('.tm a[data-from]')
    .forEach((a) => a.toggleAttribute('aria-current', a.dataset.from === r.from && r.to === (a.dataset.to ?? 'now')));
  const zoomed = $('[data-act="zoom-out"]');
  if (zoomed) zoomed.hidden = isLive(r);
  const form = $<HTMLFormElement>('.tm form');
  if (form) {
    (form.elements.namedItem('from') as HTMLInputElement).value = r.from;
    (form.elements.namedItem('to') as HTMLInputElement).value = r.to;
  }
}
addEventListener('ph:range', showRange);
addEventListener('ph:zone', () => {
  if ($('[data-rangelabel]')) showRange();
  showTimes();
});
showTimes();
addEventListener('popstate', () => dispatchEvent(new CustomEvent('ph:range', { detail: range.get() })));
if ($('[data-rangelabel]')) showRange();

/** What is typed while the palette is on its way; null at other times. */
let typed: string | null = null;
const act: Record<string, (el: HTMLElement) => void> = {
  choose,
  palette: () => {
    // A page that stands alone leads nowhere.
    if (!$('.side')) return;
    typed ??= '';
    void import('./palette.ts')
      .then((m) => m.open(typed ?? ''))
      .finally(() => {
        typed = null;
      });
  },
  keys: () => void import('./palette.ts').then((m) => m.keys()),
  refresh: () => {
    dispatchEvent(new CustomEvent('ph:refresh'));
    void refreshLive();
  },
  'zoom-out': () => range.set(zoomedOut(range.get(), range.now())),
  copy: (el) =>
    void navigator.clipboard.writeText(el.dataset.text ?? $(el.dataset.from ?? '')?.textContent ?? '').then(() => toast(t('Copied'))),
  link: () => void navigator.clipboard.writeText(location.href).then(() => toast(t('Link copied'))),
};
document.addEventListener('click', (e) => {
  const target = e.target as Element;
  const el = target.closest<HTMLElement>('[data-act]');
  const run = el && act[el.dataset.act ?? ''];
  if (run) {
    e.preventDefault();
    run(el);
    return;
  }
  // The range travels along to the explorer.
  const explore = target.closest<HTMLAnchorElement>('main a:is([href^="/explore"], [data-ranged])');
  if (explore) {
    const to = new URL(explore.href),
      here = new URLSearchParams(location.search);
    for (const k of ['from', 'to']) if (!to.searchParams.has(k) && here.get(k)) to.searchParams.set(k, here.get(k) ?? '');
    explore.href = to.href;
  }
  // Ranges are links that work by themselves; with charts on the page only the charts change.
  const link = target.closest<HTMLAnchorElement>('.tm a[data-from]');
  if (link && $('ph-chart, ph-board, ph-logs form') && !(e as MouseEvent).metaKey && !(e as MouseEvent).ctrlKey) {
    e.preventDefault();
    range.set({ from: link.dataset.from ?? 'now-1h', to: link.dataset.to ?? 'now' });
    link.closest<HTMLElement>('[popover]')?.hidePopover();
  }
});
document.addEventListener('submit', (e) => {
  const form = e.target as HTMLFormElement;
  if (form.matches('.tm form')) {
    const from = (form.elements.namedItem('from') as HTMLInputElement).value,
      to = (form.elements.namedItem('to') as HTMLInputElement).value;
    const a = resolve(from, range.now()),
      b = resolve(to, range.now(), true);
    const wrong =
      a == null
        ? t('“{}” is not a time.', from)
        : b == null
          ? t('“{}” is not a time.', to)
          : a >= b
            ? t('The start must be before the end.')
            : '';
    if (wrong) {
      e.preventDefault();
      toast(wrong, true);
      return;
    }
    if (!$('ph-chart, ph-board, ph-logs form')) return;
    e.preventDefault();
    // What a person types without a zone is their own time: send the moment.
    const plain = (text: string, at: number) => (/^now|^\d+$/.test(text) ? text : String(at));
    range.set({ from: plain(from, a ?? 0), to: plain(to, b ?? 0) });
    form.closest<HTMLElement>('[popover]')?.hidePopover();
  } else if (form.dataset.confirm && !form.dataset.sure) {
    e.preventDefault();
    void import('./palette.ts').then((m) => m.confirm(form, e.submitter));
  }
});

/* A time zone that nobody wrote yet is the reader's own. */
const place = $<HTMLInputElement>('[data-zone]');
if (place) place.value = Intl.DateTimeFormat().resolvedOptions().timeZone;

/* Filters of server-rendered lists answer while typing. */
if ($('form[data-live-form]')) void import('../lib/filter.ts');

/* Menus are native popovers, placed under their button. */
document.addEventListener(
  'toggle',
  (e) => {
    const menu = e.target as HTMLElement;
    if (!menu.matches?.('[popover].menu:not(.more)') || (e as ToggleEvent).newState !== 'open') return;
    const button = [...document.querySelectorAll(`[popovertarget="${CSS.escape(menu.id)}"]`)]
      .find((b) => b.getClientRects().length > 0)
      ?.getBoundingClientRect();
    if (!button) return;
    menu.classList.add('placed');
    menu.style.top = `${Math.min(button.bottom + 6, Math.max(8, innerHeight - menu.offsetHeight - 8))}px`;
    menu.style.left = `${Math.max(8, Math.min(innerWidth - menu.offsetWidth - 8, button.left + button.right < innerWidth ? button.left : button.right - menu.offsetWidth))}px`;
  },
  true,
);

/* Nobody prints a page before it is quiet. */
whenIdle(() => void import('../lib/print.ts'));

let g = 0;
addEventListener('keydown', (e) => {
  if ((e.metaKey || e.ctrlKey) && e.key.toLowerCase() === 'k') {
    e.preventDefault();
    act.palette?.(document.body);
    return;
  }
  if (typed !== null && e.key.length === 1) {
    e.preventDefault();
    typed += e.key;
    return;
  }
  if ((e.target as Element).closest('input,textarea,select,[contenteditable],dialog') || e.metaKey || e.ctrlKey || e.altKey) return;
  if (e.key === 'g') {
    g = e.timeStamp;
    return;
  }
  if (g && e.timeStamp - g < 900) {
    g = 0;
    const a = $<HTMLAnchorElement>(`.side a[data-key="${CSS.escape(e.key)}"]`);
    if (a) {
      e.preventDefault();
      location.href = a.href;
    }
    return;
  }
  const hasRange = $('[data-rangelabel]');
  const keys: Record<string, () => void> = {
    '?': () => act.keys?.(document.body),
    '/': () => $('ph-editor .cm-content, ph-editor textarea, main input[type=search]')?.focus(),
    r: () => act.refresh?.(document.body),
    t: () => hasRange?.closest('button')?.click(),
    '[': () => hasRange && range.set(shifted(range.get(), -1, range.now())),
    ']': () => hasRange && range.set(shifted(range.get(), 1, range.now())),
    '-': () => hasRange && range.set(zoomedOut(range.get(), range.now())),
    c: () => act.link?.(document.body),
  };
  const run = keys[e.key];
  if (run) {
    e.preventDefault();
    run();
  }
});

if (location.hash[1] === '/') void import('../lib/moved.ts');
startRefresh();
