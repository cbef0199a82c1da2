/** What mutating and validating webhooks share. */
import { validateDns1035Label, validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { duplicates, labelSelector, portNumber } from '../checks.ts';
import type { MutatingWebhook, ServiceReference, ValidatingWebhook, WebhookClientConfig } from '../generated/admissionregistration.ts';
import { fullyQualified } from '../namechecks.ts';
import { conditionErrors, FAILURE_POLICIES, MATCH_POLICIES, optional } from './match.ts';
import { defaultRules, ruleErrors } from './rules.ts';

const VERSIONS = ['v1', 'v1beta1'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun'];
const MAX_TIMEOUT_SECONDS = 30;
const DEFAULT_TIMEOUT_SECONDS = 10;
const HTTPS_PORT = 443;
const FORM = '; desired format: https://host[/path]';

type Webhook = ValidatingWebhook | MutatingWebhook;

function urlErrors(field: string, text: string): FieldError[] {
  if (!URL.canParse(text)) {
    return /^[a-z][a-z0-9+.-]*:/i.test(text) ? [fieldError.required(field, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URL${FORM}`)] : [
      fieldError.invalid(field, '', `'https' is the only allowed URL scheme${FORM}`),
      fieldError.invalid(field, '', `host must be specified${FORM}`),
    ];
  }
  const { protocol, host, username, password, hash, search } = new URL(text);
  const scheme = protocol.slice(0, -1);
  return [
    ...(scheme === 'https' ? [] : [fieldError.invalid(field, scheme, `'https' is the only allowed URL scheme${FORM}`)]),
    ...(host === '' ? [fieldError.invalid(field, host, `host must be specified${FORM}`)] : []),
    ...(username === '' && password === '' ? []
      : [fieldError.invalid(field, password === '' ? username : `${username}:${password}`, `user information is not permitted in the URL${FORM}`)]),
    ...(hash === '' ? [] : [fieldError.invalid(field, hash.slice(1), `fragments are not permitted in the URL${FORM}`)]),
    ...(search === '' ? [] : [fieldError.invalid(field, search.slice(1), `query parameters are not permitted in the URL${FORM}`)]),
  ];
}

function pathErrors(field: string, path: string): FieldError[] {
  if (path === '' || path === '/') {
    return [];
  }
  if (path === '//') {
    return [fieldError.invalid(field, path, 'segment[0] may not be empty')];
  }
  const steps = path.slice(1).replace(/\/$/, '').split('/');
  return [
    ...(path.startsWith('/') ? [] : [fieldError.invalid(field, path, "must start with a '/'")]),
    ...steps.flatMap((step, index) => (step === '' ? [fieldError.invalid(field, path, `segment[${index}] may not be empty`)]
      : validateDns1123Subdomain(step).map((why) => fieldError.invalid(field, path, `segment[${index}]: ${why}`)))),
  ];
}

/** Where the API server finds a webhook inside the cluster; conversion webhooks of custom resources say it the same way. */
export const webhookServiceErrors = (field: string, { name, namespace, path, port = HTTPS_PORT }: Partial<ServiceReference>): FieldError[] => [
  ...(name ? [] : [fieldError.required(`${field}.name`, 'service name is required')]),
  ...(namespace ? [] : [fieldError.required(`${field}.namespace`, 'service namespace is required')]),
  ...portNumber(`${field}.port`, port).map(() => fieldError.invalid(`${field}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive')),
  ...pathErrors(`${field}.path`, path ?? ''),
];

export function clientConfigErrors(field: string, { url, service }: WebhookClientConfig): FieldError[] {
  if ((url === undefined) === (service === undefined)) {
    return [fieldError.required(field, 'exactly one of url or service is required')];
  }
  return url === undefined ? webhookServiceErrors(`${field}.service`, service ?? {}) : urlErrors(`${field}.url`, url);
}

function versionErrors(field: string, versions: readonly string[] = []): FieldError[] {
  const known = VERSIONS.join(', ');
  if (versions.length === 0) {
    return [fieldError.required(field, `must specify one of ${known}`)];
  }
  const seen = new Set<string>();
  const errors = versions.flatMap((version, index) => {
    if (seen.has(version)) {
      return [fieldError.invalid(`${field}[${index}]`, version, 'duplicate version')];
    }
    seen.add(version);
    return validateDns1035Label(version).map((why) => fieldError.invalid(`${field}[${index}]`, version, why));
  });
  return versions.some((version) => VERSIONS.includes(version)) ? errors
    : [...errors, fieldError.invalid(field, versions, `must include at least one of ${known}`)];
}

function webhookErrors(field: string, hook: Webhook): FieldError[] {
  const { timeoutSeconds: timeout, sideEffects } = hook;
  return [
    ...fullyQualified(`${field}.name`, hook.name),
    ...(hook.rules ?? []).flatMap((rule, index) => ruleErrors(`${field}.rules[${index}]`, rule)),
    ...optional(`${field}.failurePolicy`, hook.failurePolicy, FAILURE_POLICIES),
    ...optional(`${field}.matchPolicy`, hook.matchPolicy, MATCH_POLICIES),
    ...(sideEffects === undefined ? [fieldError.required(`${field}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(', ')}`)]
      : optional(`${field}.sideEffects`, sideEffects, SIDE_EFFECTS)),
    ...(timeout !== undefined && (timeout < 1 || timeout > MAX_TIMEOUT_SECONDS)
      ? [fieldError.invalid(`${field}.timeoutSeconds`, timeout, `the timeout value must be between 1 and ${MAX_TIMEOUT_SECONDS} seconds`)] : []),
    ...labelSelector(`${field}.namespaceSelector`, hook.namespaceSelector), ...labelSelector(`${field}.objectSelector`, hook.objectSelector),
    ...clientConfigErrors(`${field}.clientConfig`, hook.clientConfig ?? {}),
    ...conditionErrors(`${field}.matchConditions`, hook.matchConditions, { params: false }),
    ...versionErrors(`${field}.admissionReviewVersions`, hook.admissionReviewVersions),
  ];
}

export const webhooksErrors = (hooks: readonly Webhook[] = []): FieldError[] => [
  ...hooks.flatMap((hook, index) => webhookErrors(`webhooks[${index}]`, hook)),
  ...duplicates(hooks.map(({ name }) => name ?? ''), (index) => `webhooks[${index}].name`),
];

export function defaultWebhook(hook: Webhook): void {
  hook.failurePolicy ??= 'Fail';
  hook.matchPolicy ??= 'Equivalent';
  hook.namespaceSelector ??= {};
  hook.objectSelector ??= {};
  hook.timeoutSeconds ??= DEFAULT_TIMEOUT_SECONDS;
  defaultRules(hook.rules);
  if (hook.clientConfig?.service !== undefined) {
    hook.clientConfig.service.port ??= HTTPS_PORT;
  }
}
