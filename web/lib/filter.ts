/** Filters of server-rendered lists: the address and the list follow while somebody types. */
import { refreshLive } from './live.ts';

let typing = 0;
document.addEventListener('input', (e) => {
  const form = (e.target as Element).closest<HTMLFormElement>('form[data-live-form]');
  if (!form) return;
  clearTimeout(typing);
  typing = window.setTimeout(() => {
    const u = new URL(form.action);
    u.search = new URLSearchParams([...new FormData(form)].filter(([, v]) => v !== '').map(([k, v]) => [k, String(v)])).toString();
    history.replaceState(null, '', u);
    void refreshLive();
  }, 150);
});
