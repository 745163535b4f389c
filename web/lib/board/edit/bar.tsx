/** The bar of editing: adding, steps back, settings, JSON, saving; and what an empty dashboard says. */
import braces from 'icon:braces';
import chevron from 'icon:chevron-down';
import history from 'icon:history';
import paste from 'icon:clipboard-paste';
import plus from 'icon:plus';
import redo from 'icon:redo-2';
import row from 'icon:rows-3';
import settings from 'icon:settings';
import undo from 'icon:undo-2';
import disk from 'icon:save';
import { render } from 'preact';
import { useEffect, useReducer } from 'preact/hooks';
import { t } from '../../words.ts';
import * as acts from './acts.ts';
import { copied } from './clip.ts';
import { ICONS } from './panel/kind_icons.ts';
import { KINDS, type Kind } from './panel/kinds.ts';
import { Icon } from './parts/icon.tsx';
import type { Session } from './session.ts';

const MENU = 'eg-add';

export interface Doing {
    save: () => void;
    json: () => void;
    settings: () => void;
}

/** Into which row the menu adds; 0 for above all rows. */
let into = 0;

/** Opens the menu of panels under a button. */
export function offer(button: HTMLElement, to = 0): void {
    const menu = document.getElementById(MENU);
    if (!menu) return;
    into = to;
    menu.querySelectorAll<HTMLElement>('[data-whole]').forEach((el) => {
        el.hidden = to !== 0;
    });
    menu.showPopover();
    menu.classList.add('placed');
    const at = button.getBoundingClientRect(),
        rtl = getComputedStyle(menu).direction === 'rtl',
        wanted = rtl ? at.right - menu.offsetWidth : at.left;
    menu.style.top = `${Math.max(8, Math.min(at.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
    menu.style.left = `${Math.max(8, Math.min(innerWidth - menu.offsetWidth - 8, wanted))}px`;
    menu.querySelector<HTMLElement>('button')?.focus();
}

function Menu({ s }: { s: Session }) {
    // What was copied may have changed since.
    const [, again] = useReducer((count: number) => count + 1, 0);
    const close = () => document.getElementById(MENU)?.hidePopover(),
        step = (e: KeyboardEvent) => {
            const all = [...(e.currentTarget as Element).querySelectorAll<HTMLElement>('button, a')].filter((el) => !el.hidden),
                at = all.indexOf(document.activeElement as HTMLElement),
                by = e.key === 'ArrowDown' ? 2 : e.key === 'ArrowUp' ? -2 : e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
            if (!by) return;
            e.preventDefault();
            const way = Math.abs(by) === 1 && getComputedStyle(e.currentTarget as Element).direction === 'rtl' ? -by : by;
            all[Math.min(all.length - 1, Math.max(0, at + way))]?.focus();
        };
    const done = (f: () => void) => () => {
        close();
        f();
    };
    return (
        <div
            id={MENU}
            class="menu list eg-add"
            popover="auto"
            aria-label={t('Add')}
            onKeyDown={step}
            onBeforeToggle={() => again(undefined)}
        >
            {KINDS.map((kind) => (
                <button key={kind.id} title={t(kind.words)} onClick={done(() => acts.add(s, kind.id, into || undefined))}>
                    <Icon svg={ICONS[kind.id]} />
                    <span>{t(kind.label)}</span>
                </button>
            ))}
            <hr data-whole />
            <button data-whole onClick={done(() => acts.addRow(s))}>
                <Icon svg={row} />
                <span>{t('Row')}</span>
            </button>
            <button data-whole disabled={!copied()} onClick={done(() => acts.paste(s))}>
                <Icon svg={paste} />
                <span>{copied() ? t('Paste “{}”', copied()?.title || t('without a title')) : t('Paste a panel')}</span>
            </button>
        </div>
    );
}

function First({ s }: { s: Session }) {
    const usual: Kind[] = ['timeseries', 'stat', 'table', 'logs', 'text'],
        all = KINDS.filter((kind) => usual.includes(kind.id));
    return (
        <section class="eg-first">
            <b>{t('Add your first panel')}</b>
            <p>
                {t('A panel shows the answer of a query, as lines, a number, a table or log lines. Choose one; its editor opens at once.')}
            </p>
            <div>
                {all.map((kind) => (
                    <button key={kind.id} class="btn" title={t(kind.words)} onClick={() => acts.add(s, kind.id)}>
                        <Icon svg={ICONS[kind.id]} />
                        {t(kind.label)}
                    </button>
                ))}
                <button class="btn g" onClick={(e) => offer(e.currentTarget)}>
                    {t('All kinds')}
                    <Icon svg={chevron} />
                </button>
            </div>
            {s.isNew && (
                <p>
                    {t('Or bring one in:')}{' '}
                    <a class="link" href="/d/import">
                        {t('import a dashboard')}
                    </a>
                </p>
            )}
        </section>
    );
}

const CTRL = typeof navigator !== 'undefined' && /Mac|iP/.test(navigator.platform) ? '⌘' : 'Ctrl ';

function Bar({ s, doing }: { s: Session; doing: Doing }) {
    const [, again] = useReducer((count: number) => count + 1, 0);
    useEffect(() => s.on(() => again(undefined)), [s]);
    const { draft } = s,
        dirty = draft.isDirty,
        uid = draft.kept.uid;
    return (
        <>
            <div class="eg-bar" role="group" aria-label={t('Change the dashboard')}>
                <button class="btn sm" aria-haspopup="menu" onClick={(e) => offer(e.currentTarget)}>
                    <Icon svg={plus} />
                    {t('Add')}
                    <Icon svg={chevron} />
                </button>
                <span class="sep" />
                <button
                    class="btn g sm sq"
                    aria-disabled={draft.undoes === null}
                    title={draft.undoes === null ? t('Nothing to undo') : `${t('Undo: {}', draft.undoes)} (${CTRL}Z)`}
                    aria-label={t('Undo')}
                    onClick={() => s.back('undo')}
                >
                    <Icon svg={undo} flip />
                </button>
                <button
                    class="btn g sm sq"
                    aria-disabled={draft.redoes === null}
                    title={draft.redoes === null ? t('Nothing to redo') : t('Redo: {}', draft.redoes)}
                    aria-label={t('Redo')}
                    onClick={() => s.back('redo')}
                >
                    <Icon svg={redo} flip />
                </button>
                <span class="sep" />
                <button class="btn g sm" onClick={doing.settings}>
                    <Icon svg={settings} />
                    {t('Settings')}
                </button>
                <button class="btn g sm" onClick={doing.json}>
                    <Icon svg={braces} />
                    JSON
                </button>
                {uid && (
                    <a class="btn g sm" href={`/d/${encodeURIComponent(uid)}/${location.pathname.split('/')[3] ?? '-'}/versions`}>
                        <Icon svg={history} />
                        {t('History')}
                    </a>
                )}
                <span class="grow" />
                <span class="eg-state" role="status">
                    {dirty && (
                        <>
                            <i class="dot" />
                            {t('Unsaved changes')}
                        </>
                    )}
                </span>
                {dirty || s.isNew ? (
                    <button class="btn g sm" onClick={() => void s.discard()}>
                        {t('Discard')}
                    </button>
                ) : (
                    <button class="btn sm" onClick={() => void s.leave()}>
                        {t('Done')}
                    </button>
                )}
                <button class="btn p sm" disabled={!dirty && !s.isNew} title={`${CTRL}S`} onClick={doing.save}>
                    <Icon svg={disk} />
                    {t('Save')}
                </button>
            </div>
            <Menu s={s} />
            {draft.json.panels.length === 0 && !s.isOpen && <First s={s} />}
        </>
    );
}

/** Draws the bar; returns how to take it away. */
export function bar(place: HTMLElement, s: Session, doing: Doing): () => void {
    render(<Bar s={s} doing={doing} />, place);
    return () => render(null, place);
}
