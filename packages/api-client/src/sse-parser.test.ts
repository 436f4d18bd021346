import { expect, test } from 'vitest';
import { SseParser } from './sse-parser.js';

test('a message is complete at the blank line, wherever the network cuts the text', () => {
  const text = ': hello\r\nid: 7\r\nevent: journal\r\ndata: {"a":1}\r\ndata: 2\r\n\r\n';
  for (let cut = 0; cut <= text.length; cut += 1) {
    const parser = new SseParser();
    const messages = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
    expect(messages).toEqual([{ id: '7', event: 'journal', data: '{"a":1}\n2' }]);
  }
});

test('a heartbeat is no message, and the id stays known for the next connection', () => {
  const parser = new SseParser();
  expect(parser.push(': ping\n\nid: 3\n\n')).toEqual([]);
  expect(parser.push('data: x\n\n')).toEqual([{ id: '3', event: 'message', data: 'x' }]);
});
