/** The rules of storage.k8s.io, one by one. */
import { csiDriver } from './csidriver.ts';
import { csiNode } from './csinode.ts';
import { csiStorageCapacity } from './csistoragecapacity.ts';
import { storageClass } from './storageclass.ts';
import { volumeAttachment } from './volumeattachment.ts';
import { volumeAttributesClass } from './volumeattributesclass.ts';
import { QUALIFIED, SUBDOMAIN, testRules } from '../ruletable.ts';

testRules(csiDriver, {
  base: { metadata: { name: 'csi.example.com' }, spec: {} },
  create: [
    ['metadata.name', '-x', `name: Invalid value: "-x": ${SUBDOMAIN}`],
    ['metadata.name', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', 'name: Too long: may not be more than 63 bytes'],
    ['spec.fsGroupPolicy', 'Always', 'spec.fsGroupPolicy: Unsupported value: "Always": supported values: "File", "None", "ReadWriteOnceWithFSType"'],
    ['spec.volumeLifecycleModes', ['Eternal'], 'spec.volumeLifecycleModes: Unsupported value: "Eternal": supported values: "Ephemeral", "Persistent"'],
    ['spec.tokenRequests', [{ audience: 'a' }, { audience: 'a' }], 'spec.tokenRequests[1].audience: Duplicate value: "a"'],
    ['spec.tokenRequests', [{ audience: 'a', expirationSeconds: 60 }],
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes'],
    ['spec.tokenRequests', [{ audience: 'a', expirationSeconds: 4294967297 }],
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds'],
    ['spec.nodeAllocatableUpdatePeriodSeconds', 5, 'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 5: must be greater than or equal to 10 seconds'],
  ],
  update: [
    ['spec.attachRequired', false, 'spec.attachRequired: Invalid value: false: field is immutable'],
    ['spec.volumeLifecycleModes', ['Ephemeral'], 'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable'],
  ],
});

testRules(csiNode, {
  base: { spec: { drivers: [{ name: 'csi.example.com', nodeID: 'one', topologyKeys: ['zone'] }] } },
  create: [
    ['spec.drivers.0.name', undefined, 'spec.drivers[0].name: Required value'],
    ['spec.drivers.0.nodeID', undefined, 'spec.drivers[0].nodeID: Required value'],
    ['spec.drivers.0.nodeID', 'x'.repeat(257),
      'spec.drivers[0].nodeID: Invalid value: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": must be 256 characters or less'],
    ['spec.drivers.0.allocatable', { count: -1 }, 'spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.drivers.0.topologyKeys', ['zone', 'zone'], 'spec.drivers[0].topologyKeys: Duplicate value: "zone"'],
    ['spec.drivers.0.topologyKeys', ['-'], `spec.drivers[0].topologyKeys: Invalid value: "-": ${QUALIFIED}`],
    ['spec.drivers', [{ name: 'a.b', nodeID: '1' }, { name: 'a.b', nodeID: '2' }], 'spec.drivers[1].name: Duplicate value: "a.b"'],
  ],
  update: [
    ['spec.drivers.0.nodeID', 'two', 'CSINodeDriver: Invalid value: {"name":"csi.example.com","nodeID":"two","topologyKeys":["zone"]}: field is immutable'],
  ],
});

testRules(csiStorageCapacity, {
  base: { storageClassName: 'fast', capacity: '1Gi' },
  create: [
    ['storageClassName', undefined, `storageClassName: Invalid value: "": ${SUBDOMAIN}`],
    ['storageClassName', 'F_', `storageClassName: Invalid value: "F_": ${SUBDOMAIN}`],
    ['nodeTopology', { matchExpressions: [{ key: 'zone', operator: 'Near' }] },
      'nodeTopology.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator'],
    ['capacity', '-1', 'capacity: Invalid value: "-1": must be greater than or equal to 0'],
    ['maximumVolumeSize', '-1', 'maximumVolumeSize: Invalid value: "-1": must be greater than or equal to 0'],
  ],
  update: [
    ['storageClassName', 'slow', 'storageClassName: Invalid value: "slow": field is immutable'],
    ['nodeTopology', { matchLabels: { zone: 'a' } }, 'nodeTopology: Invalid value: {"matchLabels":{"zone":"a"}}: field is immutable'],
  ],
});

testRules(storageClass, {
  base: { provisioner: 'example.com/disk', parameters: { type: 'ssd' } },
  create: [
    ['provisioner', undefined, 'provisioner: Required value'],
    ['provisioner', 'a b', `provisioner: Invalid value: "a b": ${QUALIFIED}`],
    ['parameters', { '': 'x' }, 'parameters: Invalid value: "": field can not be empty.'],
    ['parameters', ({ a: 'x'.repeat(262_144) }), 'parameters: Too long: may not be more than 262144 bytes'],
    ['parameters', Object.fromEntries(Array.from({ length: 513 }, (_, index) => [`k${index}`, ''])), 'parameters: Too long: may not be more than 512 bytes'],
    ['reclaimPolicy', 'Keep', 'reclaimPolicy: Unsupported value: "Keep": supported values: "Delete", "Recycle", "Retain"'],
    ['volumeBindingMode', 'Never', 'volumeBindingMode: Unsupported value: "Never": supported values: "Immediate", "WaitForFirstConsumer"'],
    ['allowedTopologies', [{ matchLabelExpressions: [{ key: 'zone', values: [] }] }], 'allowedTopologies[0].matchLabelExpressions[0].values: Required value'],
    ['allowedTopologies', [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'a'] }] }],
      'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"'],
    ['allowedTopologies', [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }, { key: 'zone', values: ['b'] }] }],
      'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "zone"'],
    ['allowedTopologies', [{ matchLabelExpressions: [{ key: '-', values: ['a'] }] }],
      `allowedTopologies[0].matchLabelExpressions[0].key: Invalid value: "-": ${QUALIFIED}`],
  ],
  update: [
    ['provisioner', 'example.com/other', 'provisioner: Forbidden: updates to provisioner are forbidden.'],
    ['parameters', { type: 'disk' }, 'parameters: Forbidden: updates to parameters are forbidden.'],
    ['reclaimPolicy', 'Retain', 'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.'],
    ['volumeBindingMode', 'WaitForFirstConsumer', 'volumeBindingMode: Forbidden: updates to volumeBindingMode are forbidden.'],
  ],
});

