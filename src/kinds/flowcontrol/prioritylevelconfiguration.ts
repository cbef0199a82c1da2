import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type {
  ExemptPriorityLevelConfiguration, LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration, PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../generated/flowcontrol.ts';
import { defineKind, type Column } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { conditionErrors } from './conditions.ts';
import { MANDATORY_LEVELS } from './mandatory.ts';

const MAX_QUEUES = 10_000_000;
/** Bits that the hash which deals a hand of queues can tell apart. */
const MAX_HASH_BITS = 60;

function queuingErrors(field: string, { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration): FieldError[] {
  const errors = queueLengthLimit <= 0 ? [fieldError.invalid(`${field}.queueLengthLimit`, queueLengthLimit, 'must be positive')] : [];
  if (queues <= 0) {
    errors.push(fieldError.invalid(`${field}.queues`, queues, 'must be positive'));
  } else if (queues > MAX_QUEUES) {
    errors.push(fieldError.invalid(`${field}.queues`, queues, `must not be greater than ${MAX_QUEUES}`));
  }
  const bits = Math.ceil(Math.log2(queues) * handSize);
  if (handSize <= 0) {
    errors.push(fieldError.invalid(`${field}.handSize`, handSize, 'must be positive'));
  } else if (handSize > queues) {
    errors.push(fieldError.invalid(`${field}.handSize`, handSize, `should not be greater than queues (${queues})`));
  } else if (bits > MAX_HASH_BITS) {
    errors.push(fieldError.invalid(`${field}.handSize`, handSize,
      `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`));
  }
  return errors;
}

function responseErrors(field: string, { type, queuing }: Partial<LimitResponse>): FieldError[] {
  switch (type) {
    case 'Reject':
      return queuing === undefined ? [] : [fieldError.forbidden(`${field}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')];
    case 'Queue':
      return queuing === undefined ? [fieldError.required(`${field}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')]
        : queuingErrors(`${field}.queuing`, queuing);
    default: return [fieldError.notSupported(`${field}.type`, type ?? '', ['Queue', 'Reject'])];
  }
}

function sharesErrors(field: string, { nominalConcurrencyShares: shares = 0, lendablePercent: lendable = 0 }: ExemptPriorityLevelConfiguration): FieldError[] {
  return [
    ...(shares < 0 ? [fieldError.invalid(`${field}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')] : []),
    ...(lendable < 0 || lendable > 100 ? [fieldError.invalid(`${field}.lendablePercent`, lendable, 'must be between 0 and 100, inclusive')] : []),
  ];
}

function limitedErrors(field: string, limited: LimitedPriorityLevelConfiguration): FieldError[] {
  const borrowing = limited.borrowingLimitPercent;
  return [
    ...sharesErrors(field, limited),
    ...responseErrors(`${field}.limitResponse`, limited.limitResponse ?? {}),
    ...(borrowing !== undefined && borrowing < 0
      ? [fieldError.invalid(`${field}.borrowingLimitPercent`, borrowing, 'if specified, must be a non-negative integer')] : []),
  ];
}

function specErrors(name: string, { type, limited, exempt }: Partial<PriorityLevelConfigurationSpec>): FieldError[] {
  const errors = (name === 'exempt') === (type === 'Exempt') ? []
    : [fieldError.invalid('spec.type', type ?? '', "type must be 'Exempt' if and only if `name` is 'exempt'")];
  switch (type) {
    case 'Exempt':
      return [
        ...errors,
        ...(limited === undefined ? [] : [fieldError.forbidden('spec.limited', 'must be nil if the type is not Limited')]),
        ...sharesErrors('spec.exempt', exempt ?? {}),
      ];
    case 'Limited':
      return [
        ...errors,
        ...(exempt === undefined ? [] : [fieldError.forbidden('spec.exempt', 'must be nil if the type is Limited')]),
        ...(limited === undefined ? [fieldError.required('spec.limited', 'must not be empty when type is Limited')] : limitedErrors('spec.limited', limited)),
      ];
    default: return [...errors, fieldError.notSupported('spec.type', type ?? '', ['Exempt', 'Limited'])];
  }
}

/** The two levels that always are: `catch-all` as it is, `exempt` but for its shares. */
function mandatoryErrors(name: string, spec: PriorityLevelConfigurationSpec): FieldError[] {
  const fixed = MANDATORY_LEVELS[name];
  if (fixed === undefined) {
    return [];
  }
  if (name === 'exempt') {
    return deepEqual({ ...spec, exempt: undefined }, { ...fixed, exempt: undefined }) ? []
      : [fieldError.invalid('spec', spec, `spec of '${name}' except the 'spec.exempt' fields must equal the fixed value`)];
  }
  return deepEqual(spec, fixed) ? [] : [fieldError.invalid('spec', spec, `spec of '${name}' must equal the fixed value`)];
}

function defaultQueuing(queuing: QueuingConfiguration | undefined): void {
  if (queuing !== undefined) {
    queuing.queues ||= 64;
    queuing.handSize ||= 8;
    queuing.queueLengthLimit ||= 50;
  }
}

function defaults(object: PriorityLevelConfiguration): void {
  object.spec ??= { type: '' };
  const { spec } = object;
  if (spec.type === 'Exempt') {
    spec.exempt ??= {};
  }
  if (spec.exempt !== undefined) {
    spec.exempt.nominalConcurrencyShares ??= 0;
    spec.exempt.lendablePercent ??= 0;
  }
  if (spec.limited !== undefined) {
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    defaultQueuing(spec.limited.limitResponse?.queuing);
  }
}

const queueColumn = (name: string, value: (queuing: QueuingConfiguration) => number | undefined): Column<PriorityLevelConfiguration> =>
  column(name, ({ spec }) => {
    const queuing = spec?.limited?.limitResponse?.queuing;
    return queuing === undefined ? NONE : value(queuing) ?? 0;
  });

export const priorityLevelConfiguration = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io', version: 'v1', kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations', singular: 'prioritylevelconfiguration',
  namespaced: false, type: 'flowcontrol/v1.PriorityLevelConfiguration', origin: 'builtin', status: true,
  columns: [
    NAME,
    column('Type', ({ spec }) => spec?.type ?? ''),
    column('NominalConcurrencyShares', ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? spec?.exempt?.nominalConcurrencyShares ?? NONE),
    queueColumn('Queues', ({ queues }) => queues), queueColumn('HandSize', ({ handSize }) => handSize),
    queueColumn('QueueLengthLimit', ({ queueLengthLimit }) => queueLengthLimit),
    AGE,
  ],
  rules: {
    ...ownStatus(() => ({})),
    defaults,
    validate: ({ metadata, spec }) => [...specErrors(metadata.name, spec), ...mandatoryErrors(metadata.name, spec)],
    validateStatus: ({ status }) => conditionErrors('status.conditions', status?.conditions),
  },
});
