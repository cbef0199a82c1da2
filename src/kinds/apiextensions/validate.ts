/** What a CustomResourceDefinition must be, its schemas apart, in the words of k8s.io/apiextensions-apiserver. */
import { validateDns1035Label, validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { compileJsonPath, JsonPathError, simpleSteps } from '../../apimachinery/jsonpath.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import type {
  CustomResourceColumnDefinition, CustomResourceConversion, CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale, SelectableField, ServiceReference, WebhookClientConfig,
} from '../generated/apiextensions.ts';
import { immutable } from '../checks.ts';
import { isShared } from './schemas.ts';

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const MAX_SELECTABLE_FIELDS = 8;
/** Groups whose owners want to be asked first. */
const PROTECTED = /(?:^|\.)(?:k8s\.io|kubernetes\.io)$/;
export const APPROVED_ANNOTATION = 'api-approved.kubernetes.io';

const invalidName = (field: string, value: string, prefix = ''): FieldError[] => {
  const errors = validateDns1035Label(prefix === '' ? value : value.toLowerCase());
  return value === '' || errors.length === 0 ? [] : [fieldError.invalid(field, value, prefix + errors.join(','))];
};

const MIXED = 'may have mixed case, but should otherwise match: ';

function names(all: CustomResourceDefinitionNames, field: string): FieldError[] {
  const { plural, singular = '', kind, listKind = '' } = all;
  return [
    ...invalidName(`${field}.plural`, plural), ...invalidName(`${field}.singular`, singular),
    ...invalidName(`${field}.kind`, kind, MIXED), ...invalidName(`${field}.listKind`, listKind, MIXED),
    ...(all.shortNames ?? []).flatMap((name, index) => invalidName(`${field}.shortNames[${index}]`, name)),
    ...(kind !== '' && kind === listKind ? [fieldError.invalid(`${field}.listKind`, listKind, 'kind and listKind may not be the same')] : []),
    ...(all.categories ?? []).flatMap((name, index) => invalidName(`${field}.categories[${index}]`, name)),
  ];
}

function requiredNames(all: CustomResourceDefinitionNames): FieldError[] {
  return (['plural', 'singular', 'kind', 'listKind'] as const).flatMap((name) => (all[name] ? [] : [fieldError.required(`spec.names.${name}`)]));
}

function group(value: string): FieldError[] {
  if (value === '') {
    return [fieldError.required('spec.group')];
  }
  const errors = validateDns1123Subdomain(value);
  if (errors.length > 0) {
    return [fieldError.invalid('spec.group', value, errors.join(','))];
  }
  return value.includes('.') ? [] : [fieldError.invalid('spec.group', value, 'should be a domain with at least one dot')];
}

function scope(value: string): FieldError[] {
  if (value === '') {
    return [fieldError.required('spec.scope')];
  }
  return value === 'Cluster' || value === 'Namespaced' ? [] : [fieldError.notSupported('spec.scope', value, ['Cluster', 'Namespaced'])];
}

function path(value: string, field: string): FieldError[] {
  if (value === '') {
    return [fieldError.required(field)];
  }
  if (!value.startsWith('.')) {
    return [fieldError.invalid(field, value, 'must be a simple json path starting with .')];
  }
  try {
    compileJsonPath(value);
    return [];
  } catch (error) {
    if (error instanceof JsonPathError) {
      return [fieldError.invalid(field, value, error.message)];
    }
    throw error;
  }
}

function column(one: CustomResourceColumnDefinition, field: string): FieldError[] {
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  return [
    ...(one.name ? [] : [fieldError.required(`${field}.name`)]),
    ...(one.type ? COLUMN_TYPES.includes(one.type) ? [] : [fieldError.invalid(`${field}.type`, one.type, types)] : [fieldError.required(`${field}.type`, types)]),
    ...(one.format && !COLUMN_FORMATS.includes(one.format) ? [fieldError.invalid(`${field}.format`, one.format, `must be one of ${COLUMN_FORMATS.join(',')}`)] : []),
    ...path(one.jsonPath ?? '', `${field}.jsonPath`),
  ];
}

function below(value: string | undefined, root: 'spec' | 'status', field: string): FieldError[] {
  const errors = path(value ?? '', field);
  return errors.length > 0 || value?.startsWith(`.${root}.`) === true ? errors : [fieldError.invalid(field, value, `should be a json path under .${root}`)];
}

