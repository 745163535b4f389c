/** A list whose entries can be moved up and down, and taken away. */
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import up from 'icon:chevron-up';
import down from 'icon:chevron-down';
import bin from 'icon:trash-2';
import { IconButton } from './icon.tsx';
import { t } from './words.ts';

export interface ReorderProps<T> {
    items: readonly T[];
    /** Its name, for the buttons. */
    named: (item: T, at: number) => string;
    onChange: (items: T[]) => void;
    /** What tells entries apart when they move; their place, unless it says. */
    id?: (item: T, at: number) => string;
    /** Buttons beside those for moving. */
    beside?: (item: T, at: number) => ComponentChildren;
    /** The first line of an entry; its name, unless it says. */
    head?: (item: T, at: number) => ComponentChildren;
    /** Entries stay: they only move. */
    fixed?: boolean;
    children: (item: T, at: number) => ComponentChildren;
}

export function Reorder<T>({ items, named, onChange, id, beside, head, fixed, children }: ReorderProps<T>) {
    const list = useRef<HTMLOListElement>(null);
    const [said, say] = useState('');
    const move = (from: number, to: number) => {
        const next = [...items],
            [one] = next.splice(from, 1);
        if (one === undefined) return;
        next.splice(to, 0, one);
        onChange(next);
        say(t('{} is now at place {} of {}.', named(one, from), to + 1, items.length));
        // The button goes along with what it moved.
        requestAnimationFrame(() => {
            const buttons = list.current?.children[to]?.querySelectorAll<HTMLButtonElement>(':scope > .ed-item-head .ed-move');
            (buttons?.[to < from ? 0 : 1]?.disabled ? buttons[to < from ? 1 : 0] : buttons?.[to < from ? 0 : 1])?.focus();
        });
    };
    return (
        <>
            <ol class="ed-items" ref={list}>
                {items.map((item, at) => (
                    <li key={id?.(item, at) ?? at} class="ed-item">
                        <div class="ed-item-head">
                            {head ? head(item, at) : <b class="ell">{named(item, at)}</b>}
                            <span class="grow" />
                            {beside?.(item, at)}
                            <IconButton
                                svg={up}
                                class="ed-move"
                                label={t('Move {} up', named(item, at))}
                                off={at === 0}
                                onPress={() => move(at, at - 1)}
                            />
                            <IconButton
                                svg={down}
                                class="ed-move"
                                label={t('Move {} down', named(item, at))}
                                off={at === items.length - 1}
                                onPress={() => move(at, at + 1)}
                            />
                            {!fixed && (
                                <IconButton
                                    svg={bin}
                                    bad
                                    label={t('Remove {}', named(item, at))}
                                    onPress={() => {
                                        onChange(items.filter((_, i) => i !== at));
                                        list.current?.parentElement?.closest<HTMLElement>('[tabindex], [role="tabpanel"]')?.focus();
                                    }}
                                />
                            )}
                        </div>
                        {children(item, at)}
                    </li>
                ))}
            </ol>
            <span class="vh" role="status">
                {said}
            </span>
        </>
    );
}
