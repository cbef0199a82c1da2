/** Every package of message types, joined into one table. A new package is added here and nowhere else. */
import { parseTypes, type MessageType, type TypeTable } from '../apimachinery/typetable.ts';
import { admissionregistrationV1Types } from './admissionregistration/types.ts';
import { apiextensionsV1Types } from './apiextensions/types.ts';
import { apiregistrationV1Types } from './apiregistration/types.ts';
import { appsV1Types } from './apps/types.ts';
import { authenticationV1Types } from './authentication/types.ts';
import { authorizationV1Types } from './authorization/types.ts';
import { autoscalingV1Types } from './autoscaling/types.ts';
import { autoscalingV2Types } from './autoscaling/types.v2.ts';
import { batchV1Types } from './batch/types.ts';
import { certificatesV1Types } from './certificates/types.ts';
import { coordinationV1Types } from './coordination/types.ts';
import { coreV1Types } from './core/types.ts';
import { discoveryV1Types } from './discovery/types.ts';
import { eventsV1Types } from './events/types.ts';
import { flowcontrolV1Types } from './flowcontrol/types.ts';
import { kubevirtV1Types } from './kubevirt/types.ts';
import { metaV1Types } from './meta/types.ts';
import { networkingV1Types } from './networking/types.ts';
import { nodeV1Types } from './node/types.ts';
import { policyV1Types } from './policy/types.ts';
import { rbacV1Types } from './rbac/types.ts';
import { resourceV1Types } from './resource/types.ts';
import { schedulingV1Types } from './scheduling/types.ts';
import { storageV1Types } from './storage/types.ts';

/** Package → text, in the order the generator writes them. */
export const TYPE_PACKAGES: Readonly<Record<string, string>> = {
  'meta/v1': metaV1Types,
  'core/v1': coreV1Types,
  'admissionregistration/v1': admissionregistrationV1Types,
  'apiextensions/v1': apiextensionsV1Types,
  'apiregistration/v1': apiregistrationV1Types,
  'apps/v1': appsV1Types,
  'authentication/v1': authenticationV1Types,
  'authorization/v1': authorizationV1Types,
  'autoscaling/v1': autoscalingV1Types,
  'autoscaling/v2': autoscalingV2Types,
  'batch/v1': batchV1Types,
  'certificates/v1': certificatesV1Types,
  'coordination/v1': coordinationV1Types,
  'discovery/v1': discoveryV1Types,
  'events/v1': eventsV1Types,
  'flowcontrol/v1': flowcontrolV1Types,
  'networking/v1': networkingV1Types,
  'node/v1': nodeV1Types,
  'policy/v1': policyV1Types,
  'rbac/v1': rbacV1Types,
  'resource/v1': resourceV1Types,
  'scheduling/v1': schedulingV1Types,
  'storage/v1': storageV1Types,
  'kubevirt/v1': kubevirtV1Types,
};

export function loadTypes(): TypeTable {
  const table = new Map<string, MessageType>();
  for (const [pkg, text] of Object.entries(TYPE_PACKAGES)) {
    for (const message of parseTypes(pkg, text)) {
      table.set(message.name, message);
    }
  }
  return table;
}
