import { installGuards } from '../pairs/installation.js';
import type { Run } from './run.js';

/** Guards on tables that came after the start, on both sides. @returns how many were missing */
export async function installMissingGuards(run: Run): Promise<number> {
  const { pair } = run.deps;
  return (await installGuards(pair, run.from)) + (await installGuards(pair, run.to));
}
