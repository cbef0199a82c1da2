import { validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { immutable, nameErrors } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { VolumeAttachment, VolumeAttachmentSource, VolumeAttachmentStatus, VolumeError } from '../generated/storage.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { driverName } from '../namechecks.ts';
import { keepStatus } from '../strategy.ts';

const MAX_MESSAGE = 1024;
const ONE_SOURCE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';

function sourceErrors(field: string, { persistentVolumeName, inlineVolumeSpec }: VolumeAttachmentSource): FieldError[] {
  if (persistentVolumeName === undefined && inlineVolumeSpec === undefined) {
    return [fieldError.required(field, ONE_SOURCE)];
  }
  if (persistentVolumeName !== undefined && inlineVolumeSpec !== undefined) {
    return [fieldError.forbidden(field, ONE_SOURCE)];
  }
  return persistentVolumeName === '' ? [fieldError.required(`${field}.persistentVolumeName`, 'must specify non empty persistentVolumeName')] : [];
}

const messageErrors = (field: string, error: VolumeError | undefined): FieldError[] =>
  ((error?.message ?? '').length > MAX_MESSAGE ? [fieldError.tooLong(`${field}.message`, MAX_MESSAGE)] : []);

const statusErrors = (status: VolumeAttachmentStatus | undefined): FieldError[] => [
  ...messageErrors('status.attachError', status?.attachError), ...messageErrors('status.detachError', status?.detachError),
];

export const volumeAttachment = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io', version: 'v1', kind: 'VolumeAttachment', plural: 'volumeattachments', singular: 'volumeattachment',
  namespaced: false, type: 'storage/v1.VolumeAttachment', origin: 'builtin', status: true,
  columns: [
    NAME,
    column('Attacher', ({ spec }) => spec.attacher ?? ''),
    column('PV', ({ spec }) => spec.source?.persistentVolumeName ?? ''),
    column('Node', ({ spec }) => spec.nodeName ?? ''),
    column('Attached', ({ status }) => status?.attached === true, { type: 'boolean' }),
    AGE,
  ],
  rules: {
    generation: false,
    defaults(object) { object.spec ??= { attacher: '', source: {}, nodeName: '' }; },
    prepareCreate(object) { object.status = { attached: false }; },
    prepareUpdate: keepStatus,
    validate: ({ spec }) => [
      ...driverName('spec.attacher', spec.attacher),
      ...sourceErrors('spec.source', spec.source ?? {}),
      ...nameErrors('spec.nodeName', spec.nodeName ?? '', validateDns1123Subdomain),
    ],
    validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
    validateStatus: ({ status }) => statusErrors(status),
    warnings: inert('VolumeAttachment', 'the node here does not attach volumes of drivers yet'),
  },
});
