/** A field for a colour: Grafana's names, pharos' own palette, or any as `#rrggbb`. */
import { useEffect, useId, useRef } from 'preact/hooks';
import { Field, type Said } from './field.tsx';
import { t } from './words.ts';

/** Grafana's hues, each from dark to light. */
const HUES: [string, string[]][] = [
    ['green', ['#37872d', '#56a64b', '#73bf69', '#96d98d', '#c8f2c2']],
    ['yellow', ['#e0b400', '#f2cc0c', '#fade2a', '#ffee52', '#fff899']],
    ['orange', ['#fa6400', '#ff780a', '#ff9830', '#ffb357', '#ffcb7d']],
    ['red', ['#c4162a', '#e02f44', '#f2495c', '#ff7383', '#ffa6b0']],
    ['blue', ['#1f60c4', '#3274d9', '#5794f2', '#8ab8ff', '#c0d8ff']],
    ['purple', ['#8f3bb8', '#a352cc', '#b877d9', '#ca95e5', '#deb6f2']],
];
const SHADES = ['dark-', 'semi-dark-', '', 'light-', 'super-light-'];
/** Names that are drawn in pharos' own tokens. */
const OURS: Record<string, string> = { green: 'ok', yellow: 'warn', red: 'crit', blue: 'info', purple: 'c7' };
const PALETTE = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8'];

/** How a colour of Grafana's JSON looks here, as CSS. */
export function shown(colour: string): string {
    const name = colour.trim().toLowerCase();
    if (name === 'transparent' || name === '') return 'transparent';
    if (name === 'text' || PALETTE.includes(name) || ['ok', 'warn', 'crit', 'info'].includes(name)) return `var(--${name})`;
    const plain = OURS[name.replace(/^semi-dark-/, '')];
    if (plain) return `var(--${plain})`;
    for (const [hue, shades] of HUES) {
        const at = SHADES.findIndex((shade) => shade + hue === name);
        if (at >= 0) return shades[at] ?? '';
    }
    return CSS.supports('color', colour) ? colour : 'transparent';
}

const all = [...HUES.flatMap(([hue]) => SHADES.map((shade) => shade + hue)), ...PALETTE, 'text', 'transparent'];
const isColour = (text: string): boolean =>
    all.includes(text.trim().toLowerCase()) ||
    (/^(#|rgb)/i.test(text.trim()) && CSS.supports('color', text.trim())) ||
    CSS.supports('color', text.trim());

export function ColourField({ value, onChange, error, ...said }: Said & { value: string; onChange: (value: string) => void }) {
    const id = useId(),
        menu = useRef<HTMLDivElement>(null),
        button = useRef<HTMLButtonElement>(null);
    useEffect(() => {
        const at = menu.current;
        // Menus are placed by the page.
        const opened = (e: Event) => {
            if ((e as ToggleEvent).newState === 'open') at?.querySelector<HTMLElement>('[aria-pressed="true"], button')?.focus();
        };
        at?.addEventListener('toggle', opened);
        return () => at?.removeEventListener('toggle', opened);
    }, []);
    const swatch = (name: string) => (
        <button
            key={name}
            type="button"
            class="ed-swatch"
            style={{ background: shown(name) }}
            aria-pressed={name === value}
            aria-label={name}
            title={name}
            onClick={() => {
                onChange(name);
                menu.current?.hidePopover();
                button.current?.focus();
            }}
        />
    );
    return (
        <Field {...said} error={error ?? (value && !isColour(value) ? t('“{}” is no colour.', value) : undefined)}>
            {(named) => (
                <span class="ed-colour">
                    <button
                        type="button"
                        ref={button}
                        class="ed-swatch"
                        style={{ background: shown(value) }}
                        popovertarget={id}
                        aria-haspopup="dialog"
                        aria-label={t('Choose a colour for {}', said.label)}
                    />
                    <input
                        {...named}
                        class="in mono"
                        dir="ltr"
                        maxLength={60}
                        autocomplete="off"
                        spellcheck={false}
                        value={value}
                        onInput={(e) => onChange(e.currentTarget.value)}
                    />
                    <div
                        class="menu ed-colours"
                        popover="auto"
                        id={id}
                        ref={menu}
                        role="dialog"
                        aria-label={said.label}
                        onKeyDown={(e) => {
                            if (e.key === 'Escape') e.stopPropagation();
                        }}
                    >
                        {HUES.map(([hue]) => (
                            <div key={hue}>{SHADES.map((shade) => swatch(shade + hue))}</div>
                        ))}
                        <div class="all">
                            {PALETTE.map(swatch)}
                            {swatch('text')}
                            {swatch('transparent')}
                        </div>
                        <label class="ed-own">
                            <span>{t('Another one')}</span>
                            <input
                                type="color"
                                value={/^#[0-9a-f]{6}$/i.test(value) ? value : '#3274d9'}
                                onInput={(e) => onChange(e.currentTarget.value)}
                            />
                        </label>
                    </div>
                </span>
            )}
        </Field>
    );
}
