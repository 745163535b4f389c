/** An icon of the build beside words, or alone in a button that says its name. */
import type { ComponentChildren } from 'preact';

/** `svg` is what `import x from 'icon:name'` gives. */
export const Icon = ({ svg, flip }: { svg: string; flip?: boolean }) => (
    <span class={flip ? 'ed-i flip' : 'ed-i'} dangerouslySetInnerHTML={{ __html: svg }} />
);

interface Pressed {
    svg: string;
    label: string;
    onPress: () => void;
    off?: boolean;
    pressed?: boolean;
    bad?: boolean;
    class?: string;
    children?: ComponentChildren;
}
/** A small square button; `label` is its name and its tip. */
export const IconButton = ({ svg, label, onPress, off, pressed, bad, class: cls = '' }: Pressed) => (
    <button
        type="button"
        class={`btn g sm sq${bad ? ' bad' : ''} ${cls}`}
        aria-label={label}
        title={label}
        disabled={off}
        aria-pressed={pressed}
        onClick={onPress}
    >
        <Icon svg={svg} />
    </button>
);
