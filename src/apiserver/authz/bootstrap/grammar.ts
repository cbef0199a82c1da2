/**
 * The notation of the tables in this folder, one rule per line:
 *
 *     get,list,watch  -,events.k8s.io  events,pods/log  [names]
 *     get  url  /healthz,/livez
 *
 * verbs, API groups (`-` is the core group), resources, and after them, where a rule has any, resource names. `url` instead of the groups makes
 * a rule about non-resource paths. `read` and `write` stand for the verbs that only look and those that change; `event` alone in a line is the right
 * to tell of events, which every controller has.
 */
import type { PolicyRule } from '../../../kinds/generated/rbac.ts';

const SHORTHANDS: Readonly<Record<string, string>> = {
  read: 'get,list,watch', write: 'create,delete,deletecollection,patch,update', all: 'create,delete,deletecollection,get,list,patch,update,watch',
};
const EVENT: PolicyRule = { verbs: ['create', 'patch', 'update'], apiGroups: ['', 'events.k8s.io'], resources: ['events'] };

function ruleOf(line: string): PolicyRule {
  if (line === 'event') {
    return EVENT;
  }
  const [verbs = '', groups = '', what = '', names] = line.split(/\s+/);
  const rule: PolicyRule = { verbs: (SHORTHANDS[verbs] ?? verbs).split(',') };
  if (groups === 'url') {
    return { ...rule, nonResourceURLs: what.split(',') };
  }
  return {
    ...rule, apiGroups: groups.split(',').map((group) => (group === '-' ? '' : group)), resources: what.split(','),
    ...(names === undefined ? {} : { resourceNames: names.split(',') }),
  };
}

/** The rules of one text. */
export const rulesOf = (text: string): PolicyRule[] => text.split('\n').map((line) => line.trim()).filter((line) => line !== '').map(ruleOf);