function scale(one: CustomResourceSubresourceScale, field: string): FieldError[] {
  return [
    ...below(one.specReplicasPath, 'spec', `${field}.specReplicasPath`),
    ...below(one.statusReplicasPath, 'status', `${field}.statusReplicasPath`),
    ...(one.labelSelectorPath && !/^\.(?:spec|status)\./.test(one.labelSelectorPath)
      ? [fieldError.invalid(`${field}.labelSelectorPath`, one.labelSelectorPath, 'should be a json path under either .status or .spec')] : []),
  ];
}

function selectable(fields: readonly SelectableField[], field: string): FieldError[] {
  const seen = new Set<string>();
  const errors = fields.flatMap(({ jsonPath }, index): FieldError[] => {
    const at = `${field}[${index}].jsonPath`;
    if (jsonPath === '') {
      return [fieldError.required(at)];
    }
    if (seen.has(jsonPath)) {
      return [fieldError.duplicate(at, jsonPath)];
    }
    seen.add(jsonPath);
    const steps = simpleSteps(jsonPath);
    if (steps === undefined) {
      return [fieldError.invalid(at, jsonPath, 'is an invalid path: only simple json paths are supported')];
    }
    return steps[0] === 'metadata' ? [fieldError.invalid(at, jsonPath, 'must not point to fields in metadata')] : [];
  });
  return fields.length > MAX_SELECTABLE_FIELDS ? [...errors, fieldError.tooMany(field, fields.length, MAX_SELECTABLE_FIELDS)] : errors;
}

/** The members of versions that Kubernetes shows at the top of the spec when all versions have the same. */
function perVersion(versions: readonly CustomResourceDefinitionVersion[]): FieldError[] {
  const place = (name: 'additionalPrinterColumns' | 'subresources' | 'selectableFields', index: number): string | undefined => {
    const shared = isShared(versions, name);
    return shared && index > 0 ? undefined : shared ? `spec.${name}` : `spec.versions[${index}].${name}`;
  };
  return versions.flatMap((version, index) => {
    const [columns, subresources, fields] = [place('additionalPrinterColumns', index), place('subresources', index), place('selectableFields', index)];
    return [
      ...(columns === undefined ? [] : (version.additionalPrinterColumns ?? []).flatMap((one, at) => column(one, `${columns}[${at}]`))),
      ...(subresources === undefined || version.subresources?.scale === undefined ? [] : scale(version.subresources.scale, `${subresources}.scale`)),
      ...(fields === undefined ? [] : selectable(version.selectableFields ?? [], fields)),
    ];
  });
}

function versions(all: readonly CustomResourceDefinitionVersion[]): FieldError[] {
  const errors = all.flatMap(({ name, deprecated, deprecationWarning }, index) => {
    const field = `spec.versions[${index}]`;
    const wrong = validateDns1035Label(name);
    return [
      ...(wrong.length === 0 ? [] : [fieldError.invalid(`${field}.name`, name, wrong.join(','))]),
      ...(deprecationWarning !== undefined && deprecated !== true
        ? [fieldError.invalid(`${field}.deprecationWarning`, deprecationWarning, 'can only be set for deprecated versions')] : []),
      ...(deprecationWarning !== undefined && (deprecationWarning.length === 0 || deprecationWarning.length > 256)
        ? [fieldError.invalid(`${field}.deprecationWarning`, deprecationWarning, 'must be between 1 and 256 characters')] : []),
    ];
  });
  const shown = all.map(({ name }) => name);
  if (new Set(shown).size !== shown.length) {
    errors.push(fieldError.invalid('spec.versions', shown, 'must contain unique version names'));
  }
  if (all.filter(({ storage }) => storage).length !== 1) {
    errors.push(fieldError.invalid('spec.versions', shown, 'must have exactly one version marked as storage version'));
  }
  return errors;
}

function clientConfig(config: WebhookClientConfig | undefined, field: string): FieldError[] {
  if (config === undefined) {
    return [fieldError.required(field, 'required when strategy is set to Webhook')];
  }
  const { url, service } = config;
  if ((url === undefined) === (service === undefined)) {
    return [fieldError.required(field, 'exactly one of url or service is required')];
  }
  if (url !== undefined) {
    return URL.canParse(url) && new URL(url).protocol === 'https:' ? []
      : [fieldError.invalid(`${field}.url`, url, "'https' is the only allowed URL scheme; desired format: https://host[/path]")];
  }
  return service === undefined ? [] : serviceReference(service, `${field}.service`);
}

