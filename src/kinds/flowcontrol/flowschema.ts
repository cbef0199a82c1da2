import { validateDns1123Label, validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { nameErrors } from '../checks.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type { FlowSchema, FlowSchemaSpec, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '../generated/flowcontrol.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { MANDATORY_SCHEMAS } from './mandatory.ts';
import { conditionErrors } from './conditions.ts';

const MAX_PRECEDENCE = 10_000;
const DEFAULT_PRECEDENCE = 1000;
const METHODS = ['ByNamespace', 'ByUser'];
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const SUBJECTS = ['Group', 'ServiceAccount', 'User'];
/** Where the subject of each kind says who it is. */
const SUBJECT_FIELDS = { User: 'user', Group: 'group', ServiceAccount: 'serviceAccount' } as const;
const ANY = '*';

function subjectErrors(field: string, subject: Subject): FieldError[] {
  const { kind } = subject;
  if (kind !== 'User' && kind !== 'Group' && kind !== 'ServiceAccount') {
    return [fieldError.notSupported(`${field}.kind`, kind ?? '', SUBJECTS)];
  }
  const own = SUBJECT_FIELDS[kind];
  const others = Object.entries(SUBJECT_FIELDS).filter(([other, member]) => other !== kind && subject[member] !== undefined)
    .map(([other, member]) => fieldError.forbidden(`${field}.${member}`, `${member} is forbidden when subject kind is not '${other}'`));
  const value = subject[own];
  if (value === undefined) {
    return [fieldError.required(`${field}.${own}`, `${own} is required when subject kind is '${kind}'`), ...others];
  }
  const errors = value.name ? [] : [fieldError.required(`${field}.${own}.name`)];
  const account = kind === 'ServiceAccount' ? subject.serviceAccount : undefined;
  if (account !== undefined) {
    if (account.name && account.name !== ANY) {
      errors.push(...nameErrors(`${field}.serviceAccount.name`, account.name, validateDns1123Subdomain));
    }
    errors.push(...(account.namespace ? nameErrors(`${field}.serviceAccount.namespace`, account.namespace, validateDns1123Label)
      : [fieldError.required(`${field}.serviceAccount.namespace`, 'must specify namespace for service account')]));
  }
  return [...errors, ...others];
}

function verbErrors(field: string, verbs: readonly string[] = []): FieldError[] {
  if (verbs.length === 0) {
    return [fieldError.required(field, 'verbs must contain at least one value')];
  }
  if (verbs.includes(ANY)) {
    return verbs.length > 1 ? [fieldError.invalid(field, verbs, "if '*' is present, must not specify other verbs")] : [];
  }
  return verbs.every((verb) => VERBS.includes(verb)) ? [] : [fieldError.notSupported(field, verbs, VERBS)];
}

/** A list that must hold something, and the star only alone. */
function starList(field: string, values: readonly string[] | undefined, what: string, empty: string): FieldError[] {
  if (!values?.length) {
    return [fieldError.required(field, empty)];
  }
  return values.length > 1 && values.includes(ANY) ? [fieldError.invalid(field, values, `if '*' is present, must not specify other ${what}`)] : [];
}

function namespaceErrors(field: string, { namespaces = [], clusterScope }: ResourcePolicyRule): FieldError[] {
  if (namespaces.length === 0 && clusterScope !== true) {
    return [fieldError.required(field, 'resource rules that are not cluster scoped must supply at least one namespace')];
  }
  if (namespaces.includes(ANY)) {
    return namespaces.length > 1 ? [fieldError.invalid(field, namespaces, "if '*' is present, must not specify other namespaces")] : [];
  }
  return namespaces.flatMap((name, index) => validateDns1123Label(name)
    .map((why) => fieldError.invalid(`${field}[${index}]`, name, `each member of this list must be '*' or a DNS-1123 label; ${why}`)));
}

const resourceRule = (field: string, rule: ResourcePolicyRule): FieldError[] => [
  ...verbErrors(`${field}.verbs`, rule.verbs),
  ...starList(`${field}.apiGroups`, rule.apiGroups, 'api groups', 'resource rules must supply at least one api group'),
  ...starList(`${field}.resources`, rule.resources, 'resources', 'resource rules must supply at least one resource'),
  ...namespaceErrors(`${field}.namespaces`, rule),
];

/** A path, of which the end may be left open with `/*`. */
function urlErrors(field: string, path: string): FieldError[] {
  const stars = path.split(ANY).length - 1;
  const why = path === '' ? 'must not be empty'
    : !path.startsWith('/') ? 'must start with slash'
      : path.includes(' ') ? 'must not contain white-space'
        : path.includes('//') ? 'must not contain double slash'
          : stars > 1 || (stars === 1 && !path.endsWith('/*')) ? 'wildcard can only do suffix matching' : '';
  return why === '' ? [] : [fieldError.invalid(field, path, why)];
}

function nonResourceRule(field: string, { verbs, nonResourceURLs = [] }: Partial<NonResourcePolicyRule>): FieldError[] {
  const urls = `${field}.nonResourceURLs`;
  return [
    ...verbErrors(`${field}.verbs`, verbs),
    ...starList(urls, nonResourceURLs, 'non-resource URLs', 'nonResourceURLs must contain at least one value'),
    ...(nonResourceURLs.includes(ANY) ? [] : nonResourceURLs.flatMap((url, index) => urlErrors(`${urls}[${index}]`, url))),
  ];
}

function ruleErrors(field: string, { subjects = [], resourceRules = [], nonResourceRules = [] }: Partial<PolicyRulesWithSubjects>): FieldError[] {
  return [
    ...(subjects.length === 0 ? [fieldError.required(`${field}.subjects`, 'subjects must contain at least one value')] : []),
    ...subjects.flatMap((one, index) => subjectErrors(`${field}.subjects[${index}]`, one)),
    ...(resourceRules.length + nonResourceRules.length === 0
      ? [fieldError.required(field, 'at least one of resourceRules and nonResourceRules has to be non-empty')] : []),
    ...resourceRules.flatMap((one, index) => resourceRule(`${field}.resourceRules[${index}]`, one)),
    ...nonResourceRules.flatMap((one, index) => nonResourceRule(`${field}.nonResourceRules[${index}]`, one)),
  ];
}

function precedenceErrors(name: string, precedence: number): FieldError[] {
  const field = 'spec.matchingPrecedence';
  return [
    ...(precedence <= 0 ? [fieldError.invalid(field, precedence, 'must be a positive value')] : []),
    ...(precedence > MAX_PRECEDENCE ? [fieldError.invalid(field, precedence, `must not be greater than ${MAX_PRECEDENCE}`)] : []),
    ...(precedence === 1 && name !== 'exempt' ? [fieldError.invalid(field, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")] : []),
  ];
}

function specErrors(name: string, spec: FlowSchemaSpec): FieldError[] {
  const level = spec.priorityLevelConfiguration?.name ?? '';
  const method = spec.distinguisherMethod;
  return [
    ...precedenceErrors(name, spec.matchingPrecedence ?? 0),
    ...(method === undefined || METHODS.includes(method.type) ? [] : [fieldError.notSupported('spec.distinguisherMethod.type', method, METHODS)]),
    ...(level === '' ? [fieldError.required('spec.priorityLevelConfiguration.name', 'must reference a priority level')]
      : nameErrors('spec.priorityLevelConfiguration.name', level, validateDns1123Subdomain)),
    ...(spec.rules ?? []).flatMap((rule, index) => ruleErrors(`spec.rules[${index}]`, rule)),
  ];
}

function validate({ metadata, spec }: FlowSchema): FieldError[] {
  const fixed = MANDATORY_SCHEMAS[metadata.name];
  return [
    ...specErrors(metadata.name, spec),
    ...(fixed === undefined || deepEqual(spec, fixed) ? [] : [fieldError.invalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`)]),
  ];
}

export const flowSchema = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io', version: 'v1', kind: 'FlowSchema', plural: 'flowschemas', singular: 'flowschema',
  namespaced: false, type: 'flowcontrol/v1.FlowSchema', origin: 'builtin', status: true,
  columns: [
    NAME,
    column('PriorityLevel', ({ spec }) => spec?.priorityLevelConfiguration?.name ?? ''),
    column('MatchingPrecedence', ({ spec }) => spec?.matchingPrecedence ?? 0, { type: 'integer' }),
    column('DistinguisherMethod', ({ spec }) => spec?.distinguisherMethod?.type ?? NONE),
    AGE,
    column('MissingPL', ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?'),
  ],
  rules: {
    ...ownStatus(() => ({})),
    defaults(object) {
      object.spec ??= { priorityLevelConfiguration: { name: '' } };
      object.spec.matchingPrecedence ||= DEFAULT_PRECEDENCE;
    },
    validate,
    validateStatus: ({ status }) => conditionErrors('status.conditions', status?.conditions),
  },
});
