import { readProgress } from '../apply/sql/progress.js';
import type { TargetSession } from '../apply/target-session.js';
import { COMPLETE, readChunks, readWorkers } from '../copy/sql/bookkeeping.js';
import type { Direction } from '@turnout/core/sides';

/** `absent`: never seeded. `copying`: a copy has begun and is not complete. `seeded`: may stream. */
export const LINK_STAGES = ['absent', 'copying', 'seeded'] as const;
export type LinkStage = (typeof LINK_STAGES)[number];

/** How far a link was set up, from what the target holds. */
export async function readStage(target: TargetSession, link: Direction): Promise<LinkStage> {
  const workers = await target.query(readWorkers(link));
  if (workers.length > 0) {
    const chunks = await target.query(readChunks(link));
    if (!chunks.some(({ chunk }) => chunk === COMPLETE)) return 'copying';
  }
  const [progress] = await target.query(readProgress(link));
  return progress ? 'seeded' : 'absent';
}
