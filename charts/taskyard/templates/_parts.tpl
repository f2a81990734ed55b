{{/* Parts that several objects have in common. */}}

{{- define "taskyard.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Labels of an object. Takes (dict "root" $ "component" "operator"). */}}
{{- define "taskyard.labels" -}}
{{ include "taskyard.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | quote }}
{{- end }}

{{/* Labels that never change, for selectors. */}}
{{- define "taskyard.selector" -}}
app.kubernetes.io/name: taskyard
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Environment of operator and gateway: how many inputs may wait. Takes $. */}}
{{- define "taskyard.inputs.env" }}
- name: TASKYARD_MAX_QUEUED_PER_TASK
  value: {{ .Values.operator.inputs.maxQueuedPerTask | int | quote }}
- name: TASKYARD_MAX_QUEUED_PER_NAMESPACE
  value: {{ .Values.operator.inputs.maxQueuedPerNamespace | int | quote }}
{{- end }}

{{/* The Pod template of a process. Takes (dict "root" $ "component" "operator" "settings" .Values.operator
     "ports" [{name, port}] "health" "name of the port" "env" "rendered list",
     where Secrets are mounted "secrets" [{volume, secret, path}], and "grace", seconds to end in (30)). */}}
{{- define "taskyard.pod" -}}
metadata:
  labels:
    {{- include "taskyard.selector" . | nindent 4 }}
  {{- with .settings.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: taskyard-{{ .component }}
  automountServiceAccountToken: true
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .grace | default 30 }}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .settings.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with .settings.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .settings.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .settings.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  # With more than one node or zone, the failure of one does not stop all replicas.
  topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "taskyard.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 64484
    runAsGroup: 64484
    seccompProfile:
      type: RuntimeDefault
  containers:
  - name: {{ .component }}
    image: {{ include "taskyard.image" .root | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    command: [taskyard-{{ .component }}]
    env:
    - name: TASKYARD_NAMESPACE
      valueFrom:
        fieldRef:
          fieldPath: metadata.namespace
    - name: TASKYARD_LOG_LEVEL
      value: {{ .root.Values.logLevel }}
    {{- .env | trim | nindent 4 }}
    ports:
    {{- range .ports }}
    - name: {{ .name }}
      containerPort: {{ .port }}
    {{- end }}
    livenessProbe:
      httpGet:
        path: /healthz
        port: {{ .health }}
      initialDelaySeconds: 5
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      httpGet:
        path: /readyz
        port: {{ .health }}
      periodSeconds: 2
      timeoutSeconds: 2
      failureThreshold: 3
    {{- with .settings.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    volumeMounts:
    - name: tmp
      mountPath: /tmp
    {{- range .secrets }}
    - name: {{ .volume }}
      mountPath: {{ .path }}
      readOnly: true
    {{- end }}
  volumes:
  # For libraries that need a temporary file; its contents are not kept.
  - name: tmp
    emptyDir:
      medium: Memory
      sizeLimit: 16Mi
  {{- range .secrets }}
  - name: {{ .volume }}
    secret:
      secretName: {{ .secret | quote }}
      defaultMode: 0444
  {{- end }}
{{- end }}
