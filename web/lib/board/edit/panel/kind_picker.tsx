/** Which type a panel has: a list of all with icons. */
import { useEffect, useId, useRef } from 'preact/hooks';
import chevron from 'icon:chevron-down';
import { Icon } from '../parts/icon.tsx';
import { t } from '../../../words.ts';
import { ICONS } from './kind_icons.ts';
import { KINDS } from './kinds.ts';
import { useWork } from './work.ts';

export function KindPicker() {
    const work = useWork(),
        id = useId(),
        menu = useRef<HTMLDivElement>(null),
        button = useRef<HTMLButtonElement>(null);
    const now = KINDS.find((one) => one.id === work.kind);
    useEffect(() => {
        const at = menu.current;
        // Menus are placed by the page.
        const opened = (e: Event) => {
            if ((e as ToggleEvent).newState === 'open') at?.querySelector<HTMLElement>('[aria-pressed="true"], button')?.focus();
        };
        at?.addEventListener('toggle', opened);
        return () => at?.removeEventListener('toggle', opened);
    }, []);
    const step = (e: KeyboardEvent) => {
        const all = [...(menu.current?.querySelectorAll('button') ?? [])],
            here = all.indexOf(document.activeElement as HTMLButtonElement);
        const next = e.key === 'ArrowDown' ? here + 1 : e.key === 'ArrowUp' ? here - 1 : null;
        if (e.key === 'Escape') e.stopPropagation();
        if (next === null) return;
        e.preventDefault();
        all[(next + all.length) % all.length]?.focus();
    };
    return (
        <>
            <button type="button" class="btn" ref={button} popovertarget={id} aria-haspopup="dialog">
                {now && <Icon svg={ICONS[now.id]} />}
                <span class="vh">{t('Type of the panel')}: </span>
                {now ? t(now.label) : (work.panel?.type ?? '')}
                <Icon svg={chevron} />
            </button>
            <div
                class="menu list pe-kinds"
                popover="auto"
                id={id}
                ref={menu}
                role="dialog"
                aria-label={t('Type of the panel')}
                onKeyDown={step}
            >
                {KINDS.map((one) => (
                    <button
                        key={one.id}
                        type="button"
                        aria-pressed={one.id === work.kind}
                        onClick={() => {
                            menu.current?.hidePopover();
                            button.current?.focus();
                            work.turn(one.id);
                        }}
                    >
                        <Icon svg={ICONS[one.id]} />
                        <span>
                            <b>{t(one.label)}</b>
                            <small>{t(one.words)}</small>
                        </span>
                    </button>
                ))}
            </div>
        </>
    );
}
