package helm_test

import (
	"strings"
	"testing"
)

// combinations are sets of values that work, by name, without the four values. The
// tests of objects run for each of them.
var combinations = map[string]string{
	"four values": "",
	"every variable that needs no other": `
config:
  prefix: /_gate
  scope: snsapi_userinfo
  sessionTtl: 2h
  sessionMaxTtl: 48h
  cookieName: shop
  publicPaths: [/static/, "GET /news/{id}", "/{$}"]
  apiPaths: [/api/]
  outsideWechat: page
  keepFragment: true
  snapshotUsers: deny
  requireFollow: true
  followQrUrl: /static/qr.png
  followRecheck: 5m
  jssdk: true
  verifyFiles: [abc123, def456]
  trustedProxies: [10.244.0.0/16, "fd00::/8"]
  returnHosts: [shop.example.com]
  loginRate: 100/1m
  maxBody: 10MiB
  upstreamTimeout: 30s
  stallTimeout: 2m
  wechatTimeout: 3s
  wechatOpenUrl: https://open.weixin.qq.com
  logLevel: warn
  logFormat: console
  accessLog: false
  drainDelay: 15s
  shutdownTimeout: 1m30s
`,
	"variables that are false or 0": `
config: {keepFragment: false, requireFollow: false, jssdk: false, accessLog: true, loginRate: "0", maxBody: "0",
  stallTimeout: "0", drainDelay: 0s}
`,
	"variables that are numbers": "config: {loginRate: 0, maxBody: 1048576}",
	"upstreams by path": `
config:
  upstream:
    - {path: /, url: "http://web:80"}
    - {path: /api/, url: "h2c://api:9000"}
    - {path: /old/, url: "https://old.other.svc.cluster.local"}
files: {upstreamCa: {configMap: site-ca}}
`,
	"secrets elsewhere": `
existingSecret: ""
secrets:
  appSecret: {existingSecret: account, key: secret}
  cookieKeys: {existingSecret: keys, key: current}
`,
	"every secret and file": `
config: {outsideWechat: qrconnect, qrAppId: wxbbbbbbbbbbbbbbbb, sessionStore: redis, passAccessToken: true,
  hubSites: ["https://a.example.com", "https://b.example.com"]}
secrets:
  qrAppSecret: {key: qr-app-secret}
  redisUrl: {existingSecret: redis, key: url}
  adminToken: {key: admin-token}
  hubKey: {key: hub-key}
  assertionKeys: {existingSecret: signing, key: assertion.pem}
files:
  allowOpenids: {configMap: lists, key: allow.txt}
  denyOpenids: {secret: lists, key: deny.txt}
  redisCa: {secret: redis-ca}
  upstreamCa: {configMap: site-ca}
  pages: {configMap: pages}
`,
	"hub's site":       "config: {hubUrl: 'https://auth.example.com'}\nsecrets: {hubKey: {key: hub-key}}",
	"legacy tokens":    "config: {tokenMode: legacy}\nsecrets: {redisUrl: {key: redis-url}}",
	"one legacy pod":   "config: {tokenMode: legacy}\nreplicaCount: 1",
	"TLS at wxgate":    "tls: {existingSecret: h5-tls}\nservice: {type: LoadBalancer, port: 443}",
	"plain http":       "config: {publicUrl: 'http://h5.example.com'}",
	"public port":      "config: {publicUrl: 'https://h5.example.com:8443'}",
	"other ports":      "containerPorts: {http: 8000, admin: 9000}\nservice: {port: 80}",
	"relay":            relayPeers + "config: {relayPaths: [/cgi-bin/menu/get], relayHosts: [relay.example.com]}",
	"relay, no policy": "config: {relayPaths: [/cgi-bin/menu/get]}\nnetworkPolicy: {enabled: false, openRelay: true}",
	"one pod":          "replicaCount: 1",
	"autoscaling": `
autoscaling: {enabled: true, minReplicas: 3, maxReplicas: 30, targetCPUUtilizationPercentage: 60}
podDisruptionBudget: {maxUnavailable: 25%}
`,
	"autoscaling from one pod": "autoscaling: {enabled: true, minReplicas: 1, maxReplicas: 1}",
	"no budget":                "podDisruptionBudget: {enabled: false}",
	"no CPU request": `
resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 1Gi, cpu: "2"}}
go: {gc: "50"}
`,
	"own memory limit": "go: {memLimit: 200MiB}",
	"tracing": `
tracing: {endpoint: "http://otel-collector:4318", protocol: grpc, sampler: parentbased_traceidratio, samplerArg: "0.1"}
`,
	"tracing with a token": `
tracing: {endpoint: "https://otel.example.com/v1", headers: {existingSecret: collector, key: otlp-headers}}
`,
	"network policies": `
networkPolicy:
  from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: envoy-gateway-system}}}]
  monitoringNamespaces: [monitoring, observability]
  siteSelector: {app.kubernetes.io/name: web}
`,
	"no network policies":   "networkPolicy: {enabled: false}",
	"no admin peers":        "networkPolicy: {monitoringNamespaces: []}\ntest: {enabled: false}",
	"no test":               "test: {enabled: false}",
	"names":                 "nameOverride: gate\nserviceAccount: {name: robot, annotations: {a: b}}",
	"full name":             "fullnameOverride: shop-gate",
	"long names":            "nameOverride: " + strings.Repeat("n", 63),
	"the longest full name": "fullnameOverride: " + strings.Repeat("f", 50),
	"no service account":    "serviceAccount: {create: false}",
	"image by digest": `
image:
  repository: registry.example.com/wxgate
  digest: "sha256:` + strings.Repeat("0123456789abcdef", 4) + `"
  pullPolicy: Always
imagePullSecrets: [{name: registry}]
`,
	"image by tag": "image: {tag: 1.2.3}",
	"extras": `
commonLabels: {team: web}
commonAnnotations: {owner: web@example.com}
podLabels: {tier: gate}
podAnnotations: {sidecar.istio.io/inject: "false"}
deploymentAnnotations: {reloader.example.com/auto: "true"}
service: {annotations: {a: b}}
extraEnv: [{name: TZ, value: Asia/Shanghai}, {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
extraEnvFrom: [{configMapRef: {name: more, optional: true}}]
extraVolumes: [{name: tmp, emptyDir: {}}]
extraVolumeMounts: [{name: tmp, mountPath: /tmp}]
extraContainers:
  - name: logs
    image: registry.example.com/logs:1.0.0
    securityContext: &restricted
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
initContainers:
  - name: wait
    image: registry.example.com/wait:1.0.0
    securityContext: *restricted
extraObjects:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: '{{ include "wxgate.fullname" . }}-more'}
    data: {A: "1"}
  - |
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: {{ .Release.Name }}-text
nodeSelector: {kubernetes.io/arch: arm64}
tolerations: [{key: gate, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
  {matchExpressions: [{key: pool, operator: In, values: [web]}]}]}}}
priorityClassName: high
hostAliases: [{ip: 10.0.0.1, hostnames: [web]}]
dnsPolicy: ClusterFirst
dnsConfig: {options: [{name: ndots, value: "1"}]}
terminationGracePeriodSeconds: 90
revisionHistoryLimit: 2
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: DoNotSchedule
    labelSelector: {matchLabels: {app.kubernetes.io/name: wxgate}}
`,
	"every monitor": `
metrics:
  serviceMonitor: {enabled: true, labels: {release: prometheus}, interval: 15s}
  prometheusRule: {enabled: true, labels: {release: prometheus}}
  dashboard: {enabled: true, annotations: {grafana_folder: Gateways}}
  podAnnotations: true
`,
	"pod monitor": "metrics: {podMonitor: {enabled: true}}\ntest: {enabled: false}",
}

// withFour returns the values of a combination after the four values. The values may
// be several documents, each of which overrides those before it.
func withFour(values string) release {
	return release{values: append([]string{fourValues}, strings.Split(values, "\n---\n")...)}
}

func TestCombinations(t *testing.T) {
	t.Parallel()
	for name, r := range everyRelease() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			os := mustRender(t, r).objects
			check(t, os)
			checkStarts(t, os)
		})
	}
}

// everyRelease returns all combinations, and those that need another release.
func everyRelease() map[string]release {
	all := map[string]release{
		"another namespace":  {namespace: "team-a", values: []string{fourValues}},
		"another name":       {name: "shop", values: []string{fourValues}},
		"a name with wxgate": {name: "wxgate-shop", values: []string{fourValues}},
		"the longest name":   {name: "r" + strings.Repeat("0123456789", 5) + "xy", values: []string{fourValues}},
		"the oldest Kubernetes": {
			kube: "v1.27.0", values: []string{fourValues},
		},
		"a cloud's Kubernetes": {kube: "v1.31.2-gke.100", values: []string{fourValues}},
	}
	for _, of := range []map[string]string{combinations, modes, manySites} {
		for name, values := range of {
			all[name] = withFour(values)
		}
	}
	return all
}
