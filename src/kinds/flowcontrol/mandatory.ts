/** The schemas and levels that cannot be other than they are: without them requests would fall through, or the system's own would queue. */
import type { FlowSchemaSpec, PriorityLevelConfigurationSpec, Subject } from '../generated/flowcontrol.ts';

export const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }));

/** Every request there is. */
export const EVERYTHING = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};

/** Name → spec, complete with defaults. */
export const MANDATORY_SCHEMAS: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: {
    matchingPrecedence: 1, priorityLevelConfiguration: { name: 'exempt' }, rules: [{ subjects: groups('system:masters'), ...EVERYTHING }],
  },
  'catch-all': {
    matchingPrecedence: 10_000, priorityLevelConfiguration: { name: 'catch-all' }, distinguisherMethod: { type: 'ByUser' },
    rules: [{ subjects: groups('system:unauthenticated', 'system:authenticated'), ...EVERYTHING }],
  },
};

/** Name → spec, complete with defaults; of `exempt` only what is in `exempt` may differ. */
export const MANDATORY_LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  'catch-all': { type: 'Limited', limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: 'Reject' } } },
};
