/**
 * Fields that are pointers in Go and therefore tell absence from zero: `replicas: 0` means none, while an int that is no pointer
 * and holds 0 was simply not given. Protobuf alone cannot tell them apart, since Go writes both kinds of field.
 */
const POINTERS = `
meta/v1.ObjectMeta deletionGracePeriodSeconds
meta/v1.OwnerReference controller blockOwnerDeletion
meta/v1.DeleteOptions gracePeriodSeconds orphanDependents propagationPolicy
meta/v1.Preconditions uid resourceVersion
meta/v1.ListMeta remainingItemCount
core/v1.AzureDiskVolumeSource cachingMode fsType readOnly kind
core/v1.AzureFilePersistentVolumeSource secretNamespace
core/v1.CSIVolumeSource readOnly fsType
core/v1.ClientIPConfig timeoutSeconds
core/v1.ClusterTrustBundleProjection name signerName optional
core/v1.ConfigMap immutable
core/v1.ConfigMapEnvSource optional
core/v1.ConfigMapKeySelector optional
core/v1.ConfigMapProjection optional
core/v1.ConfigMapVolumeSource defaultMode optional
core/v1.Container restartPolicy
core/v1.ContainerRestartRule exitCodes
core/v1.ContainerStatus started stopSignal
core/v1.DownwardAPIVolumeFile mode
core/v1.DownwardAPIVolumeSource defaultMode
core/v1.EndpointAddress nodeName
core/v1.EndpointPort appProtocol
core/v1.EphemeralContainer restartPolicy
core/v1.FCVolumeSource lun
core/v1.FileKeySelector optional
core/v1.GRPCAction service
core/v1.GlusterfsPersistentVolumeSource endpointsNamespace
core/v1.HostPathVolumeSource type
core/v1.ISCSIPersistentVolumeSource initiatorName
core/v1.ISCSIVolumeSource initiatorName
core/v1.KeyToPath mode
core/v1.Lifecycle stopSignal
core/v1.LoadBalancerIngress ipMode
core/v1.LocalVolumeSource fsType
core/v1.NodeFeatures supplementalGroupsPolicy
core/v1.NodeRuntimeHandlerFeatures recursiveReadOnlyMounts userNamespaces
core/v1.PersistentVolumeClaimSpec storageClassName volumeMode volumeAttributesClassName
core/v1.PersistentVolumeClaimStatus currentVolumeAttributesClassName
core/v1.PersistentVolumeSpec volumeMode volumeAttributesClassName
core/v1.PodCertificateProjection maxExpirationSeconds
core/v1.PodDNSConfigOption value
core/v1.PodResourceClaim resourceClaimName resourceClaimTemplateName
core/v1.PodResourceClaimStatus resourceClaimName
core/v1.PodSecurityContext runAsUser runAsGroup runAsNonRoot fsGroup fsGroupChangePolicy supplementalGroupsPolicy seLinuxChangePolicy
core/v1.PodSpec terminationGracePeriodSeconds activeDeadlineSeconds automountServiceAccountToken shareProcessNamespace priority runtimeClassName enableServiceLinks preemptionPolicy setHostnameAsFQDN hostUsers hostnameOverride
core/v1.PortStatus error
core/v1.Probe terminationGracePeriodSeconds
core/v1.ProjectedVolumeSource defaultMode
core/v1.ReplicationControllerSpec replicas
core/v1.SeccompProfile localhostProfile
core/v1.AppArmorProfile localhostProfile
core/v1.Secret immutable
core/v1.SecretEnvSource optional
core/v1.SecretKeySelector optional
core/v1.SecretProjection optional
core/v1.SecretVolumeSource defaultMode optional
core/v1.SecurityContext privileged runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation procMount
core/v1.ServiceAccount automountServiceAccountToken
core/v1.ServiceAccountTokenProjection expirationSeconds
core/v1.ServicePort appProtocol
core/v1.ServiceSpec ipFamilyPolicy allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy trafficDistribution
core/v1.Toleration tolerationSeconds
core/v1.TopologySpreadConstraint minDomains nodeAffinityPolicy nodeTaintsPolicy
core/v1.TypedLocalObjectReference apiGroup
core/v1.TypedObjectReference apiGroup namespace
core/v1.VolumeMount mountPropagation recursiveReadOnly
core/v1.VolumeMountStatus recursiveReadOnly
core/v1.WindowsSecurityContextOptions gmsaCredentialSpecName gmsaCredentialSpec runAsUserName hostProcess
apps/v1.DaemonSetSpec revisionHistoryLimit
apps/v1.DaemonSetStatus collisionCount
apps/v1.DeploymentSpec replicas revisionHistoryLimit progressDeadlineSeconds
apps/v1.DeploymentStatus collisionCount terminatingReplicas
apps/v1.ReplicaSetSpec replicas
apps/v1.ReplicaSetStatus terminatingReplicas
apps/v1.RollingUpdateDaemonSet maxUnavailable maxSurge
apps/v1.RollingUpdateDeployment maxUnavailable maxSurge
apps/v1.RollingUpdateStatefulSetStrategy partition maxUnavailable
apps/v1.StatefulSetSpec replicas revisionHistoryLimit
apps/v1.StatefulSetStatus collisionCount
autoscaling/v1.HorizontalPodAutoscalerSpec minReplicas targetCPUUtilizationPercentage
autoscaling/v1.HorizontalPodAutoscalerStatus observedGeneration currentCPUUtilizationPercentage
autoscaling/v2.HPAScalingRules stabilizationWindowSeconds selectPolicy
autoscaling/v2.HorizontalPodAutoscalerSpec minReplicas
autoscaling/v2.HorizontalPodAutoscalerStatus observedGeneration
autoscaling/v2.MetricTarget averageUtilization
autoscaling/v2.MetricValueStatus averageUtilization
batch/v1.CronJobSpec timeZone startingDeadlineSeconds suspend successfulJobsHistoryLimit failedJobsHistoryLimit
batch/v1.JobSpec parallelism completions activeDeadlineSeconds backoffLimit backoffLimitPerIndex maxFailedIndexes manualSelector ttlSecondsAfterFinished completionMode suspend podReplacementPolicy managedBy
batch/v1.JobStatus ready failedIndexes terminating
batch/v1.PodFailurePolicyOnExitCodesRequirement containerName
batch/v1.SuccessPolicyRule succeededIndexes succeededCount
certificates/v1.CertificateSigningRequestSpec expirationSeconds
coordination/v1.LeaseSpec holderIdentity leaseDurationSeconds leaseTransitions strategy preferredHolder
discovery/v1.Endpoint hostname nodeName zone
discovery/v1.EndpointConditions ready serving terminating
discovery/v1.EndpointPort name protocol port appProtocol
flowcontrol/v1.ExemptPriorityLevelConfiguration nominalConcurrencyShares lendablePercent
flowcontrol/v1.LimitedPriorityLevelConfiguration nominalConcurrencyShares lendablePercent borrowingLimitPercent
networking/v1.HTTPIngressPath pathType
networking/v1.IngressClassParametersReference apiGroup scope namespace
networking/v1.IngressPortStatus error
networking/v1.IngressSpec ingressClassName
networking/v1.NetworkPolicyPort protocol port endPort
policy/v1.PodDisruptionBudgetSpec minAvailable maxUnavailable unhealthyPodEvictionPolicy
scheduling/v1.PriorityClass preemptionPolicy
storage/v1.CSIDriverSpec attachRequired podInfoOnMount storageCapacity fsGroupPolicy requiresRepublish seLinuxMount nodeAllocatableUpdatePeriodSeconds serviceAccountTokenInSecrets preventPodSchedulingIfMissing
storage/v1.StorageClass reclaimPolicy allowVolumeExpansion volumeBindingMode
storage/v1.TokenRequest expirationSeconds
storage/v1.VolumeAttachmentSource persistentVolumeName
storage/v1.VolumeError errorCode
storage/v1.VolumeNodeResources count
authentication/v1.TokenRequestSpec expirationSeconds
admissionregistration/v1.MatchResources matchPolicy
admissionregistration/v1.MutatingWebhook failurePolicy matchPolicy sideEffects timeoutSeconds reinvocationPolicy
admissionregistration/v1.NamedRuleWithOperations scope
admissionregistration/v1.ParamRef parameterNotFoundAction
admissionregistration/v1.RuleWithOperations scope
admissionregistration/v1.ServiceReference path port
admissionregistration/v1.ValidatingAdmissionPolicySpec failurePolicy
admissionregistration/v1.MutatingAdmissionPolicySpec failurePolicy
admissionregistration/v1.ValidatingWebhook failurePolicy matchPolicy sideEffects timeoutSeconds
admissionregistration/v1.Validation reason
admissionregistration/v1.WebhookClientConfig url
apiextensions/v1.CustomResourceConversion strategy
apiextensions/v1.CustomResourceDefinitionVersion deprecationWarning
apiextensions/v1.CustomResourceSubresourceScale labelSelectorPath
apiextensions/v1.JSONSchemaProps $ref maximum minimum maxLength minLength maxItems minItems multipleOf maxProperties minProperties x-kubernetes-preserve-unknown-fields x-kubernetes-list-type x-kubernetes-map-type
apiextensions/v1.ServiceReference path port
apiextensions/v1.ValidationRule reason optionalOldSelf
apiextensions/v1.WebhookClientConfig url
apiregistration/v1.ServiceReference port
resource/v1.AllocatedDeviceStatus shareID
resource/v1.CELDeviceSelector expression
resource/v1.Counter value
resource/v1.Device nodeName allNodes bindsToNode allowMultipleAllocations
resource/v1.DeviceAttribute int bool string version
resource/v1.DeviceConstraint matchAttribute distinctAttribute
resource/v1.DeviceClassSpec extendedResourceName
resource/v1.DeviceRequestAllocationResult adminAccess shareID
resource/v1.DeviceToleration tolerationSeconds
resource/v1.ExactDeviceRequest adminAccess
resource/v1.ResourceSliceSpec nodeName allNodes perDeviceNodeSelection
`;

const byMessage = new Map(POINTERS.trim().split('\n').map((line) => {
  const [message = '', ...fields] = line.split(' ');
  return [message, new Set(fields)];
}));

/** True when a zero in this field is a value of its own. `message` is a name of the type table. */
export function isPointer(message: string, field: string): boolean {
  return byMessage.get(message)?.has(field) === true;
}

/** Every entry, for the test that checks them against the tables. */
export const pointerFields = (): Iterable<readonly [message: string, fields: ReadonlySet<string>]> => byMessage;
