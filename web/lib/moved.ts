/** Links into Alertmanager's own pages, as its messages carry them: `/#/alerts?receiver=…`, `/#/silences/new?filter=…`. */
const found = /^#\/(alerts|silences)(\/new)?(\?.*)?$/.exec(location.hash);
if (found) location.replace((found[1] === 'alerts' ? '/alerts' : `/alerts/silences${found[2] ? '/edit' : ''}`) + (found[3] ?? ''));

export {};
