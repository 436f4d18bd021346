import { join } from 'node:path';
import { openConnection } from './connection.js';
import type { WriterJob, WriterNews } from './writers.js';
import { Writer } from './writer.js';

/** Entry of a child process: a number of writers on one pool, so that load is not the watcher's. */
const NEWS_MS = 250;

process.once('message', (job: WriterJob) => {
  const connection = openConnection(job.route, job.writerIds.length);
  const writers = job.writerIds.map(
    (writer) =>
      new Writer({
        writer,
        writers: job.writers,
        perSecond: job.perSecondEach,
        ledgerFile: join(job.directory, ledgerName(writer)),
        size: job.size,
        connection,
      }),
  );
  const tell = (kind: WriterNews['kind']): void => {
    const sum = { attempted: 0, acknowledged: 0, errors: 0 };
    for (const { counts } of writers) {
      sum.attempted += counts.attempted;
      sum.acknowledged += counts.acknowledged;
      sum.errors += counts.errors;
    }
    process.send?.({ kind, ...sum } satisfies WriterNews);
  };
  const timer = setInterval(() => tell('progress'), NEWS_MS);
  const stop = async (): Promise<void> => {
    await Promise.all(writers.map((writer) => writer.stop()));
    await connection.end();
    clearInterval(timer);
    tell('stopped');
    process.disconnect();
  };
  process.once('message', () => void stop());
});

// Nobody is there to read the result: a writer without its parent would write for ever.
process.once('disconnect', () => process.exit());
// Ctrl-C reaches the whole terminal; the parent decides when the writers end.
process.on('SIGINT', () => undefined);

function ledgerName(writer: number): string {
  return `writer-${writer}.ledger`;
}
