/** The editor of a panel, over the page of its dashboard. */
import { render } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import back from 'icon:chevron-left';
import undo from 'icon:undo-2';
import redo from 'icon:redo-2';
import search from 'icon:search';
import type { Host } from '../host.ts';
import type { Draft } from '../draft.ts';
import { Tabs, type Tab } from '../parts/choose.tsx';
import { Icon, IconButton } from '../parts/icon.tsx';
import { learn, t } from '../../../words.ts';
import { Naming } from './edit.tsx';
import { KindPicker } from './kind_picker.tsx';
import { asks, isOlder, KINDS, type Kind } from './kinds.ts';
import { fieldNames } from './names.ts';
import { Options } from './options.tsx';
import { Overrides } from './overrides.tsx';
import { list } from './path.ts';
import { Preview } from './preview.tsx';
import { Queries } from './queries.tsx';
import { allUnits } from './reducers.ts';
import { Transforms } from './transforms.tsx';
import { Work, Working, type Fared } from './work.ts';

await learn({ ar: () => import('../../../../lang/ar_edit_panel.ts') });

/** It is closed after this long even if the page did not come along. */
const LEFT_MS = 2_500;

/** Opens the editor of a panel; returns how to close it. Closing leads back to editing the dashboard. */
export function openPanel(host: Host, draft: Draft, id: number): () => void {
    const at = document.createElement('div'),
        before = document.activeElement as HTMLElement | null;
    at.className = 'pe';
    at.tabIndex = -1;
    at.setAttribute('role', 'region');
    at.setAttribute('aria-label', t('Editor of a panel'));
    host.el.after(at);
    document.documentElement.dataset.panelEditor = '';
    let isOpen = true;
    /** The page without the editor; null where its URL says that already. */
    const without = (): string | null => {
        const url = new URL(location.href);
        if (url.searchParams.get('edit') !== `panel-${id}`) return null;
        url.searchParams.set('edit', '1');
        return url.href;
    };
    const close = () => {
        if (!isOpen) return;
        isOpen = false;
        render(null, at);
        at.remove();
        delete document.documentElement.dataset.panelEditor;
        const href = without();
        if (href) host.go(href);
        if (before?.isConnected) before.focus();
    };
    /** The page goes back and closes it when it is there; without a server that does not happen. */
    const leave = () => {
        const href = without();
        if (href) {
            host.go(href);
            setTimeout(close, LEFT_MS);
        } else close();
    };
    render(<Editor host={host} work={new Work(draft, id)} onClose={leave} />, at);
    scrollTo({ top: 0 });
    at.focus({ preventScroll: true });
    return close;
}

/** Whether keys belong to what is typed in. */
const isTyping = (target: EventTarget | null): boolean =>
    target instanceof Element &&
    !!target.closest('input:not([type="checkbox"], [type="color"]), textarea, select, [contenteditable="true"], dialog');

