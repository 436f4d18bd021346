import { benchSwitchover } from './switchover.js';

/** A benchmark prints figures; none of them decides whether anything passes. */
interface Bench {
  readonly name: string;
  run(say: (text: string) => void, signal: AbortSignal): Promise<object>;
}

const BENCHES: readonly Bench[] = [{ name: 'switchover', run: benchSwitchover }];

const [name, ...flags] = process.argv.slice(2);
const bench = BENCHES.find((each) => each.name === name);
const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());
process.once('SIGTERM', () => interruption.abort());
const say = (text: string): void => void process.stderr.write(`${text}\n`);

if (bench === undefined) {
  say(`usage: npm run --silent bench -- ${BENCHES.map((each) => each.name).join('|')} [--json]`);
  process.exitCode = 2;
} else {
  const figures = await bench.run(say, interruption.signal);
  const indent = flags.includes('--json') ? undefined : 2;
  process.stdout.write(`${JSON.stringify(figures, null, indent)}\n`);
}
