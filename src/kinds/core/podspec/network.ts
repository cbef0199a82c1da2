/** Validation of a pod's names and its name resolution. */
import { validateDns1123Label, validateDns1123Subdomain } from '../../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { ipAddress, nameErrors, oneOf } from '../../checks.ts';
import type { PodDNSConfig, PodSpec } from '../../generated/core.ts';

const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_CHARACTERS = 2048;

function dnsConfig(field: string, config: PodDNSConfig): FieldError[] {
  const { nameservers = [], searches = [], options = [] } = config;
  const errors: FieldError[] = [];
  if (nameservers.length > MAX_NAMESERVERS) {
    errors.push(fieldError.invalid(`${field}.nameservers`, nameservers, `must not have more than ${MAX_NAMESERVERS} nameservers`));
  }
  errors.push(...nameservers.flatMap((one, index) => ipAddress(`${field}.nameservers[${index}]`, one)));
  if (searches.length > MAX_SEARCHES) {
    errors.push(fieldError.invalid(`${field}.searches`, searches, `must not have more than ${MAX_SEARCHES} search paths`));
  }
  if (searches.join(' ').length > MAX_SEARCH_CHARACTERS) {
    errors.push(fieldError.invalid(`${field}.searches`, searches, `must not have more than ${MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list`));
  }
  for (const [index, one] of searches.entries()) {
    const name = one === '.' ? 'root' : one.replace(/\.$/, '').replaceAll('_', '-');
    errors.push(...nameErrors(`${field}.searches[${index}]`, name, validateDns1123Subdomain));
  }
  for (const [index, { name }] of options.entries()) {
    if (!name) {
      errors.push(fieldError.required(`${field}.options[${index}]`, 'must not be empty'));
    }
  }
  return errors;
}

function dns(field: string, spec: PodSpec): FieldError[] {
  const config = spec.dnsConfig;
  const errors = [
    ...oneOf(`${field}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES),
    ...(config === undefined ? [] : dnsConfig(`${field}.dnsConfig`, config)),
  ];
  if (spec.dnsPolicy === 'None') {
    if (config === undefined) {
      errors.push(fieldError.required(`${field}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None'));
    } else if (!config.nameservers?.length) {
      errors.push(fieldError.required(`${field}.dnsConfig.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
    }
  }
  return errors;
}

export function validatePodNetwork(field: string, spec: PodSpec): FieldError[] {
  return [
    ...dns(field, spec),
    ...(spec.hostname ? nameErrors(`${field}.hostname`, spec.hostname, validateDns1123Label) : []),
    ...(spec.subdomain ? nameErrors(`${field}.subdomain`, spec.subdomain, validateDns1123Label) : []),
    ...(spec.hostAliases ?? []).flatMap((alias, index) => [
      ...ipAddress(`${field}.hostAliases[${index}].ip`, alias.ip ?? ''),
      ...(alias.hostnames ?? []).flatMap((name, at) => nameErrors(`${field}.hostAliases[${index}].hostnames[${at}]`, name, validateDns1123Subdomain)),
    ]),
  ];
}
