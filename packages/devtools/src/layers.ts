import { fileURLToPath } from 'node:url';
import { findBreaches } from './layer-rules.js';
import { readWorkspace, rootReferences } from './workspace.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const members = readWorkspace(root);
const breaches = findBreaches(members, rootReferences(root));
const files = members.reduce((sum, { sources }) => sum + sources.length, 0);
if (breaches.length === 0) {
  process.stdout.write(`layers hold: ${members.length} members, ${files} files\n`);
} else {
  process.stderr.write(`${breaches.join('\n')}\n${breaches.length} breaches of the layers\n`);
  process.exitCode = 1;
}
