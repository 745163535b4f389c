// The ready-made dashboards: whole, drawn without holes, explained, and with every query of the documents they stand for.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

interface Source {
  type: string;
  uid: string;
}
interface Target {
  refId: string;
  expr: string;
  legendFormat: string;
  datasource: Source;
  instant?: boolean;
  range?: boolean;
  format?: string;
}
interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}
interface Step {
  color: string;
  value: number | null;
}
interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: Place;
  datasource?: Source;
  targets?: Target[];
  repeat?: string;
  collapsed?: boolean;
  panels?: Panel[];
  fieldConfig?: {
    defaults: Record<string, unknown>;
    overrides: { matcher: { id: string; options: string }; properties: { id: string; value: unknown }[] }[];
  };
  options: Record<string, unknown>;
  pharos?: { waitsFor: string[]; howToSend: string };
}
interface Variable {
  name: string;
  label: string;
  type: string;
  description: string;
  query: unknown;
  datasource?: Source;
  multi?: boolean;
  includeAll?: boolean;
}
interface Board {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  schemaVersion: number;
  refresh: string;
  panels: Panel[];
  links: { type: string; url: string; tags: string[] }[];
  annotations: { list: { name: string; expr?: string; target?: { tags: string[] } }[] };
  templating: { list: Variable[] };
}

const folder = '../templates/boards/ready';
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .sort();
const boards = files.map((file): [string, Board] => [file, JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Board]);
const drawn = (board: Board): Panel[] => board.panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));
const every = (check: (panel: Panel, where: string, board: Board) => void) =>
  boards.forEach(([file, board]) => drawn(board).forEach((panel) => check(panel, `${file}: ${panel.title}`, board)));

const UNITS = new Set('none short percent percentunit s ms h bytes Bps reqps ops cps iops pps hertz celsius rotrpm watt'.split(' '));
const COLOURS = new Set(['green', 'yellow', 'orange', 'red', 'blue', 'text']);
const TYPES = new Set('timeseries stat gauge bargauge table heatmap piechart state-timeline logs alertlist'.split(' '));
/** Metrics that pharos gives by itself. */
const BUILT_IN = /^(node_|pharos_|prometheus_|alertmanager_|process_|scrape_|up$|ALERTS$)/;
/** Built in as well, but only where the kernel shows such hardware, or once rules are on or a backup was made. */
const SOMETIMES =
  /^(node_(hwmon|thermal_zone|cpu_(scaling_)?frequency|cpu_core_throttles|rapl|edac|md|nvme|dmi|schedstat)_|prometheus_rule_group_last_|pharos_backup_last_)/;

/** Names of metrics in PromQL: words that are neither functions, keywords, labels nor in strings. */
function metrics(expr: string): string[] {
  const bare = expr
    .replace(/"(\\.|[^"\\])*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  return [...bare.matchAll(/(?<![\w$.])([A-Za-z_:][\w:]*)(?![\w:]|\s*\()/g)]
    .map((m) => m[1] ?? '')
    .filter((name) => !/^(and|or|unless|bool|offset|by|without|on|ignoring|group|[smhdwy])$/.test(name));
}

