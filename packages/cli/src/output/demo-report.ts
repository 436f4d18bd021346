import type { DemoReport, SwitchFigures } from '@turnout/demo/report';
import { count, ms } from './figures.js';
import { drawGrid } from './grid.js';

/** What a run of the demo measured, for a person. */
export function drawReport(report: DemoReport): string {
  const { switches, checks, writes, lag } = report;
  const stall = ({ client_stall_ms: { p50, max } }: SwitchFigures): string =>
    `${ms(p50)} / ${ms(max)}`;
  return [
    `PostgreSQL ${report.blue_version} → ${report.green_version}, ${count(report.copy.rows)} rows copied in ${report.copy.seconds.toFixed(1)} s`,
    drawGrid(
      [
        { title: 'switch to', cell: ({ to }) => to },
        { title: 'outcome', cell: ({ outcome }) => outcome },
        { title: 'window', align: 'right', cell: ({ window_ms }) => ms(window_ms) },
        { title: 'client stall p50 / max', align: 'right', cell: stall },
        { title: 'errors', align: 'right', cell: ({ client_errors }) => count(client_errors) },
      ],
      switches,
    ),
    drawGrid(
      [
        { title: 'full check', cell: ({ id }) => id },
        { title: 'rows', align: 'right', cell: ({ rows_compared }) => count(rows_compared) },
        { title: 'differences', align: 'right', cell: ({ differences }) => count(differences) },
      ],
      checks,
    ),
    `writes: ${count(writes.acknowledged)} acknowledged (${count(report.tps)} a second), ${writes.lost} lost, ${writes.duplicated} duplicated, ${writes.unexplained} unexplained\n` +
      `lag: ${lag.samples} samples, p50 ${ms(lag.p50_ms)}, p99 ${ms(lag.p99_ms)}\n` +
      `both sides writable: ${ms(report.both_sides_writable_ms)}`,
    report.ok
      ? `ok: nothing lost, nothing twice, in ${Math.round(report.seconds)} s`
      : `NOT ok:\n${report.why_not.map((why) => `  ${why}`).join('\n')}`,
  ].join('\n\n');
}
