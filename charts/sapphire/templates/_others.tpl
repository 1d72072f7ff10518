{{/* Fails where another release works in a namespace of this one, as its bindings tell. A chart that is only rendered sees
none of them. Whoever makes no bindings need not be allowed to list them. */}}
{{- define "sapphire.alone" -}}
{{- $root := . -}}
{{- $group := "rbac.authorization.k8s.io/v1" -}}
{{- $bindings := default list (lookup $group "ClusterRoleBinding" "" "").items -}}
{{- range default (list "") .Values.watchNamespaces -}}
{{- $bindings = concat $bindings (default list (lookup $group "RoleBinding" . "").items) -}}
{{- end -}}
{{- range $bindings -}}
{{- $labels := default dict .metadata.labels -}}
{{- $release := default "" (get $labels "app.kubernetes.io/instance") -}}
{{- $home := default "" (get (default dict .metadata.annotations) "meta.helm.sh/release-namespace") -}}
{{- $is := eq (default "" (get $labels "app.kubernetes.io/name")) "sapphire-operator" -}}
{{- $works := eq .metadata.name (include "sapphire.name" (dict "Release" (dict "Name" $release))) -}}
{{- $another := or (ne $release $root.Release.Name) (ne $home $root.Release.Namespace) -}}
{{- if and $is $works $another -}}
{{- fail (printf "release %s in namespace %s works in %s already, and two operators must not share a namespace; uninstall it, or give both watchNamespaces of their own" $release $home (default "all namespaces" .metadata.namespace)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