/** The names of variables in a text. */
function variables(text: string): string[] {
  return [...text.matchAll(/\$\{(\w+)[^}]*\}|\$(\w+)|\[\[(\w+)/g)]
    .map((m) => m[1] ?? m[2] ?? m[3] ?? '')
    .filter((name) => !name.startsWith('__') && !/^\d/.test(name));
}

/** Cells of the grid that panels cover; says where two lie on each other. */
function cover(panels: Panel[], where: string): Set<string> {
  const taken = new Map<string, string>();
  for (const {
    gridPos: { x, y, w, h },
    title,
  } of panels) {
    assert.ok(x >= 0 && w > 0 && h > 0 && x + w <= 24, `${where}: ${title} leaves the grid`);
    for (let row = y; row < y + h; row++) {
      for (let column = x; column < x + w; column++) {
        const cell = `${column},${row}`;
        assert.equal(taken.get(cell), undefined, `${where}: ${title} lies on ${taken.get(cell) ?? ''}`);
        taken.set(cell, title);
      }
    }
  }
  return new Set(taken.keys());
}

/** Fails unless panels fill whole lines from a row on. */
function assertFilled(panels: Panel[], from: number, where: string): void {
  const cells = cover(panels, where);
  const end = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  for (let row = from; row < end; row++)
    for (let column = 0; column < 24; column++) assert.ok(cells.has(`${column},${row}`), `${where}: a gap at column ${column}, row ${row}`);
}

test('there are twelve, each under its own name', () => {
  const names = 'api application business cache database host infrastructure jobs node security self users'.split(' ');
  assert.deepEqual(
    files,
    names.map((name) => `${name}.json`),
  );
  assert.deepEqual(
    boards.map(([, board]) => board.uid),
    names.map((name) => `pharos-${name}`),
  );
  assert.equal(new Set(boards.map(([, board]) => board.title)).size, boards.length);
  for (const [file, board] of boards) {
    assert.equal(board.schemaVersion, 41, file);
    assert.ok(board.description.endsWith('.') && board.tags.includes('pharos'), file);
    assert.match(board.refresh, /^\d+[sm]$/, file);
    assert.ok(
      board.links.some((link) => link.type === 'dashboards' && link.tags.includes('pharos')),
      `${file}: no menu of the others`,
    );
    const marks = board.annotations.list;
    assert.ok(
      marks.some((mark) => mark.target?.tags.includes('deploy')) &&
        marks.some((mark) => mark.expr?.startsWith('ALERTS{alertstate="firing"')),
      `${file}: deploys and alerts are not marked`,
    );
  }
});

test('panels have numbers of their own and fill the grid', () => {
  for (const [file, board] of boards) {
    const ids = [...board.panels, ...board.panels.flatMap((panel) => panel.panels ?? [])].map((panel) => panel.id);
    assert.equal(new Set(ids).size, ids.length, `${file}: ids repeat`);
    assertFilled(board.panels, 0, file);
    for (const row of board.panels.filter((panel) => panel.type === 'row')) {
      assert.equal((row.panels ?? []).length > 0, row.collapsed === true, `${file}: ${row.title} holds panels if and only if it is closed`);
      if (row.panels?.length) assertFilled(row.panels, row.gridPos.y + 1, `${file}: ${row.title}`);
    }
  }
});

test('panels say what they show and what is good', () => {
  every((panel, where) => {
    assert.ok(TYPES.has(panel.type), `${where}: ${panel.type}`);
    assert.ok(panel.title.length > 0 && panel.title.length <= 50 && !panel.title.endsWith('.'), where);
    assert.ok((panel.description ?? '').length > 10 && /[.)]$/.test(panel.description ?? ''), `${where}: no description`);
    // Titles are sentences: words after the first begin small, but for names.
    const names = /^([A-Z]{2,}|P\d+|Amazon|Redis|PostgreSQL|PromQL|LogQL|NVMe)$/;
    for (const word of panel.title
      .replace(/[:?] \w/g, '')
      .split(/[\s,()]+/)
      .slice(1))
      assert.ok(!/^[A-Z]/.test(word) || names.test(word), `${where}: ${word}`);
  });
});

