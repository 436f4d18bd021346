// Runs one link from the built package until it is killed; arguments as JSON.
import { systemClock } from '@turnout/core/clock';
import { runLink } from '../dist/link/run-link.js';

const { spec, limits } = JSON.parse(process.argv[2]);
for (;;) {
  try {
    await runLink({
      spec: { ...spec, leaseEpoch: BigInt(spec.leaseEpoch) },
      limits,
      clock: systemClock,
      observer: { onApplied() {}, onLeak() {}, onOpened() {} },
      onStreaming() {},
      signal: new AbortController().signal,
    });
  } catch (thrown) {
    if (thrown.code !== 'TRN3001' && thrown.code !== 'TRN2001') {
      process.stderr.write(`${thrown.message}\n`);
      process.exit(3);
    }
  }
}
