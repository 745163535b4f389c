/** The bar of variables: forms that work by themselves change the page's URL without loading it. */

/** The URL with a variable set to some values; `$__all` alone stands for all. */
export function chosen(href: string, name: string, values: string[]): string {
  const u = new URL(href),
    param = `var-${name}`;
  u.searchParams.delete(param);
  const all = values.includes('$__all') && values.length > 1 ? values.filter((v) => v !== '$__all') : values;
  for (const v of all.length ? all : ['']) u.searchParams.append(param, v);
  return u.href;
}

/** The URL with one condition more. */
export function withCondition(href: string, name: string, key: string, op: string, value: string): string {
  const u = new URL(href),
    part = (s: string) => s.replaceAll('|', '__gfp__').replaceAll(',', '__gfc__').replaceAll('#', '__gfh__');
  u.searchParams.append(`var-${name}`, `${part(key)}|${op}|${part(value)}`);
  return u.href;
}

const value = (form: HTMLFormElement, name: string): string => (form.elements.namedItem(name) as HTMLInputElement | null)?.value ?? '';

/** What is typed where values are searched: shows those that match, and offers it as a value of its own. */
function find(form: HTMLFormElement, text: string): void {
  const list = form.querySelector('.vlist') as HTMLElement,
    want = text.trim().toLowerCase();
  let exact = false;
  for (const one of list.children as HTMLCollectionOf<HTMLElement>) {
    if (one.matches('[data-own]')) continue;
    const own = one.textContent?.trim().toLowerCase() ?? '';
    one.hidden = !own.includes(want);
    exact ||= own === want;
  }
  list.querySelector('[data-own]:not(:has(:checked))')?.remove();
  if (!want || exact) return;
  const many = form.hasAttribute('data-many'),
    el = document.createElement(many ? 'label' : 'button');
  el.dataset.own = '';
  const named = Object.assign(many ? document.createElement('input') : (el as HTMLButtonElement), {
    name: `var-${form.dataset.var}`,
    value: text.trim(),
  });
  if (many) {
    (named as HTMLInputElement).type = 'checkbox';
    el.append(named);
  }
  el.append(Object.assign(document.createElement('span'), { textContent: text.trim() }));
  list.append(el);
}

/** Listens on the dashboard; `go` takes it to a URL. */
export function listen(board: HTMLElement, go: (href: string) => void): void {
  const send = (form: HTMLFormElement, submitter?: HTMLElement | null) => {
    const name = form.dataset.var ?? '',
      button = submitter as HTMLButtonElement | null;
    const values = button?.name ? [button.value] : new FormData(form).getAll(`var-${name}`).map(String);
    const menu = form.matches(':popover-open') ? form : null;
    const href =
      form.dataset.cond == null
        ? chosen(location.href, name, values)
        : withCondition(location.href, form.dataset.cond, value(form, 'key'), value(form, 'op'), value(form, 'value'));
    form.removeAttribute('data-dirty');
    menu?.hidePopover();
    if (href !== location.href) go(href);
  };
  board.addEventListener('submit', (e) => {
    const form = (e.target as Element).closest<HTMLFormElement>('[data-var], [data-cond]');
    if (form) {
      e.preventDefault();
      send(form, e.submitter);
    }
  });
  board.addEventListener('change', (e) => {
    const box = e.target as HTMLInputElement,
      form = box.closest<HTMLFormElement>('form[data-var]');
    if (!form) return;
    if (box.type !== 'checkbox') {
      if (!form.matches('[popover]')) send(form);
      return;
    }
    form.dataset.dirty = '';
    // All is all or nothing.
    form.querySelectorAll<HTMLInputElement>('input[type=checkbox]').forEach((other) => {
      if (box.checked && other !== box && (box.value === '$__all' || other.value === '$__all')) other.checked = false;
    });
  });
  board.addEventListener('input', (e) => {
    const field = e.target as HTMLInputElement,
      form = field.closest<HTMLFormElement>('form');
    if (form && field.matches('[data-find]')) find(form, field.value);
  });
  board.addEventListener('keydown', (e) => {
    const at = e.target as HTMLElement,
      form = at.closest<HTMLFormElement>('form.vmenu');
    if (!form) return;
    const all = [...form.querySelectorAll<HTMLElement>('.vlist button, .vlist input')].filter((el) => !el.closest('[hidden]'));
    if (at.matches('[data-find]') && e.key === 'Enter' && !form.hasAttribute('data-many')) {
      e.preventDefault();
      all[0]?.click();
      return;
    }
    const by = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
    if (!by || !all.length) return;
    e.preventDefault();
    all[(all.indexOf(at) + by + all.length) % all.length]?.focus();
  });
  board.addEventListener(
    'toggle',
    (e) => {
      const form = e.target as HTMLFormElement;
      if (!form.matches?.('form.vmenu')) return;
      if ((e as ToggleEvent).newState === 'open') {
        (
          form.querySelector<HTMLElement>('[data-find], [name=key]') ??
          form.querySelector<HTMLElement>('.vlist [aria-pressed=true], .vlist button, .vlist input')
        )?.focus();
        return;
      }
      const field = form.querySelector<HTMLInputElement>('[data-find]');
      if (field?.value) {
        field.value = '';
        find(form, '');
      }
      // Ticks count when the menu is left.
      if (form.hasAttribute('data-dirty')) send(form);
    },
    true,
  );
}
