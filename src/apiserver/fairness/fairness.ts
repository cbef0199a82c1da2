/**
 * Priority and fairness: FlowSchemas say which level and flow a request belongs to, PriorityLevelConfigurations how much of a level runs at a
 * time. What Kubernetes adds to this (borrowing between levels, widths of requests, shuffle sharding) is left out: flows are told apart exactly.
 */
import type { FlowSchema, PolicyRulesWithSubjects, PriorityLevelConfiguration } from '../../kinds/generated/flowcontrol.ts';
import { typed } from '../../kinds/typed.ts';
import type { Lookup, ResourcePath } from '../lookup.ts';
import type { Call, RequestInfo, User } from '../types.ts';
import { PriorityLevel, type LevelCounts } from './level.ts';
import { DEFAULT_HAND_SIZE, DEFAULT_QUEUE_LENGTH, DEFAULT_QUEUES, TOTAL_CONCURRENCY } from './limits.ts';
import { matchAll, matches, rulesFor } from './schema.ts';

const GROUP = 'flowcontrol.apiserver.k8s.io';
const SCHEMAS: ResourcePath = [GROUP, 'v1', 'flowschemas'];
const LEVELS: ResourcePath = [GROUP, 'v1', 'prioritylevelconfigurations'];

/** Where a request belongs. */
export interface Flow {
  readonly level: PriorityLevel;
  /** UID of the FlowSchema; empty when none is stored. */
  readonly schemaUid: string;
  readonly distinguisher: 'ByUser' | 'ByNamespace' | '';
}

/** A schema as one user meets it. */
interface Candidate extends Flow {
  readonly rules: readonly PolicyRulesWithSubjects[];
  readonly all: boolean;
}

interface Configuration {
  readonly schemas: readonly { readonly schema: FlowSchema; readonly level: PriorityLevel }[];
  readonly levels: ReadonlyMap<string, PriorityLevel>;
  /** Candidates of each user, in the order of precedence. Users are the same objects for as long as their credentials are remembered. */
  readonly ofUser: WeakMap<User, readonly Candidate[]>;
}

/** Where nothing is configured nothing is limited. */
const UNLIMITED: Flow = { level: new PriorityLevel({ name: 'exempt', uid: '', seats: undefined, flowQueue: 0, queue: 0 }), schemaUid: '', distinguisher: '' };

function levelOf({ metadata, spec }: PriorityLevelConfiguration, totalShares: number): PriorityLevel {
  const { name, uid = '' } = metadata;
  const { limited } = spec;
  if (spec.type === 'Exempt' || limited === undefined) {
    return new PriorityLevel({ name, uid, seats: undefined, flowQueue: 0, queue: 0 });
  }
  const seats = Math.max(1, Math.ceil(TOTAL_CONCURRENCY * (limited.nominalConcurrencyShares ?? 0) / Math.max(1, totalShares)));
  const { type, queuing = {} } = limited.limitResponse ?? {};
  const length = queuing.queueLengthLimit ?? DEFAULT_QUEUE_LENGTH;
  return new PriorityLevel({
    name, uid, seats,
    flowQueue: type === 'Queue' ? length * (queuing.handSize ?? DEFAULT_HAND_SIZE) : 0,
    queue: type === 'Queue' ? length * (queuing.queues ?? DEFAULT_QUEUES) : 0,
  });
}

function byPrecedence(a: FlowSchema, b: FlowSchema): number {
  const difference = (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0);
  return difference === 0 ? (a.metadata.name < b.metadata.name ? -1 : 1) : difference;
}

/** What tells apart the flows of one schema at a level. */
function keyOf({ schemaUid, distinguisher }: Flow, user: User, info: RequestInfo): string {
  switch (distinguisher) {
    case 'ByUser': return `${schemaUid}/${user.name}`;
    case 'ByNamespace': return `${schemaUid}/${info.namespace}`;
    default: return schemaUid;
  }
}

export class Fairness {
  readonly #lookup: Lookup;
  #configuration: Configuration | undefined;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
    const forget = (): void => {
      this.#configuration = undefined;
    };
    lookup.onChange(SCHEMAS, forget);
    lookup.onChange(LEVELS, forget);
  }

  /** Does a request's work when it is its flow's turn. Throws or rejects with TooManyRequests when too many wait. */
  run<T>(flow: Flow, { user, info }: Pick<Call, 'user' | 'info'>, work: () => T | Promise<T>): T | Promise<T> {
    return flow.level.options.seats === undefined ? work() : flow.level.run(keyOf(flow, user, info), work);
  }

  /** Where a request belongs. */
  flowOf({ user, verb, info }: Pick<Call, 'user' | 'verb' | 'info'>): Flow {
    const configuration = this.#configuration ??= this.#configured();
    let candidates = configuration.ofUser.get(user);
    if (candidates === undefined) {
      candidates = this.#candidates(configuration, user);
      configuration.ofUser.set(user, candidates);
    }
    return candidates.find(({ all, rules }) => all || matches(rules, verb, info)) ?? UNLIMITED;
  }

  /** Of each level that is limited. */
  counts(): LevelCounts[] {
    return [...(this.#configuration?.levels.values() ?? [])].filter(({ options }) => options.seats !== undefined).map((level) => level.counts);
  }

  #candidates({ schemas }: Configuration, user: User): Candidate[] {
    const candidates: Candidate[] = [];
    for (const { schema, level } of schemas) {
      const rules = rulesFor(schema, user);
      if (rules.length > 0) {
        const method = schema.spec.distinguisherMethod?.type;
        const all = matchAll(rules);
        candidates.push({ level, rules, all, schemaUid: schema.metadata.uid ?? '', distinguisher: method === 'ByUser' || method === 'ByNamespace' ? method : '' });
        if (all) {
          break;
        }
      }
    }
    return candidates;
  }

  /** Requests that wait at a level whose configuration changes are served as it was when they came. */
  #configured(): Configuration {
    const specs = this.#lookup.list(LEVELS).map((object) => typed('flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration', object));
    const shares = specs.reduce((sum, { spec }) => sum + (spec.type === 'Exempt' ? 0 : spec.limited?.nominalConcurrencyShares ?? 0), 0);
    const levels = new Map(specs.map((one) => [one.metadata.name, levelOf(one, shares)]));
    const schemas = this.#lookup.list(SCHEMAS).map((object) => typed('flowcontrol.apiserver.k8s.io/v1 FlowSchema', object)).sort(byPrecedence)
      .flatMap((schema) => {
        const level = levels.get(schema.spec.priorityLevelConfiguration.name);
        return level === undefined ? [] : [{ schema, level }];
      });
    return { schemas, levels, ofUser: new WeakMap() };
  }
}

/** The headers that tell a client where its request belonged. */
export const SCHEMA_HEADER = 'x-kubernetes-pf-flowschema-uid';
export const LEVEL_HEADER = 'x-kubernetes-pf-prioritylevel-uid';
