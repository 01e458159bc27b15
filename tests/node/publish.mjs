// Publishes with the npm client `mqtt`, in one protocol version and QoS, and
// ends when all is acknowledged (QoS 1) or sent (QoS 0).
//   node publish.mjs URL VERSION QOS TOPIC PAYLOAD... [--ca FILE]
import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';

const args = process.argv.slice(2);
const at = args.indexOf('--ca');
const ca = at < 0 ? undefined : readFileSync(args.splice(at, 2)[1]);
const [url, version, qos, topic, ...payloads] = args;
const client = await mqtt.connectAsync(url, {
  protocolVersion: Number(version), reconnectPeriod: 0, connectTimeout: 60000,
  clean: true, ca,
});
for (const payload of payloads)
  await client.publishAsync(topic, payload, { qos: Number(qos) });
await client.endAsync();
