import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where Debian keeps servers; the path of an ordinary user leaves these out. */
const MORE_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/sbin'];

/** Path of an installed program, or null. */
export async function findProgram(name: string): Promise<string | null> {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...MORE_DIRECTORIES];
  for (const directory of directories.filter((each) => each !== '')) {
    const path = join(directory, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return null;
}
