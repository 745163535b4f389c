/** Changing a dashboard where it stands: begins when the page says that it is edited, and ends when it is left. */
import { toast } from '../../say.ts';
import { learn, t } from '../../words.ts';
import { put } from './acts.ts';
import { added } from './added.ts';
import { bar, offer } from './bar.tsx';
import { Draft } from './draft.ts';
import type { Host } from './host.ts';
import { load, Refused } from './kept.ts';
import { listen as keys } from './presses.ts';
import { Session } from './session.ts';
import { empty, sound } from './sound.ts';
import { dress, listen as tiles, undress } from './tiles.ts';

/** Below this a grid of 24 columns cannot be worked on. */
const WIDTH_MIN = 721;

let session: Session | null = null;
let isBeginning = false;

/** The page is there as it is edited: the first time it begins, later it goes on. */
export function start(host: Host): void {
  if (session) {
    dress(host.el);
    session.arrived();
  } else if (!isBeginning) {
    isBeginning = true;
    void begin(host)
      .catch((e: unknown) => fail(host, e instanceof Refused ? e.message : String(e)))
      .finally(() => {
        isBeginning = false;
      });
  }
}

/** The stylesheet of editing; without it nothing is begun. */
function style(href: string): Promise<void> {
  if (!href || document.querySelector(`link[href="${CSS.escape(href)}"]`)) return Promise.resolve();
  const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href });
  return new Promise((done, failed) => {
    link.addEventListener('load', () => done());
    link.addEventListener('error', () => {
      link.remove();
      failed(new Refused(0, '', t('The server cannot be reached.')));
    });
    document.head.append(link);
  });
}

/** The words of editing; the kinds of panels are named as in their editor. */
const learnt = (): Promise<unknown> =>
  Promise.all(
    [
      () => import('../../../lang/ar_edit.ts'),
      () => import('../../../lang/ar_edit_panel.ts'),
      () => import('../../../lang/ar_edit_parts.ts'),
    ].map((ar) => learn({ ar })),
  );

/** Back to reading, with a word why. */
function fail(host: Host, why: string): void {
  toast(why, true);
  const u = new URL(location.href);
  u.searchParams.delete('edit');
  if (!host.el.dataset.uid) return;
  history.replaceState(null, '', u);
  void host.follow(true);
}

/** Puts the panel that the address asks for on the dashboard, once. */
function take(s: Session): void {
  const { hash } = location;
  if (!hash.startsWith('#add=')) return;
  history.replaceState(null, '', location.pathname + location.search);
  put(s, t('Add a panel'), added(hash, 0));
}

async function begin(host: Host): Promise<void> {
  const uid = host.el.dataset.uid ?? '',
    words = learnt();
  if (innerWidth < WIDTH_MIN) {
    await words;
    fail(host, t('Dashboards are changed on wider screens: at least {} pixels.', WIDTH_MIN));
    return;
  }
  const [, , loaded] = await Promise.all([style(host.el.dataset.css ?? ''), words, uid ? load(uid) : null]);
  const draft = loaded
    ? new Draft(sound(loaded.json), loaded.kept)
    : new Draft(empty(host.el.dataset.title || t('New dashboard')), { uid: '', version: 0, folderUid: '', file: '' });
  const place = host.el.querySelector<HTMLElement>('#bd-edit') as HTMLElement,
    live = place.appendChild(Object.assign(document.createElement('p'), { className: 'vh' }));
  live.setAttribute('aria-live', 'polite');
  // What is said twice is heard twice.
  const say = (text: string) => {
    live.textContent = live.textContent === text ? `${text}\u200b` : text;
  };
  const ended: (() => void)[] = [];
  const s = (session = new Session(host, draft, say, () => {
    session = null;
    ended.forEach((f) => f());
    undress(host.el);
    place.replaceChildren();
  }));
  const doing = {
    save: () => void import('./save.tsx').then((m) => m.openSave(s)),
    json: () => void import('./json.tsx').then((m) => m.openJson(s)),
    settings: () => void import('./settings/open.tsx').then((m) => m.openSettings(host, draft)),
  };
  const shown = place.appendChild(document.createElement('div'));
  shown.className = 'eg-place';
  ended.push(bar(shown, s, doing), tiles(s, offer), keys(s, doing.save));
  host.draft = draft;
  // JSON that had to be made sound is shown as it is now.
  if (loaded && JSON.stringify(draft.json) !== JSON.stringify(loaded.json)) await host.follow(false);
  else {
    dress(host.el);
    s.arrived();
  }
  take(s);
  place.dataset.ready = '1';
}