function serviceReference(service: ServiceReference, field: string): FieldError[] {
  return [
    ...(service.name ? [] : [fieldError.required(`${field}.name`, 'service name is required')]),
    ...(service.namespace ? [] : [fieldError.required(`${field}.namespace`, 'service namespace is required')]),
    ...(service.path && !service.path.startsWith('/') ? [fieldError.invalid(`${field}.path`, service.path, "must start with a '/'")] : []),
    ...(service.port !== undefined && (service.port < 1 || service.port > 65535) ? [fieldError.invalid(`${field}.port`, service.port, 'port is not valid: must be between 1 and 65535, inclusive')] : []),
  ];
}

function conversion(one: CustomResourceConversion | undefined): FieldError[] {
  switch (one?.strategy) {
    case undefined: case 'None':
      return one?.webhook === undefined ? [] : [fieldError.forbidden('spec.conversion.webhookClientConfig', 'should not be set when strategy is not set to Webhook')];
    case 'Webhook': {
      const reviews = one.webhook?.conversionReviewVersions ?? [];
      const field = 'spec.conversion.conversionReviewVersions';
      return [
        ...clientConfig(one.webhook?.clientConfig, 'spec.conversion.webhookClientConfig'),
        ...(reviews.length === 0 ? [fieldError.required(field)] : reviews.includes('v1') ? []
          : [fieldError.invalid(field, reviews, 'must include at least one of v1')]),
      ];
    }
    case '': return [fieldError.required('spec.conversion.strategy')];
    default: return [fieldError.notSupported('spec.conversion.strategy', one?.strategy, ['None', 'Webhook'])];
  }
}

/** Protected groups need the word of their owners. */
export function approval(definition: CustomResourceDefinition): 'unprotected' | 'approved' | 'unapproved' | 'missing' | 'invalid' {
  if (!PROTECTED.test(definition.spec.group ?? '')) {
    return 'unprotected';
  }
  const annotation = definition.metadata.annotations?.[APPROVED_ANNOTATION] ?? '';
  if (annotation === '') {
    return 'missing';
  }
  return annotation.startsWith('unapproved') ? 'unapproved' : URL.canParse(annotation) ? 'approved' : 'invalid';
}

function approvalErrors(definition: CustomResourceDefinition): FieldError[] {
  const field = 'metadata.annotations[api-approved.kubernetes.io]';
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111';
  switch (approval(definition)) {
    case 'missing': return [fieldError.required(field, `protected groups must have approval annotation "api-approved.kubernetes.io", ${see}`)];
    case 'invalid': return [fieldError.invalid(field, definition.metadata.annotations?.[APPROVED_ANNOTATION],
      `protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", ${see}`)];
    default: return [];
  }
}

/** Everything but schemas and metadata. */
export function validateDefinition(definition: CustomResourceDefinition): FieldError[] {
  const { metadata, spec } = definition;
  const all = spec.versions ?? [];
  const plural = spec.names?.plural ?? '';
  return [
    ...(metadata.name === `${plural}.${spec.group ?? ''}` ? [] : [fieldError.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...group(spec.group ?? ''), ...scope(spec.scope ?? ''), ...versions(all), ...requiredNames(spec.names ?? {}), ...names(spec.names ?? {}, 'spec.names'),
    ...(spec.preserveUnknownFields === true ? [fieldError.invalid('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead')] : []),
    ...perVersion(all), ...conversion(spec.conversion),
  ];
}

export const validateNewDefinition = approvalErrors;

const isEstablished = (definition: CustomResourceDefinition): boolean =>
  definition.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true;

/** What stays as it is once objects can be stored. */
export function validateDefinitionUpdate(definition: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const { spec } = definition;
  const stored = definition.status?.storedVersions ?? [];
  return [
    ...(isEstablished(old) ? [...immutable('spec.scope', spec.scope, old.spec.scope), ...immutable('spec.names.kind', spec.names.kind, old.spec.names.kind)] : []),
    ...immutable('spec.group', spec.group, old.spec.group), ...immutable('spec.names.plural', spec.names.plural, old.spec.names.plural),
    ...stored.flatMap((name, index) => (spec.versions.some((one) => one.name === name) ? []
      : [fieldError.invalid(`status.storedVersions[${index}]`, name, 'missing from spec.versions; '
        + `${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`)])),
    ...(old.spec.group === spec.group && approval(old) !== 'missing' ? approvalErrors(definition) : []),
  ];
}

/** Of an update through `/status`: versions that were stored are not invented. */
export function validateDefinitionStatus(definition: CustomResourceDefinition): FieldError[] {
  const storage = definition.spec.versions.find((one) => one.storage)?.name;
  const stored = definition.status?.storedVersions ?? [];
  return storage === undefined || stored.length === 0 || stored.includes(storage) ? []
    : [fieldError.invalid('status.storedVersions', stored, `must have the storage version ${storage}`)];
}
