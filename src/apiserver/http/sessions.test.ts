import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type ClientHttp2Session } from 'node:http2';
import { after, before, it } from 'node:test';
import { HEADERS_TIMEOUT_MS, KEEP_ALIVE_MS } from '../limits.ts';
import { Sessions } from './sessions.ts';

const server = createServer((req, res) => {
  if (req.url === '/end') {
    res.end('x');
  } else {
    res.write('a watch');
  }
});
const sessions = new Sessions();
let address = '';
before(async () => {
  server.on('session', (session) => { sessions.add(session); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  assert.ok(typeof bound === 'object' && bound !== null);
  address = `http://127.0.0.1:${bound.port}`;
});
after(() => { server.close(); });

async function connected(path?: string): Promise<ClientHttp2Session> {
  const begun = once(server, 'session');
  const client = connect(address);
  await begun;
  if (path !== undefined) {
    const stream = client.request({ ':path': path });
    await once(stream, 'response');
    stream.resume();
    if (path === '/end') {
      await once(stream, 'close');
    }
  }
  return client;
}

it('ends sessions that never ask, then those that asked and are done, never those with a stream under way', async () => {
  const [silent, done, watching] = [await connected(), await connected('/end'), await connected('/watch')];
  sessions.sweep();
  assert.equal([...sessions].length, 3);
  const now = performance.now();
  const silentEnds = once(silent, 'close');
  sessions.sweep(now + HEADERS_TIMEOUT_MS + 1);
  await silentEnds;
  assert.deepEqual([done.closed, watching.closed], [false, false]);
  const doneEnds = once(done, 'close');
  sessions.sweep(now + KEEP_ALIVE_MS + 1);
  await doneEnds;
  assert.equal(watching.closed, false);
  watching.destroy();
  await once(watching, 'close');
});
