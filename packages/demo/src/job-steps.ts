import { fail } from '@turnout/contracts/errors';
import { formatBytes, formatMs } from '@turnout/core/quantities';
import type { Side } from '@turnout/core/sides';
import { sharedMonotonicMs } from '@turnout/testkit/workload/monotonic';
import { Probers } from '@turnout/testkit/workload/prober';
import type { DemoRun } from './demo-run.js';
import { PAIR } from './options.js';
import { awaitCheck, awaitGates, awaitPhase, awaitStreaming, awaitSwitchover } from './waits.js';
import { count, ms } from './words.js';

/** A full check of the shop, with room for a slow machine. */
const CHECK_MS_MAX = 300_000;
const START_MS_MAX = 300_000;

export async function preflight(run: DemoRun): Promise<string> {
  const { findings } = await run.get('client').preflight(PAIR, { signal: run.signal });
  const critical = findings.filter(({ severity }) => severity === 'critical');
  if (critical.length > 0) {
    const problems = critical.map(({ id, observed }) => `${id}: ${observed}`).join('; ');
    throw fail('preflight_failed', { pair: PAIR, problems });
  }
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  return `${findings.length} findings, ${warnings} warnings, none critical`;
}

export async function copy(run: DemoRun): Promise<string> {
  const { signal } = run;
  const client = run.get('client');
  await client.act(PAIR, 'start', { signal });
  const status = await awaitStreaming(client, signal);
  startProbers(run);
  const copied = status.links.find(({ direction }) => direction === 'forward')?.copy;
  if (!copied) throw fail('copy_failed', { pair: PAIR, observed: 'the link reports no copy' });
  const { tables, rows, bytes, seconds } = copied;
  run.set('copy', { tables, rows, bytes, seconds });
  run.set('versions', {
    blue: status.sides.blue?.version ?? null,
    green: status.sides.green?.version ?? null,
  });
  return `${count(rows)} rows of ${tables} tables, ${formatBytes(bytes)}, ${seconds.toFixed(1)} s (schema: ${run.get('transfer')})`;
}

/**
 * From now on green is closed and somebody tries to write to it all the time. Before the copy it is
 * an ordinary empty database, and rows of a prober would only show that.
 */
function startProbers(run: DemoRun): void {
  const { blue, green } = run.get('clusters');
  const urls = { blue: blue.url(PAIR, 'app'), green: green.url(PAIR, 'app') };
  run.set('probers', run.cleanup.use('probers', new Probers({ urls })));
}

export async function stream(run: DemoRun): Promise<string> {
  const { signal } = run;
  const client = run.get('client');
  await awaitPhase(client, ['verifying', 'ready'], signal, START_MS_MAX);
  const { forward } = await client.lag(PAIR, { signal });
  return `caught up, lag ${ms(forward?.lag_ms)}`;
}

export async function check(run: DemoRun): Promise<string> {
  const { signal } = run;
  const client = run.get('client');
  const requested = await client.requestCheck(PAIR, 'full', { signal });
  const ended = await awaitCheck(client, requested.id, signal);
  const { id, tables, rows_compared, differences, seconds, outcome, reason } = ended;
  run.checks.push({ id, tables: tables.length, rows_compared, differences });
  const unequal = tables.filter((table) => table.differences > 0);
  const facts = {
    pair: PAIR,
    check: id,
    differences,
    tables: unequal.map((table) => `${table.table} ${table.differences}`).join(', ') || null,
    reason: reason ?? null,
  };
  if (outcome === 'different') throw fail('sides_differ', facts);
  if (outcome !== 'equal') throw fail('check_inconclusive', facts);
  return `${count(rows_compared)} rows of ${tables.length} tables compared under live writes, ${count(differences)} differences, ${seconds?.toFixed(1) ?? '—'} s`;
}

export async function plan(run: DemoRun): Promise<string> {
  const { signal } = run;
  const client = run.get('client');
  // The check that just ended is journalled a moment later; the phase says when it counts.
  await awaitPhase(client, ['ready'], signal, CHECK_MS_MAX);
  return `nothing is done yet\n${run.drawPlan(await client.plan(PAIR, 'green', { signal }))}`;
}

export async function switchTo(run: DemoRun, to: Side): Promise<string> {
  const { signal } = run;
  const client = run.get('client');
  const from = to === 'green' ? 'ready' : 'on_green';
  await awaitPhase(client, [from], signal, CHECK_MS_MAX);
  await awaitGates(client, signal);
  const errorsBefore = run.get('writers').counts().errors;
  const fromMs = sharedMonotonicMs();
  const fromTimeMs = Date.now();
  const begun = await client.switchOver(PAIR, { to, reason: 'demo' }, { signal });
  const answer = await awaitSwitchover(client, begun.id, signal);
  const untilMs = sharedMonotonicMs();
  const atMs = (fromTimeMs + Date.now()) / 2;
  run.switches.push({ to, answer, fromMs, untilMs, atMs, errorsBefore });
  const { id, outcome, reason, window_ms, steps } = answer;
  if (outcome !== 'committed')
    throw fail('operator_needed', { pair: PAIR, switchover: id, outcome, reason });
  const times = steps.map((step) => `${step.id} ${step.ms === null ? '—' : formatMs(step.ms)}`);
  return `window ${ms(window_ms)}: ${times.join(', ')}`;
}
