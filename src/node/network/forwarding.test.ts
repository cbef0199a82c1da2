/** Other firewalls, in a network namespace of the test's own so that nobody's packets are dropped. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { trialRules } from './trial.ts';

const MODULE = JSON.stringify(fileURLToPath(new URL('forwarding.ts', import.meta.url)));

/** What checkForwarding says of a fresh namespace after these nft commands. */
async function check(rules: string): Promise<{ ok: boolean; problems: { detail: string; fix: string }[] }> {
  const script = `import(${MODULE}).then(async ({ checkForwarding }) => console.log(JSON.stringify(await checkForwarding({ id: 'abc123' }))))`;
  const { stdout } = await promisify(execFile)('unshare', ['--net', 'sh', '-c', 'nft -f - <<END && exec "$0" -e "$1"\n' + rules + '\nEND', process.execPath, script], { env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } });
  const parsed: { ok: boolean; problems: { detail: string; fix: string }[] } = JSON.parse(stdout);
  return parsed;
}

const chain = (family: string, table: string, name: string, hook: string, policy: string): string => `add table ${family} ${table}\nadd chain ${family} ${table} ${name} { type filter hook ${hook} priority 0; policy ${policy}; }`;

describe('other firewalls', () => {
  it('that accept are fine, and Telar’s own tables are none', async () => {
    assert.deepEqual(await check(`${chain('ip', 'filter', 'FORWARD', 'forward', 'accept')}\n${chain('inet', 'telar-zzzzzz', 'x', 'forward', 'drop')}`), { ok: true, problems: [] });
  });

  it('that drop by policy are named, with what to do', async () => {
    const docker = await check(chain('ip', 'filter', 'FORWARD', 'forward', 'drop'));
    assert.equal(docker.ok, false);
    assert.match(docker.problems[0]?.detail ?? '', /chain FORWARD of table ip filter drops forwarded packets/);
    assert.match(docker.problems[0]?.fix ?? '', /iptables -I DOCKER-USER .* -i tlabc123\+ -j ACCEPT/);
    const own = await check(chain('inet', 'fw', 'incoming', 'input', 'drop'));
    assert.match(own.problems[0]?.fix ?? '', /nft insert rule inet fw incoming iifname "tlabc123\*" accept/);
  });

  it('that know our links are fine', async () => {
    assert.deepEqual(await check(`${chain('inet', 'fw', 'forwarding', 'forward', 'drop')}\nadd rule inet fw forwarding iifname "tlabc123*" accept`), { ok: true, problems: [] });
    assert.equal((await check(`${chain('inet', 'fw', 'forwarding', 'forward', 'drop')}\nadd rule inet fw forwarding iifname "tl*" accept`)).ok, true);
  });

  it('the rules of a probe load into an empty namespace', async () => {
    assert.equal((await check(trialRules())).ok, true);
  });
});