function Editor({ host, work, onClose }: { host: Host; work: Work; onClose: () => void }) {
    const [, again] = useState(0),
        draft = work.draft,
        panel = work.panel,
        kind = work.kind;
    const [fared, setFared] = useState<Map<string, Fared>>(new Map()),
        [isTable, setTable] = useState(false),
        [found, find] = useState('');
    const [tab, setTab] = useState(asks(kind) ? 'query' : 'look');
    // Units are a list that is long on its way; it is there when somebody looks for one.
    useEffect(() => {
        void allUnits();
    }, []);
    useEffect(() => draft.on(() => again((count) => count + 1)), [draft]);
    // Without the server an older panel is edited as what it is.
    useEffect(
        () =>
            void work.modernise().then(
                (is) => {
                    if (is) again((count) => count + 1);
                },
                () => undefined,
            ),
        [work],
    );
    useEffect(() => {
        const press = (e: KeyboardEvent) => {
            const key = e.key.toLowerCase(),
                isStep = (e.ctrlKey || e.metaKey) && !e.altKey && (key === 'z' || key === 'y');
            if (isStep && !isTyping(e.target)) {
                e.preventDefault();
                if (key === 'y' || e.shiftKey) draft.redo();
                else draft.undo();
            } else if (
                e.key === 'Escape' &&
                !e.defaultPrevented &&
                !isTyping(e.target) &&
                !document.querySelector(':popover-open, dialog[open]')
            ) {
                e.preventDefault();
                onClose();
            }
        };
        // Keys of the dashboard behind would change what is out of sight.
        const hold = (e: KeyboardEvent) => {
            if (!e.ctrlKey && !e.metaKey && !e.altKey && /^[eksv]$/.test(e.key) && !isTyping(e.target)) e.stopPropagation();
        };
        document.addEventListener('keydown', press);
        document.addEventListener('keydown', hold, true);
        return () => {
            document.removeEventListener('keydown', press);
            document.removeEventListener('keydown', hold, true);
        };
    }, []);
    const naming = useMemo(() => (steps?: number) => fieldNames(work, host, steps), [work, host]);
    if (!panel)
        return (
            <div class="panel">
                <div class="empty mid">
                    <b>{t('This panel is no longer there.')}</b>
                    <button type="button" class="btn" onClick={onClose}>
                        {t('Back to the dashboard')}
                    </button>
                </div>
            </div>
        );
    const tabs = tabsOf(kind, work),
        now = tabs.some((one) => one.id === tab) ? tab : (tabs[0]?.id ?? 'look');
    return (
        <Working.Provider value={work}>
            <Naming.Provider value={naming}>
                <div class="pe-top">
                    <button type="button" class="btn" onClick={onClose}>
                        <Icon svg={back} flip />
                        {t('Back to the dashboard')}
                    </button>
                    <KindPicker />
                    {asks(kind) && (
                        <label class="tick pe-table">
                            <input type="checkbox" role="switch" checked={isTable} onChange={(e) => setTable(e.currentTarget.checked)} />
                            {t('As a table')}
                        </label>
                    )}
                    <span class="grow" />
                    <IconButton
                        svg={undo}
                        class="flip"
                        label={draft.undoes ? t('Undo: {}', draft.undoes) : t('Undo')}
                        off={draft.undoes === null}
                        onPress={() => draft.undo()}
                    />
                    <IconButton
                        svg={redo}
                        class="flip"
                        label={draft.redoes ? t('Redo: {}', draft.redoes) : t('Redo')}
                        off={draft.redoes === null}
                        onPress={() => draft.redo()}
                    />
                    <button type="button" class="btn g" disabled={!work.isChanged} onClick={() => work.discard()}>
                        {t('Discard changes')}
                    </button>
                </div>
                {work.isOlder && (
                    <div class="notice info" role="status">
                        <span>
                            {t(
                                'This panel has an older form. What you change is kept in the form of today; undo brings the older one back.',
                            )}
                        </span>
                    </div>
                )}
                {isOlder(panel.type) && (
                    <div class="notice warn" role="status">
                        <span>
                            {t(
                                'This panel has an older type. It is drawn as {}; choose a type to edit its options. What only the old type had goes then.',
                                t(KINDS.find((one) => one.id === kind)?.label ?? ''),
                            )}
                        </span>
                    </div>
                )}
                <Preview host={host} isTable={isTable && asks(kind)} onFared={setFared} />
                <div class="panel pe-options">
                    <Tabs
                        label={t('Parts of the panel')}
                        tabs={tabs}
                        value={found ? '' : now}
                        onChange={(id) => {
                            find('');
                            setTab(id);
                        }}
                        beside={
                            <span class="search">
                                <Icon svg={search} />
                                <input
                                    class="in sm"
                                    type="search"
                                    placeholder={t('Find an option')}
                                    aria-label={t('Find an option')}
                                    autocomplete="off"
                                    maxLength={100}
                                    value={found}
                                    onInput={(e) => find(e.currentTarget.value)}
                                    onKeyDown={(e) => {
                                        if (e.key === 'Escape' && found) {
                                            e.preventDefault();
                                            find('');
                                        }
                                    }}
                                />
                            </span>
                        }
                    >
                        {kind &&
                            (found ? <Options kind={kind} search={found} /> : <Part tab={now} kind={kind} fared={fared} naming={naming} />)}
                        {!kind && <p class="faint pe-none">{t('Panels of this type are not drawn. Choose another type.')}</p>}
                    </Tabs>
                </div>
            </Naming.Provider>
        </Working.Provider>
    );
}

function Part({
    tab,
    kind,
    fared,
    naming,
}: {
    tab: string;
    kind: Kind;
    fared: Map<string, Fared>;
    naming: (steps?: number) => Promise<string[]>;
}) {
    switch (tab) {
        case 'query':
            return <Queries fared={fared} />;
        case 'transform':
            return <Transforms naming={naming} />;
        case 'overrides':
            return <Overrides />;
        case 'thresholds':
        case 'links':
            return <Options kind={kind} tab={tab} />;
        default:
            return <Options kind={kind} tab="look" />;
    }
}

function tabsOf(kind: Kind | null, work: Work): Tab[] {
    const count = (path: string) => list(work.get(path)).length;
    const look: Tab = { id: 'look', label: t('Look') },
        links: Tab = { id: 'links', label: t('Links'), count: count('links') + count('fieldConfig.defaults.links') };
    if (!asks(kind)) return kind ? [look, links] : [look];
    const values: Tab[] =
        kind === 'logs' || kind === 'heatmap' || kind === 'histogram'
            ? []
            : [{ id: 'thresholds', label: t('Thresholds'), count: count('fieldConfig.defaults.mappings') }];
    return [
        { id: 'query', label: t('Query'), count: count('targets') },
        { id: 'transform', label: t('Transform'), count: count('transformations') },
        look,
        ...values,
        ...(kind === 'logs' ? [] : [{ id: 'overrides', label: t('Overrides'), count: count('fieldConfig.overrides') }]),
        links,
    ];
}
