/** Other firewalls on the machine. Telar never changes them: an accept in its table cannot overrule a drop in theirs, so it looks and says. */
import type { Instance } from '../../apimachinery/instance.ts';
import { command, CommandError } from './command.ts';
import { nodeLink, podLinkPattern } from './names.ts';

export interface ForwardingProblem {
  /** Which chain of which table, and what it does. */
  detail: string;
  /** What lets pods through. */
  fix: string;
}

export interface ForwardingReport {
  ok: boolean;
  problems: ForwardingProblem[];
}

interface Chain {
  family: string;
  table: string;
  name: string;
  hook: string;
  policy: string;
  type: string;
}

const text = (value: unknown, key: string): string => {
  const field: unknown = typeof value === 'object' && value !== null ? new Map<string, unknown>(Object.entries(value)).get(key) : undefined;
  return typeof field === 'string' ? field : '';
};

/** Base chains in the answer of `nft -j list chains`. */
export function parseChains(json: string): Chain[] {
  const parsed: unknown = JSON.parse(json);
  const list: unknown = typeof parsed === 'object' && parsed !== null && 'nftables' in parsed ? parsed.nftables : [];
  if (!Array.isArray(list)) {
    return [];
  }
  return list.flatMap((item: unknown): Chain[] => {
    const chain: unknown = typeof item === 'object' && item !== null && 'chain' in item ? item.chain : undefined;
    const hook = text(chain, 'hook');
    return hook === '' ? [] : [{
      family: text(chain, 'family'), table: text(chain, 'table'), name: text(chain, 'name'), hook, policy: text(chain, 'policy'), type: text(chain, 'type'),
    }];
  });
}

async function baseChains(): Promise<Chain[]> {
  return parseChains((await command('nft', ['-j', 'list', 'chains'])) || '{}');
}

function fixFor(chain: Chain, instance: Pick<Instance, 'id'>, link: string): string {
  const direction = chain.hook === 'forward' ? ['-i', '-o'] : ['-i'];
  if (chain.table === 'firewalld') {
    return `firewall-cmd --permanent --zone=trusted --add-source=<pod range> && firewall-cmd --reload (zone trusted for the interfaces ${link})`;
  }
  // Docker's hook for others' rules; with plain iptables the chain itself.
  const target = chain.hook === 'forward' ? 'DOCKER-USER (or FORWARD without Docker)' : 'INPUT';
  if (chain.family === 'ip' && chain.table === 'filter') {
    return direction.map((flag) => `iptables -I ${target} ${flag} ${nodeLink(instance)}+ -j ACCEPT`).join('; ');
  }
  return direction.map((flag) => `nft insert rule ${chain.family} ${chain.table} ${chain.name} ${flag === '-i' ? 'iifname' : 'oifname'} "${link}" accept`).join('; ');
}

/**
 * Chains of others that drop by policy what pods send (forward) or ask of this machine (input: DNS, the API), without a rule
 * that names our links or `tl*`, those of every instance. An empty id asks for the latter.
 */
export async function checkForwarding(instance: Pick<Instance, 'id'>): Promise<ForwardingReport> {
  const problems: ForwardingProblem[] = [];
  for (const chain of await baseChains()) {
    const drops = chain.policy === 'drop' || chain.table === 'firewalld';
    if (!['forward', 'input'].includes(chain.hook) || chain.type !== 'filter' || !drops || !['ip', 'inet'].includes(chain.family) || chain.table.startsWith('telar-')) {
      continue;
    }
    const rules = await command('nft', ['list', 'table', chain.family, chain.table]).catch((error: unknown) => {
      if (error instanceof CommandError) {
        // Removed while we looked.
        return '';
      }
      throw error;
    });
    const names = [podLinkPattern(instance), `${nodeLink(instance)}*`, '"tl*"'];
    if (rules !== '' && !names.some((name) => rules.includes(name))) {
      problems.push({
        detail: `chain ${chain.name} of table ${chain.family} ${chain.table} drops ${chain.hook === 'forward' ? 'forwarded' : 'arriving'} packets that it does not know`,
        fix: fixFor(chain, instance, `${nodeLink(instance)}*`),
      });
    }
  }
  return { ok: problems.length === 0, problems };
}

/** Tables, other than this kernel's Telar instances' that are gone, whose chains forward or translate: users of IPv4 forwarding. */
export async function foreignForwarders(): Promise<string[]> {
  const chains = await baseChains();
  return [...new Set(chains.filter(({ hook, type }) => hook === 'forward' || (hook === 'postrouting' && type === 'nat')).map(({ family, table }) => `${family} ${table}`))];
}
