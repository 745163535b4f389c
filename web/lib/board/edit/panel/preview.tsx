/** The panel as it will be, drawn of the draft by the server: what is asked for anew is what changed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import * as page from '../../../page_range.ts';
import { isLive } from '../../../range.ts';
import { onTheme } from '../../../theme.ts';
import { t } from '../../../words.ts';
import type { Batch } from '../../batch.ts';
import type { Answer, TimeData } from '../../data.ts';
import type { Slot } from '../../slot.ts';
import type { Host } from '../host.ts';
import type { PanelJson } from '../draft.ts';
import { alone, asTable, asked } from './turn.ts';
import { useWork, type Fared } from './work.ts';

/** After the last change this long nothing is asked. */
const CALM_MS = 300;
const HEIGHT = { least: 120, most: 900 };

export function Preview({ host, isTable, onFared }: { host: Host; isTable: boolean; onFared: (fared: Map<string, Fared>) => void }) {
    const work = useWork(),
        panel = work.panel,
        at = useRef<HTMLElement>(null);
    const [height, setHeight] = useState(() => Math.round(Math.min(380, Math.max(200, innerHeight * 0.36))));
    const shown: PanelJson | undefined = panel && (isTable ? asTable(panel) : panel);
    const is = shown ? asked(work.draft.json, shown) : '',
        key = useRef(is),
        now = useRef(shown);
    key.current = is;
    now.current = shown;
    /** What was asked for at once, before it was calm. */
    const ran = useRef('');
    const live = useRef<{ slot: Slot; batch: Batch } | null>(null);

    useEffect(() => {
        const el = at.current;
        if (!el) return;
        let known = new Map<string, Fared>();
        const slot = new host.makes.Slot(el, () => false),
            take = slot.take.bind(slot);
        slot.take = (answer) => {
            take(answer);
            // What is the same as before fared as it did.
            if (!answer.same) {
                const fared = faring(answer);
                if (!answer.error) known = fared;
                onFared(fared);
            } else onFared(known);
        };
        const batch = new host.makes.Batch(
            host.el.dataset.src ?? '',
            () => [slot],
            () => now.current && alone(work.draft.json, now.current),
        );
        live.current = { slot, batch };
        slot.seen(true);
        const again = () => batch.changed(),
            redraw = () => slot.redraw();
        const refresh = () => {
            if (!batch.isRunning && isLive(page.get())) batch.changed();
        };
        // A press of the button also asks for ranges that stand still.
        const pressed = (e: MouseEvent) => {
            if ((e.target as Element).closest('[data-act="refresh"]')) batch.changed(true);
        };
        work.run = () => {
            ran.current = key.current;
            batch.changed(true);
        };
        const zone = () => {
            redraw();
            again();
        };
        addEventListener('ph:range', again);
        addEventListener('ph:refresh', refresh);
        addEventListener('ph:zone', zone);
        addEventListener('popstate', again);
        document.addEventListener('click', pressed, true);
        const theme = onTheme(redraw);
        // Another size is another picture for what the server draws.
        let timer = 0,
            size = `${slot.body.clientWidth} ${slot.body.clientHeight}`;
        const sized = new ResizeObserver(() => {
            const next = `${slot.body.clientWidth} ${slot.body.clientHeight}`;
            if (next === size) return;
            size = next;
            clearTimeout(timer);
            timer = window.setTimeout(again, CALM_MS);
        });
        sized.observe(slot.body);
        return () => {
            removeEventListener('ph:range', again);
            removeEventListener('ph:refresh', refresh);
            removeEventListener('ph:zone', zone);
            removeEventListener('popstate', again);
            document.removeEventListener('click', pressed, true);
            theme();
            clearTimeout(timer);
            sized.disconnect();
            work.run = () => undefined;
            batch.stop();
            slot.destroy();
            live.current = null;
        };
    }, []);
    const first = useRef(true);
    useEffect(() => {
        if (first.current) {
            first.current = false;
            live.current?.batch.changed();
            return;
        }
        const timer = setTimeout(() => {
            if (ran.current !== is) live.current?.batch.changed();
            ran.current = '';
        }, CALM_MS);
        return () => clearTimeout(timer);
    }, [is]);
    // Without variables the title is what is typed; else the server says it.
    const title = panel?.title ?? '';
    useEffect(() => {
        const head = at.current?.querySelector('h2');
        if (head && !/\$|\[\[/.test(title)) head.textContent = title;
        at.current?.classList.toggle('untitled', !title);
    }, [title]);

    const size = (by: number) => setHeight((before) => Math.max(HEIGHT.least, Math.min(HEIGHT.most, before + by)));
    return (
        <div class="pe-preview" style={{ height: `${height}px` }}>
            <section
                class={panel?.transparent ? 'panel gp bare' : 'panel gp'}
                ref={at}
                data-key={String(work.id)}
                data-kind=""
                aria-label={t('Preview')}
            >
                <header>
                    <h2 dir="auto" />
                    <span class="meta" data-note />
                </header>
                <div class="gp-body" />
            </section>
            <div
                class="pe-size"
                role="separator"
                tabIndex={0}
                aria-orientation="horizontal"
                aria-label={t('Height of the preview')}
                aria-valuenow={height}
                aria-valuemin={HEIGHT.least}
                aria-valuemax={HEIGHT.most}
                onKeyDown={(e) => {
                    const by = e.key === 'ArrowDown' ? 20 : e.key === 'ArrowUp' ? -20 : 0;
                    if (by) {
                        e.preventDefault();
                        size(by);
                    }
                }}
                onPointerDown={(e) => {
                    const bar = e.currentTarget;
                    let y = e.clientY;
                    bar.setPointerCapture(e.pointerId);
                    bar.onpointermove = (move) => {
                        size(move.clientY - y);
                        y = move.clientY;
                    };
                    bar.onpointerup = bar.onpointercancel = () => {
                        bar.onpointermove = null;
                    };
                }}
            />
        </div>
    );
}

/** How each query fared: of charts how many series, and what went wrong. */
function faring(answer: Answer): Map<string, Fared> {
    const found = new Map<string, Fared>(),
        of = (letter: string): Fared => {
            const one = found.get(letter) ?? {};
            found.set(letter, one);
            return one;
        };
    if (answer.kind === 'time')
        for (const series of (answer.data as TimeData | undefined)?.series ?? [])
            if (series.q) {
                const one = of(series.q);
                one.series = (one.series ?? 0) + 1;
            }
    const error = answer.error as { text: string; ref?: string; start?: number; end?: number } | undefined;
    if (error?.ref)
        of(error.ref).problem = {
            message: said(error.text, error.start !== undefined),
            ...(error.start === undefined ? {} : { start: error.start }),
            ...(error.end === undefined ? {} : { end: error.end }),
        };
    for (const note of answer.notes ?? []) {
        const named = /^([A-Za-z0-9_]{1,20}): (.*)$/s.exec(note);
        if (named?.[1] && named[2]) of(named[1]).problem = { message: said(named[2], false) };
    }
    return found;
}
/** A place in the query with its variables filled in says nothing to whoever sees it without. */
const said = (text: string, isPlaced: boolean): string =>
    (isPlaced ? text : text.replace(/^\d+:\d+: /, '')).replace(/^(\d+:\d+: )?parse error: /, '');