testRules(volumeAttachment, {
  base: { spec: { attacher: 'csi.example.com', nodeName: 'one', source: { persistentVolumeName: 'v' } } },
  create: [
    ['spec.attacher', undefined, 'spec.attacher: Required value'],
    ['spec.source', {}, 'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
    ['spec.source', { persistentVolumeName: '' }, 'spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName'],
    ['spec.source', { persistentVolumeName: 'v', inlineVolumeSpec: {} }, 'spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
    ['spec.nodeName', undefined, `spec.nodeName: Invalid value: "": ${SUBDOMAIN}`],
  ],
  update: [
    ['spec.nodeName', 'two', 'spec: Invalid value: {"attacher":"csi.example.com","nodeName":"two","source":{"persistentVolumeName":"v"}}: field is immutable'],
  ],
  status: [
    ['status', ({ attached: false, attachError: { message: 'x'.repeat(1025) }, detachError: { message: 'x'.repeat(1025) } }),
      'status.attachError.message: Too long: may not be more than 1024 bytes',
      'status.detachError.message: Too long: may not be more than 1024 bytes'],
  ],
});

testRules(volumeAttributesClass, {
  base: { driverName: 'csi.example.com', parameters: { iops: '1' } },
  create: [
    ['driverName', undefined, 'driverName: Required value'],
    ['driverName', 'a b', `driverName: Invalid value: "a b": ${QUALIFIED}`],
    ['parameters', undefined, 'parameters: Required value: must contain at least one key/value pair'],
    ['parameters', { '': 'x' }, 'parameters: Invalid value: "": field can not be empty.'],
  ],
  update: [
    ['driverName', 'csi.example.org', 'driverName: Forbidden: updates to driverName are forbidden.'],
    ['parameters', { iops: '2' }, 'parameters: Forbidden: updates to parameters are forbidden.'],
  ],
});
