import { validateDns1035Label, validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nameErrors, portNumber, requiredText } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { APIService, APIServiceSpec, APIServiceStatus } from '../generated/apiregistration.ts';
import { CONDITION_STATUSES } from '../conditions.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';

const MAX_GROUP_PRIORITY = 20_000;
const MAX_VERSION_PRIORITY = 1000;
const HTTPS_PORT = 443;

function groupErrors({ group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 }: Partial<APIServiceSpec>): FieldError[] {
  return [
    ...(group === '' && version !== 'v1' ? [fieldError.required('spec.group', 'only v1 may have an empty group and it better be legacy kube')] : []),
    ...(group === '' ? [] : nameErrors('spec.group', group, validateDns1123Subdomain)),
    ...nameErrors('spec.version', version, validateDns1035Label),
    ...(groupPriorityMinimum <= 0 || groupPriorityMinimum > MAX_GROUP_PRIORITY
      ? [fieldError.invalid('spec.groupPriorityMinimum', groupPriorityMinimum, `must be positive and less than ${MAX_GROUP_PRIORITY}`)] : []),
    ...(versionPriority <= 0 || versionPriority > MAX_VERSION_PRIORITY
      ? [fieldError.invalid('spec.versionPriority', versionPriority, `must be positive and less than ${MAX_VERSION_PRIORITY}`)] : []),
  ];
}

function backendErrors({ service, caBundle = '', insecureSkipTLSVerify }: Partial<APIServiceSpec>): FieldError[] {
  const insecure = insecureSkipTLSVerify === true;
  if (service === undefined) {
    return [
      ...(caBundle === '' ? [] : [fieldError.invalid('spec.caBundle', `${Buffer.from(caBundle, 'base64').length} bytes`, 'local APIServices may not have a caBundle')]),
      ...(insecure ? [fieldError.invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify')] : []),
    ];
  }
  return [
    ...requiredText('spec.service.namespace', service.namespace), ...requiredText('spec.service.name', service.name),
    ...portNumber('spec.service.port', service.port ?? HTTPS_PORT)
      .map(() => fieldError.invalid('spec.service.port', service.port, 'port is not valid: must be between 1 and 65535, inclusive')),
    ...(insecure && caBundle !== '' ? [fieldError.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present')] : []),
  ];
}

function validate({ metadata, spec }: APIService): FieldError[] {
  const name = `${spec.version ?? ''}.${spec.group ?? ''}`;
  return [
    ...(metadata.name === name ? [] : [fieldError.invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: "${name}"`)]),
    ...groupErrors(spec), ...backendErrors(spec),
  ];
}

/** Groups this server answers itself are there as long as it is; others are Unknown until they were asked. */
function initialStatus(spec: APIServiceSpec | undefined, now: Date = new Date()): APIServiceStatus {
  return spec?.service !== undefined ? {} : {
    conditions: [{
      type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available',
      lastTransitionTime: `${now.toISOString().slice(0, 19)}Z`,
    }],
  };
}

/** `True`, or `False (reason)`. */
function available({ status }: APIService): string {
  const condition = status?.conditions?.find(({ type }) => type === 'Available');
  if (condition === undefined || condition.status === 'True') {
    return condition?.status ?? 'Unknown';
  }
  return condition.reason ? `${condition.status} (${condition.reason})` : condition.status;
}

export const apiService = defineKind<APIService>({
  group: 'apiregistration.k8s.io', version: 'v1', kind: 'APIService', plural: 'apiservices', singular: 'apiservice',
  namespaced: false, type: 'apiregistration/v1.APIService', origin: 'builtin',
  categories: ['api-extensions'], status: true,
  columns: [
    NAME,
    column('Service', ({ spec }) => (spec?.service === undefined ? 'Local' : `${spec.service.namespace ?? ''}/${spec.service.name ?? ''}`)),
    column('Available', available),
    AGE,
  ],
  rules: {
    name: 'pathSegment',
    generation: false,
    defaults(object) {
      object.spec ??= { groupPriorityMinimum: 0, versionPriority: 0 };
      if (object.spec.service !== undefined) {
        object.spec.service.port ??= HTTPS_PORT;
      }
    },
    prepareCreate(object) { object.status = initialStatus(object.spec); },
    prepareUpdate: keepStatus,
    validate,
    validateStatus: ({ status }) => (status?.conditions ?? []).flatMap((one, index) => (CONDITION_STATUSES.includes(one.status) ? []
      : [fieldError.notSupported(`status.conditions[${index}].status`, one.status, CONDITION_STATUSES)])),
  },
});