test('queries are whole and go to what they are written for', () => {
  every((panel, where) => {
    if (panel.type === 'alertlist') return;
    assert.ok(panel.targets && panel.targets.length > 0, where);
    assert.equal(new Set(panel.targets.map((target) => target.refId)).size, panel.targets.length, where);
    for (const target of panel.targets) {
      assert.match(target.refId, /^[A-Z]$/, where);
      assert.ok(target.expr.trim().length > 0 && !target.expr.includes('@'), where);
      assert.deepEqual(
        target.datasource,
        target.expr.includes('{job="$log_job"}') || target.expr.includes('{service_name=~".+"}')
          ? { type: 'loki', uid: 'logs' }
          : { type: 'prometheus', uid: 'metrics' },
        where,
      );
      for (const [open, close] of ['()', '{}', '[]'])
        assert.equal(target.expr.split(open ?? '').length, target.expr.split(close ?? '').length, `${where}: ${target.expr}`);
      assert.equal(target.instant === true, target.range === false, where);
      assert.equal(typeof target.legendFormat, 'string', where);
    }
  });
});

test('units, colours and thresholds are known', () => {
  const units = (panel: Panel) => [
    panel.fieldConfig?.defaults['unit'],
    ...(panel.fieldConfig?.overrides ?? [])
      .flatMap((one) => one.properties)
      .filter((one) => one.id === 'unit')
      .map((one) => one.value),
  ];
  every((panel, where) => {
    for (const unit of units(panel)) if (unit !== undefined) assert.ok(UNITS.has(String(unit)), `${where}: ${String(unit)}`);
    if (!['logs', 'alertlist', 'table', 'heatmap'].includes(panel.type))
      assert.ok(panel.fieldConfig?.defaults['unit'], `${where}: no unit`);
    const text = JSON.stringify(panel.fieldConfig ?? {});
    for (const [, colour] of text.matchAll(/"(?:color|fixedColor)":"([^"]+)"/g))
      assert.ok(COLOURS.has(colour ?? ''), `${where}: ${colour ?? ''}`);
    for (const [, list] of text.matchAll(/"steps":(\[[^\]]*\])/g)) {
      const [first, ...rest] = JSON.parse(list ?? '[]') as Step[];
      assert.equal(first?.value, null, where);
      rest.forEach((step, at) => assert.ok(step.value !== null && step.value > (rest[at - 1]?.value ?? -Infinity), where));
    }
  });
});

test('variables that are used are defined, and the other way round', () => {
  for (const [file, board] of boards) {
    const defined = board.templating.list.map((variable) => variable.name);
    const used = new Set(
      variables(JSON.stringify([board.panels, board.annotations, board.links, board.templating.list.map((variable) => variable.query)])),
    );
    board.panels.forEach((panel) => panel.repeat && used.add(panel.repeat));
    for (const name of used) assert.ok(defined.includes(name), `${file}: $${name} is not defined`);
    for (const name of defined) assert.ok(used.has(name), `${file}: $${name} is not used`);
    board.templating.list.forEach((variable, at) => {
      assert.ok(variable.label && variable.description.endsWith('.'), `${file}: ${variable.name}`);
      for (const name of variables(JSON.stringify(variable.query)))
        assert.ok(defined.indexOf(name) < at, `${file}: ${variable.name} needs ${name} before it`);
    });
    // A variable that may be several is compared as a pattern.
    for (const { name } of board.templating.list.filter((variable) => variable.multi)) {
      drawn(board)
        .flatMap((panel) => panel.targets ?? [])
        .forEach(({ expr }) => assert.ok(!new RegExp(`(?<![=!])=\\s*"\\$\\{?${name}\\b`).test(expr), `${file}: ${expr}`));
    }
  }
});

