/** `/apis/<group>` and `/apis/<group>/<version>` of groups that modules of their own answer. */
import { apiGroup, apiResourceList } from '../discovery/index.ts';
import type { Answer, Call } from '../types.ts';
import { PageNotFound, type Core } from '../verbs/core.ts';

/** Throws PageNotFound for what is neither. */
export function answerDiscovery(call: Call, core: Core): Answer {
  const [, , group = '', version = '', ...rest] = call.info.path.replace(/\/$/, '').split('/');
  const document = rest.length > 0 ? undefined
    : version === '' ? apiGroup(core.registry, group) : apiResourceList(core.registry, group, version);
  if (document === undefined || call.method !== 'GET') {
    throw new PageNotFound(call.info.path);
  }
  return { type: 'raw', code: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(document) };
}
