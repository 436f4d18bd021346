import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { deferred } from '@turnout/core/waiting';
import { mustSkip } from './availability.js';
import { kafkaMissing, startKafka } from './kafka.js';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');

test.skipIf(await mustSkip(kafkaMissing))('a topic is made, written and read', async () => {
  await using kafka = await startKafka();
  const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  const producer = client.producer();
  const consumer = client.consumer({ groupId: 'probe' });
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'news' }], waitForLeaders: true });
    const heard = deferred<string>();
    await consumer.connect();
    await consumer.subscribe({ topic: 'news', fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => Promise.resolve(heard.resolve(String(message.value))),
    });
    await producer.connect();
    await producer.send({ topic: 'news', messages: [{ value: 'hello' }] });
    expect(await heard.promise).toBe('hello');
  } finally {
    await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()]);
  }
});