test('links lead somewhere', () => {
  const uids = boards.map(([, board]) => board.uid);
  for (const [file, board] of boards) {
    for (const [, url] of JSON.stringify(board).matchAll(/"url": ?"([^"]*)"/g)) {
      if (!url) continue;
      const [path = ''] = url.split('?');
      const [, place, name = ''] = path.split('/');
      if (place === 'd') assert.ok(uids.includes(name), `${file}: ${url}`);
      else if (place === 'docs') assert.ok(existsSync(`../templates/docs/${name}.md`), `${file}: ${url}`);
      else assert.ok(['explore', 'logs', 'targets', 'cardinality', 'status', 'alerts'].includes(place ?? ''), `${file}: ${url}`);
      assert.ok(!/[{}"\s|]/.test(url.replace(/\$\{[^}]*\}/g, '')), `${file}: ${url} is not encoded`);
    }
  }
});

test('a panel that waits for metrics says for which, and how to send them', () => {
  every((panel, where) => {
    if (panel.type === 'alertlist') return;
    const ofLogs = panel.targets?.some((target) => target.datasource.type === 'loki');
    const awaited = (panel.targets ?? [])
      .filter((target) => target.datasource.type === 'prometheus')
      .flatMap((target) => metrics(target.expr));
    const missing = awaited.filter((name) => !BUILT_IN.test(name) || SOMETIMES.test(name));
    // What adds to built-in metrics need not be there.
    const needs = ofLogs || (missing.length > 0 && missing.length === awaited.length) || awaited.some((name) => SOMETIMES.test(name));
    assert.equal(panel.pharos !== undefined, needs, `${where}: waits for ${missing.join(', ') || 'nothing'}`);
    if (!panel.pharos) return;
    const { waitsFor, howToSend } = panel.pharos;
    assert.ok(waitsFor.length > 0 && (ofLogs || waitsFor.every((name) => awaited.includes(name))), `${where}: ${waitsFor.join(', ')}`);
    assert.match(howToSend, /^[A-Z].*\/docs\/[a-z-]+\.$/, where);
    assert.ok(existsSync(`../templates/docs/${/\/docs\/([a-z-]+)\.$/.exec(howToSend)?.[1] ?? ''}.md`), `${where}: ${howToSend}`);
  });
});

/** Queries that the documents name, by dashboard, with their own windows and bounds. */
const NAMED: Record<string, string[]> = {
  'pharos-host': [
    '100 - (avg by(instance) (irate(node_cpu_seconds_total{mode="idle"}[5m])) * 100)',
    '(node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes) / node_memory_MemTotal_bytes * 100',
    '(node_filesystem_size_bytes{fstype!="tmpfs"} - node_filesystem_free_bytes{fstype!="tmpfs"}) / node_filesystem_size_bytes{fstype!="tmpfs"} * 100',
    'sum by(instance) (irate(node_network_receive_bytes_total[5m]))',
    'sum by(instance) (irate(node_network_transmit_bytes_total[5m]))',
  ],
  'pharos-application': [
    'rate(http_requests_total[5m])',
    'histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m]))',
    'rate(http_requests_total{status=~"5.."}[5m])',
    'sum(rate(cache_hits_total[5m])) / (sum(rate(cache_hits_total[5m])) + sum(rate(cache_misses_total[5m])))',
    'histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le))',
    '{job="$log_job"} |= "error" | json | level="ERROR"',
  ],
  'pharos-api': [
    'sum(rate(http_requests_total[5m])) by (endpoint)',
    'sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
    'histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le, endpoint))',
    'sum(sessions_active)',
    '1 - ( sum(rate(http_requests_total{status=~"5.."}[30d])) / sum(rate(http_requests_total[30d])) ) / 0.001',
    'sum(http_requests_total{status!~"5.."}) / sum(http_requests_total)',
    'histogram_quantile(0.95, http_request_duration_seconds)',
    'histogram_quantile(0.99, http_request_duration_seconds)',
    'histogram_quantile(0.95, db_query_duration_seconds)',
    'histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le))',
    'job:http_requests:rate5m',
    'job:http_request_duration_seconds:p95',
    'job:http_request_duration_seconds:p99',
  ],
  'pharos-database': [
    'sum by (datname) (pg_stat_activity_count)',
    'pg_stat_activity_max_tx_duration',
    '{job="$log_job"} |= "query" | json | duration > 1s',
  ],
  'pharos-infrastructure': [
    'aws_rds_database_connections_average',
    'aws_elasticache_cache_hits_sum / (aws_elasticache_cache_hits_sum + aws_elasticache_cache_misses_sum)',
  ],
  'pharos-business': [
    'increase(tasks_created_total[24h])',
    '(increase(tasks_completed_total[24h]) / increase(tasks_created_total[24h])) * 100',
    'rate(task_completion_duration_hours_sum[24h]) / rate(task_completion_duration_hours_count[24h])',
    'org:tasks_created:rate1h',
    'org:tasks_completed:rate1h',
    'org:task_completion_rate',
  ],
  'pharos-users': ['{job="$log_job"} |= "user registered" | json'],
  'pharos-security': ['{job="$log_job"} |= "authentication failed" | json | user_id != ""'],
};
/** Metrics that the documents name, by dashboard. */
const METRICS: Record<string, string> = {
  'pharos-application': `http_requests_total http_request_duration_seconds http_request_size_bytes http_response_size_bytes http_requests_in_progress active_users tasks_created_total
    saler_http_requests_total saler_http_request_duration_seconds saler_http_errors_total saler_http_slow_requests_total`,
  'pharos-database': `db_queries_total db_query_duration_seconds db_connection_pool_size db_connection_pool_active db_connection_pool_idle db_transactions_total database_query_duration_seconds
    pg_up saler_database_connections_active saler_database_query_duration_seconds saler_database_queries_total`,
  'pharos-cache': 'cache_operations_total cache_hits_total cache_misses_total cache_operation_duration_seconds',
  'pharos-jobs': 'celery_tasks_total celery_task_duration_seconds celery_tasks_in_progress celery_queue_length',
  'pharos-infrastructure':
    'saler_cpu_usage_percent saler_memory_usage_bytes saler_disk_usage_percent aws_ecs_cpuutilization_average aws_rds_cpuutilization_average probe_success',
  'pharos-business': `tasks_created_total tasks_completed_total tasks_deleted_total tasks_by_status task_completion_duration_hours tasks_assigned_total tasks_overdue active_users projects_created_total
    projects_archived_total projects_active project_members organizations_created_total organization_users organization_projects organization_storage_bytes saler_leads_created_total
    saler_leads_converted_total saler_revenue_total saler_funnel_conversion_rate saler_customer_acquisition_cost saler_customer_lifetime_value`,
  'pharos-users':
    'user_logins_total user_logouts_total active_users concurrent_users user_actions_total saler_user_sessions_total saler_user_active_sessions saler_feature_usage_total web_vitals_cls web_vitals_fid web_vitals_lcp',
  'pharos-security': 'saler_security_events_total saler_failed_authentication_total saler_intrusion_attempts_total',
};

test('what the documents name stands on its dashboard', () => {
  // With "All" chosen, comparisons with variables hold for everything: without them a query must be the documents' own.
  const plain = (expr: string) =>
    expr
      .replace(/,?\w+=~?"\$(?!log_job)\w+"/g, '')
      .replace(/\{,/g, '{')
      .replace(/\{\}/g, '')
      .replace(/\s+/g, ' ')
      .trim();
  for (const [uid, queries] of Object.entries(NAMED)) {
    const [, board] = boards.find(([, one]) => one.uid === uid) ?? [];
    assert.ok(board, uid);
    const there = new Set(
      drawn(board)
        .flatMap((panel) => panel.targets ?? [])
        .map((target) => plain(target.expr)),
    );
    for (const query of queries) assert.ok(there.has(query), `${uid} lacks ${query}`);
  }
  for (const [uid, names] of Object.entries(METRICS)) {
    const [, board] = boards.find(([, one]) => one.uid === uid) ?? [];
    assert.ok(board, uid);
    const there = new Set(
      drawn(board)
        .flatMap((panel) => panel.targets ?? [])
        .flatMap((target) => metrics(target.expr))
        .map((name) => name.replace(/_(bucket|sum|count)$/, '')),
    );
    for (const name of names.split(/\s+/)) assert.ok(there.has(name), `${uid} lacks ${name}`);
  }
});
