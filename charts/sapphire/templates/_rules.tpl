{{/*
What the operator may do with desks, wherever it works. Every rule says which code needs it; a test walks
the verbs that the code uses and compares. No right on Secrets: they are mounted or referenced, never read.
*/}}
{{- define "sapphire.rules" -}}
# watches.rs: everything starts with what people declared.
- apiGroups: [sapphiretrade.xyz]
  resources: [tradingsystems, tradingagents, riskpolicies]
  verbs: [get, list, watch]
# status_writer.rs: the operator alone writes statuses.
- apiGroups: [sapphiretrade.xyz]
  resources: [tradingsystems/status, tradingagents/status, riskpolicies/status]
  verbs: [patch]
# system/deletion.rs: whether the namespace of a desk that is being deleted goes, too; it must not hang.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
{{- if .Values.namespaceProtection.enabled }}
# system/protection.rs: the label by which an admission policy knows a namespace with an exposed desk.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [patch]
{{- end }}
# deletion: finalizers are metadata, and owner references with blockOwnerDeletion need the subresource.
- apiGroups: [sapphiretrade.xyz]
  resources: [tradingsystems, tradingagents, riskpolicies]
  verbs: [patch]
- apiGroups: [sapphiretrade.xyz]
  resources: [tradingsystems/finalizers, tradingagents/finalizers, riskpolicies/finalizers]
  verbs: [update]
# system/build/access.rs: the marker by which the admission policy knows a trader's account; held only to be
# granted on.
- apiGroups: [sapphiretrade.xyz]
  resources: [tradingsystems/report]
  verbs: [create]
# apply.rs and orphans.rs: children. Server-side apply is a patch that may create.
- apiGroups: [""]
  resources: [serviceaccounts, configmaps, services]
  verbs: [get, list, watch, create, patch, delete]
# system/build/volume.rs: journals; a volume goes with its desk only, so there is no delete.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch]
# system/build/migration_pod.rs runs one and removes it; the traders' pods are only looked at.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# makers.rs: whose a pod is that seems older than its desk's Deployment.
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [get]
# revisions.rs: what was rendered, once; never changed afterwards, but for labels that somebody took away.
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# system/build/access.rs: a role per desk. The API server lets nobody grant what he has not; hence the
# rule below.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, list, watch, create, patch, delete]
# reports: traders' Leases are watched; create and update are granted on to the traders.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, update]
# system/build/monitor.rs, where the cluster has the kind.
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors]
  verbs: [get, list, watch, create, patch, delete]
# events.rs: why pods restart, in words; each is an event of its own.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
