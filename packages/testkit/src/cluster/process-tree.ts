import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

interface Kinship {
  readonly pid: number;
  readonly parent: number;
}

/** Every process below `ancestor`. Backends lead sessions of their own, so no group holds them all. */
export function descendants(ancestor: number): number[] {
  const kinships = process.platform === 'linux' ? readProc() : readPs();
  const found: number[] = [];
  const pending = [ancestor];
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    for (const kinship of kinships) {
      if (kinship.parent !== parent) continue;
      found.push(kinship.pid);
      pending.push(kinship.pid);
    }
  }
  return found;
}

/** True while the process runs; one that ended and awaits its parent counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
  return process.platform !== 'linux' || !/^State:\s+[ZX]/m.test(readStatus(pid));
}

/** What Linux says of a process; one that is gone is dead. */
export function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return 'State: X';
  }
}

function readProc(): Kinship[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      const parent = /^PPid:\s+(\d+)/m.exec(readStatus(Number(name)))?.[1];
      return { pid: Number(name), parent: Number(parent ?? -1) };
    });
}

function readPs(): Kinship[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n');
  return lines.map((line) => {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    return { pid: pid ?? -1, parent: parent ?? -1 };
  });
}
