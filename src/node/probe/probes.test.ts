import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { formatBytes } from './format.ts';
import { probes } from './index.ts';
import { diskProbe, portProbe } from './resources.ts';

test('every probe answers, whatever the machine has', async () => {
  for (const probe of probes({ dataDir: '/var/lib/telar', listen: '127.0.0.1', port: 1, running: true })) {
    const { status, detail } = await probe.run();
    assert.ok(['ok', 'limited', 'missing'].includes(status), probe.name);
    assert.notEqual(detail, '', probe.name);
    assert.ok(!detail.includes('\n'), `${probe.name}: ${detail}`);
  }
});

test('a port that is taken is missing, one of our own is fine', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  assert.equal((await portProbe({ listen: '127.0.0.1', port, ours: false }).run()).status, 'missing');
  assert.equal((await portProbe({ listen: '127.0.0.1', port, ours: true }).run()).status, 'ok');
  await new Promise((resolve) => server.close(resolve));
  assert.equal((await portProbe({ listen: '127.0.0.1', port, ours: false }).run()).status, 'ok');
});

test('the disk of a folder that is not there yet is that of its parents', async () => {
  assert.match((await diskProbe('/var/lib/telar-not-there/a/b').run()).detail, /free for \/var\/lib\/telar-not-there/);
});

test('bytes read well', () => {
  assert.deepEqual([0, 1023, 1536, 10 * 1024 ** 2, 5.25 * 1024 ** 3].map(formatBytes), ['0 B', '1023 B', '1.5 KiB', '10 MiB', '5.3 GiB']);
});
