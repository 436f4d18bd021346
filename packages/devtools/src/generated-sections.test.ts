import { expect, test } from 'vitest';
import { configRows } from './config-rows.js';
import { fillSections } from './generated-sections.js';

const page = (body: string): string =>
  `before\n<!-- generated: one -->\n${body}<!-- end -->\nafter\n`;

test('a section is made anew and nothing beside it changes', async () => {
  const filled = await fillSections(page('old\n'), async (name) => [`made ${name}`]);
  expect(filled).toBe(page('\nmade one\n\n'));
  expect(await fillSections(filled, async () => ['made one'])).toBe(filled);
});

test.each([
  ['no mark at all', 'before\nafter\n'],
  ['no end', 'before\n<!-- generated: one -->\nafter\n'],
  ['an end that belongs to the next', `<!-- generated: one -->\n${page('old\n')}`],
])('%s is an error, for the page would go stale unnoticed', async (_, text) => {
  await expect(fillSections(text, async () => [])).rejects.toThrow('no end');
});

test('settings are named by their path, with default, choices and whether they are needed', () => {
  const schema = {
    properties: {
      control: { required: ['url'], properties: { url: { description: 'Where.' } } },
      pairs: {
        patternProperties: {
          x: {
            properties: { standbys: { enum: ['a', 'b'], default: 'a', description: 'Which.' } },
          },
        },
      },
    },
  };
  expect(configRows(schema)).toEqual([
    ['`control.url`', 'needed', 'Where.'],
    ['`pairs.P.standbys`', '`a`', 'Which. One of `a`, `b`.'],
  ]);
});
