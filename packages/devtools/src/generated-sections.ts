import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERBS } from '@turnout/cli/verbs';
import { configFileSchema } from '@turnout/service-kit/config/config-schema';
import { configRows } from './config-rows.js';
import { gateTable, requirementTable, settleTable, stepTable } from './coordinator-tables.js';
import { LAYERS } from './layer-table.js';
import { table } from './markdown.js';
import { openapi } from './openapi.js';
import { readWorkspace } from './workspace.js';

/** Parts of pages written by hand that are made from the code: what stands between the two marks. */
const SECTIONS: Readonly<Record<string, (root: string) => string[] | Promise<string[]>>> = {
  settle: settleTable,
  steps: stepTable,
  gates: gateTable,
  preflight: requirementTable,
  configuration: () =>
    table(['key', 'default', 'meaning'], configRows(configFileSchema() as object)),
  endpoints: endpointTable,
  verbs: () =>
    table(
      ['command', 'does'],
      VERBS.map(({ name, operands, summary }) => [
        `\`turnout ${name}${operands === undefined ? '' : ` ${operands}`}\``,
        summary,
      ]),
    ),
  packages: packageTable,
};

const SECTION = /(<!-- generated: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g;

/** The page as it stands, with its generated parts made anew. */
export async function withSections(root: string, path: string): Promise<string> {
  return fillSections(readFileSync(join(root, path), 'utf8'), async (name) => {
    const make = SECTIONS[name];
    if (!make) throw new Error(`${path}: no section is called ${name}`);
    return make(root);
  });
}

/** @throws when a mark has no end, or nothing is marked: the page would go stale unnoticed */
export async function fillSections(
  text: string,
  make: (name: string) => Promise<readonly string[]>,
): Promise<string> {
  const marks = text.match(/<!-- generated: /g)?.length ?? 0;
  const found = [...text.matchAll(SECTION)];
  if (
    marks === 0 ||
    marks !== found.length ||
    found.some(([all]) => all.split('<!--').length > 3)
  ) {
    throw new Error('a generated section has no end, or there is none');
  }
  const made = new Map<string, string>();
  for (const [, , name] of found) made.set(name!, (await make(name!)).join('\n'));
  return text.replaceAll(
    SECTION,
    (_, begin: string, name: string, end: string) => `${begin}\n${made.get(name)!}\n\n${end}`,
  );
}

async function endpointTable(): Promise<string[]> {
  const { paths } = JSON.parse(await openapi()) as { paths: Record<string, object> };
  return table(
    ['endpoint', 'methods'],
    Object.entries(paths).map(([path, methods]) => [
      `\`${path}\``,
      Object.keys(methods)
        .map((method) => method.toUpperCase())
        .join(' '),
    ]),
  );
}

/** Members from the bottom layer up, as their own package.json describes them. */
function packageTable(root: string): string[] {
  const members = new Map(readWorkspace(root).map((each) => [each.name, each]));
  return table(
    ['layer', 'member', 'holds'],
    LAYERS.flatMap((names, layer) =>
      names.map((name) => {
        const { folder } = members.get(name)!;
        const text = readFileSync(join(root, folder, 'package.json'), 'utf8');
        const { description } = JSON.parse(text) as { description: string };
        return [layer + 1, `\`${folder}\``, description];
      }),
    ),
  );
}
