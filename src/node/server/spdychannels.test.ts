/** exec and attach over SPDY, as clients of each version open them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { STDERR, STDOUT } from './clientstreams.ts';
import type { ClientStreams } from './clientstreams.ts';
import { SpdyChannels } from './spdychannels.ts';
import type { WantedStreams } from './spdychannels.ts';
import { serveUpgrades, spdyClient, takeOver, type UpgradeServer } from './testing.ts';

const FAILURE = { status: 'Failure', message: 'command terminated with non-zero exit code: exit status 3' };

describe('remote command over SPDY', () => {
  let server: UpgradeServer;
  let wanted: WantedStreams;
  let use: (channels: ClientStreams) => void;
  before(async () => {
    server = await serveUpgrades(async (upgrade) => { use(await SpdyChannels.accept(upgrade, wanted)); });
  });
  after(() => { server.close(); });

  const headers = (streamType: string): Map<string, string> => new Map([['streamtype', streamType]]);

  for (const [protocol, outcome] of [
    ['v5.channel.k8s.io', JSON.stringify(FAILURE)], ['v4.channel.k8s.io', JSON.stringify(FAILURE)], ['v3.channel.k8s.io', FAILURE.message],
    ['v2.channel.k8s.io', FAILURE.message], ['channel.k8s.io', FAILURE.message],
  ] as const) {
    it(`${protocol}: carries what each stream says, and how it ended`, async () => {
      wanted = { stdin: true, stdout: true, stderr: true, tty: false };
      use = (channels) => {
        let input = '';
        channels.listen({
          stdin: (data) => { input += data.toString(); },
          stdinEnd: () => {
            channels.send(STDOUT, Buffer.from(`got ${input}`), () => undefined);
            channels.send(STDERR, Buffer.from('complaint'), () => undefined);
            channels.finish(FAILURE);
          },
          resize: () => { assert.fail('there is no terminal'); },
          closed: () => undefined,
        });
      };
      const client = await spdyClient(server.port, `unknown, ${protocol}`);
      assert.equal(client.protocol, protocol);
      const [error, stdin, stdout, stderr] = ['error', 'stdin', 'stdout', 'stderr'].map((name) => client.session.open(headers(name)));
      assert.ok(error && stdin && stdout && stderr);
      error.end();
      stdin.end('input');
      assert.deepEqual(await Promise.all([stdout, stderr, error].map(text)), ['got input', 'complaint', outcome]);
      client.session.destroy();
    });
  }

  it('tells of the terminal\'s size, however its messages are cut', async () => {
    wanted = { stdin: false, stdout: true, stderr: true, tty: true };
    const sizes: [number, number][] = [];
    let seen = Promise.withResolvers<undefined>();
    use = (channels) => {
      channels.listen({
        stdin: () => undefined, stdinEnd: () => undefined, closed: () => undefined,
        resize: (width, height) => {
          sizes.push([width, height]);
          seen.resolve(undefined);
        },
      });
    };
    const { session } = await spdyClient(server.port, 'v4.channel.k8s.io');
    // A terminal has no standard error of its own.
    const [, , resize] = ['error', 'stdout', 'resize'].map((name) => session.open(headers(name)));
    resize?.write('{"Width":80,"Hei');
    resize?.write('ght":24}\n');
    await seen.promise;
    seen = Promise.withResolvers();
    resize?.write('nonsense}{"Width":100,"Height":50}\n');
    await seen.promise;
    assert.deepEqual(sizes, [[80, 24], [100, 50]]);
    session.destroy();
  });

  it('resets streams that were not agreed upon, and hears when the client goes', async () => {
    wanted = { stdin: false, stdout: true, stderr: false, tty: false };
    const [stands, closed] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    use = (channels) => {
      channels.listen({ stdin: () => undefined, stdinEnd: () => undefined, resize: () => undefined, closed: () => { closed.resolve(undefined); } });
      stands.resolve(undefined);
    };
    const { session } = await spdyClient(server.port, 'v4.channel.k8s.io');
    const stray = session.open(headers('stdin'));
    await once(stray, 'close');
    ['error', 'stdout'].forEach((name) => session.open(headers(name)));
    await stands.promise;
    session.destroy();
    await closed.promise;
  });

  it('is refused before it stands, in Kubernetes\' words', async () => {
    const none = await takeOver(server.port, { upgrade: 'SPDY/3.1' });
    assert.deepEqual([none.status, JSON.parse(none.body).message], [400, 'unable to upgrade: X-Stream-Protocol-Version is required']);
    const other = await takeOver(server.port, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v9.channel.k8s.io' });
    assert.equal(other.status, 403);
    assert.match(other.body, /unable to negotiate protocol: client supports \[v9\.channel\.k8s\.io\], server accepts \[v5\.channel\.k8s\.io /);
  });
});
