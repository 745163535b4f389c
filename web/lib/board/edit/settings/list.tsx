/** Things that a dashboard has in order: a list to pick from, move in and add to, and the form of the one that is open. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import back from 'icon:chevron-left';
import copy from 'icon:copy';
import plus from 'icon:plus';
import { Icon, IconButton } from '../parts/icon.tsx';
import { Modal } from '../parts/modal.tsx';
import { Reorder } from '../parts/reorder.tsx';
import { t } from './words.ts';

export interface ListedProps<T> {
    items: T[];
    /** Its name for people. */
    named: (one: T) => string;
    /** One line of the list. */
    row: (one: T, at: number) => ComponentChildren;
    form: (one: T, at: number) => ComponentChildren;
    /** A sentence where there is nothing. */
    empty: string;
    /** The words of the button. */
    add: string;
    onAdd: () => void;
    onCopy: (at: number) => void;
    onMove: (items: T[]) => void;
    onRemove: (at: number) => void;
    /** Why somebody may not want to remove it, in a sentence; empty for nothing. */
    warn?: (one: T) => string;
}

export function Listed<T>({ items, named, row, form, empty, add, onAdd, onCopy, onMove, onRemove, warn }: ListedProps<T>) {
    const [open, setOpen] = useState<number | null>(null),
        [asked, ask] = useState<number | null>(null);
    const root = useRef<HTMLDivElement>(null),
        came = useRef<number | null>(null);
    const one = open === null ? undefined : items[open];
    // Into the form that opened, and back to the line it came from; at once, so that no key goes astray.
    useLayoutEffect(() => {
        if (open !== null) root.current?.querySelector<HTMLElement>('.es-form input, .es-form select')?.focus();
        else if (came.current !== null)
            (
                root.current?.querySelectorAll<HTMLElement>('.es-row')[came.current] ?? root.current?.querySelector<HTMLElement>('.es-add')
            )?.focus();
        came.current = open;
    }, [open]);
    const remove = (at: number) => {
        ask(null);
        onRemove(at);
        setOpen(null);
    };
    const wanted = asked === null ? undefined : items[asked];
    return (
        <div ref={root} class="es-list">
            {one !== undefined && open !== null ? (
                <>
                    <div class="es-head">
                        <button type="button" class="btn g sm" onClick={() => setOpen(null)}>
                            <Icon svg={back} flip />
                            {t('All of them')}
                        </button>
                        <b class="ell">
                            <bdi>{named(one)}</bdi>
                        </b>
                        <span class="grow" />
                        <button type="button" class="btn g sm bad" onClick={() => (warn?.(one) ? ask(open) : remove(open))}>
                            {t('Remove')}
                        </button>
                    </div>
                    <div class="es-form" key={open}>
                        {form(one, open)}
                    </div>
                </>
            ) : (
                <>
                    {!items.length && <p class="dim es-none">{empty}</p>}
                    <Reorder
                        items={items}
                        named={named}
                        beside={(item, at) => (
                            <IconButton
                                svg={copy}
                                label={t('Copy {}', named(item))}
                                onPress={() => {
                                    onCopy(at);
                                    setOpen(at + 1);
                                }}
                            />
                        )}
                        head={(item, at) => (
                            <button type="button" class="es-row" onClick={() => setOpen(at)}>
                                {row(item, at)}
                            </button>
                        )}
                        onChange={(next) => {
                            if (next.length === items.length) onMove(next);
                            else {
                                const at = items.findIndex((item) => !next.includes(item)),
                                    gone = items[at];
                                if (gone !== undefined) {
                                    if (warn?.(gone)) ask(at);
                                    else onRemove(at);
                                }
                            }
                        }}
                    >
                        {() => null}
                    </Reorder>
                    <button
                        type="button"
                        class="btn es-add"
                        onClick={() => {
                            onAdd();
                            setOpen(items.length);
                        }}
                    >
                        <Icon svg={plus} />
                        {add}
                    </button>
                </>
            )}
            {asked !== null && wanted !== undefined && (
                <Modal
                    title={t('Remove {}?', named(wanted))}
                    onClose={() => ask(null)}
                    foot={
                        <>
                            <button type="button" class="btn" onClick={() => ask(null)}>
                                {t('Keep it')}
                            </button>
                            <button type="button" class="btn bad p" onClick={() => remove(asked)}>
                                {t('Remove')}
                            </button>
                        </>
                    }
                >
                    <p>{warn?.(wanted)}</p>
                </Modal>
            )}
        </div>
    );
}
