import { spawn } from 'node:child_process';

export interface Watchdog {
  /** The server was ended in order: resolves when the watchdog, who finds nothing left, is gone. */
  release(): Promise<void>;
}

/**
 * Waits for the end of the pipe, which also comes when this process is killed by signal 9, then
 * ends the server named by the pid file and removes the directory. The pid is read only then:
 * a restarted server has another one. The pid file of a server that crashed may name a process of
 * somebody else by now, which is spared because it does not run in the directory of the server. A
 * server that ended but was not reaped (a container without an init) has no such directory either.
 */
const SCRIPT = `
cat >/dev/null
pid=$(head -n 1 "$2" 2>/dev/null)
case "$pid" in *[!0-9]*) pid= ;; esac
runs() {
  [ -n "$pid" ] || return 1
  if [ -d /proc/self ]; then [ "$(readlink "/proc/$pid/cwd")" = "$3" ]; else kill -0 "$pid"; fi
} 2>/dev/null
n=0
runs "$@" && kill -s "$4" "$pid"
while runs "$@" && [ $n -lt 60 ]; do
  n=$((n+1))
  [ $n -eq 50 ] && kill -s KILL "$pid"
  sleep 0.1
done
rm -rf "$1"
`;

/**
 * Ties a server and its directory to the life of this process.
 *
 * @param workingDirectory where the server runs, as the kernel names it
 * @param signal the name, without `SIG`, of the signal that ends the server at once
 */
export function startWatchdog(
  directory: string,
  pidFile: string,
  workingDirectory: string,
  signal: 'QUIT' | 'TERM' | 'KILL',
): Watchdog {
  const args = ['-c', SCRIPT, 'sh', directory, pidFile, workingDirectory, signal];
  const child = spawn('/bin/sh', args, {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  child.unref();
  // A pipe keeps the loop of its owner alive unless told otherwise.
  (child.stdin as unknown as { unref(): void }).unref();
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return {
    release: () => {
      child.ref();
      child.stdin.destroy();
      return gone;
    },
  };
}
