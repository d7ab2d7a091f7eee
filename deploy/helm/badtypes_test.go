package helm_test

import (
	"strings"
	"testing"
)

// malformed are values that mean nothing alone. The schema refuses wrong names, types
// and words; its message names the value.
var malformed = map[string]badValue{
	"an unknown value":           {"publicUrl: https://h5.example.com", []string{"publicUrl"}},
	"a misspelt variable":        {"config: {publicURL: 'https://h5.example.com'}", []string{"publicURL"}},
	"a secret as a value":        {"config: {appSecret: abc}", []string{"appSecret"}},
	"keys as a value":            {"config: {cookieKeys: abc}", []string{"cookieKeys"}},
	"a misspelt value of a site": {"sites: [{hots: [a.example.com]}]", []string{"hots"}},
	"a port of a site":           {"sites: [{hosts: [a.example.com], listen: ':1'}]", []string{"listen"}},
	"a site that is no map":      {"sites: [a.example.com]", []string{"/sites/0"}},
	"sites that are a map":       {"sites: {a: {}}", []string{"/sites"}},
	"an unknown mode":            {"mode: reverse-proxy", []string{"/mode"}},
	"pods in words":              {"replicaCount: two", []string{"/replicaCount"}},
	"a fraction of pods":         {"replicaCount: 1.5", []string{"/replicaCount"}},
	"a port of 0":                {"service: {port: 0}", []string{"/service/port"}},
	"a port above all":           {"containerPorts: {http: 65536}", []string{"/containerPorts/http"}},
	"a text for true":            {"ingress: {enabled: 'true'}", []string{"/ingress/enabled"}},
	"a list as a text":           {"config: {publicPaths: /static/}", []string{"/config/publicPaths"}},
	"a duration without unit":    {"config: {drainDelay: '10'}", []string{"config.drainDelay"}},
	"a duration as a number":     {"config: {drainDelay: 10}", []string{"config.drainDelay"}},
	"a duration of a day":        {"config: {sessionTtl: 1d}", []string{"config.sessionTtl"}},
	"a negative duration":        {"config: {sessionTtl: -1h}", []string{"config.sessionTtl"}},
	"no session":                 {"config: {sessionTtl: 0s}", []string{"config.sessionTtl"}},
	"a size in words":            {"config: {maxBody: big}", []string{"config.maxBody"}},
	"a rate without time":        {"config: {loginRate: '600'}", []string{"config.loginRate"}},
	"an unknown scope":           {"config: {scope: snsapi_login}", []string{"/config/scope"}},
	"an unknown store":           {"config: {sessionStore: memory}", []string{"/config/sessionStore"}},
	"an unknown level":           {"config: {logLevel: verbose}", []string{"/config/logLevel"}},
	"an unknown format":          {"config: {logFormat: text}", []string{"/config/logFormat"}},
	"an unknown answer":          {"config: {outsideWechat: block}", []string{"/config/outsideWechat"}},
	"a prefix without slash":     {"config: {prefix: _wx}", []string{"config.prefix"}},
	"a prefix with a last slash": {"config: {prefix: /_wx/}", []string{"config.prefix"}},
	"the whole site as a prefix": {"config: {prefix: /}", []string{"config.prefix"}},
	"a public URL with a path": {
		"config: {publicUrl: 'https://h5.example.com/shop'}", []string{"config.publicUrl", "scheme and host"},
	},
	"a public URL as a host": {
		"config: {publicUrl: h5.example.com}", []string{"config.publicUrl", "scheme and host"},
	},
	"a site's public URL as a host": {
		"sites: [{publicUrl: a.example.com}]", []string{"sites[0].publicUrl", "scheme and host"},
	},
	"an upstream without scheme": {"config: {upstream: 'web:80'}", []string{"config.upstream"}},
	"an upstream with a path":    {"config: {upstream: 'http://web/app'}", []string{"config.upstream"}},
	"an upstream without url":    {"config: {upstream: [{path: /}]}", []string{"/config/upstream"}},
	"an upstream in a list":      {"config: {upstream: ['http://web']}", []string{"/config/upstream"}},
	"a path of an upstream": {
		"config: {upstream: [{path: /, url: 'http://a'}, {path: api, url: 'http://b'}]}", []string{"upstream"},
	},
	"every path is public":        {"config: {publicPaths: [/]}", []string{"config.publicPaths", "/{$}"}},
	"a star in a public path":     {"config: {publicPaths: [/static/*]}", []string{"config.publicPaths"}},
	"a public path without slash": {"config: {publicPaths: [static/]}", []string{"config.publicPaths"}},
	"a comma in a public path":    {"config: {publicPaths: ['/a/,/b/']}", []string{"config.publicPaths"}},
	"a proxy by its name":         {"config: {trustedProxies: [ingress-nginx]}", []string{"config.trustedProxies"}},
	"a file name for a token":     {"config: {verifyFiles: [MP_verify_abc123.txt]}", []string{"config.verifyFiles"}},
	"an API in plain http": {
		"config: {wechatApiUrl: 'http://api.weixin.qq.com'}", []string{"config.wechatApiUrl"},
	},
	"a cookie name with a space":  {"config: {cookieName: 'a b'}", []string{"config.cookieName"}},
	"a cookie domain with a port": {"config: {cookieDomain: 'example.com:8443'}", []string{"config.cookieDomain"}},
	"an AppID with a space":       {"config: {appId: 'wx 123'}", []string{"config.appId"}},
	"a Secret's name in capitals": {"existingSecret: Wxgate", []string{"existingSecret is Wxgate: write the name"}},
	"a Secret in an object":       {"existingSecret: {name: wxgate}", []string{"/existingSecret"}},
	"a site's Secret in capitals": {
		"sites: [{publicUrl: 'https://a.example.com', existingSecret: A b}]",
		[]string{"sites[0].existingSecret is A b"},
	},
	"a secret for a Secret's name": {
		"secrets: {redisUrl: {existingSecret: 'redis://:planted@redis', key: k}}",
		[]string{"secrets.redisUrl.existingSecret"},
	},
	"a secret for a site's Secret": {
		"sites: [{publicUrl: 'https://a.example.com', secrets: {appSecret: {existingSecret: A}}}]",
		[]string{"sites[0].secrets.appSecret.existingSecret is A"},
	},
	"a path for a ConfigMap": {"files: {denyOpenids: {configMap: /etc/openids}}",
		[]string{"files.denyOpenids.configMap"}},
	"a path for TLS":           {"tls: {existingSecret: /etc/tls}", []string{"tls.existingSecret is /etc/tls"}},
	"an image with its tag":    {"image: {tag: 'wxgate:1.0.0'}", []string{"image.tag is wxgate:1.0.0"}},
	"a tag with its digest":    {"image: {tag: '1.0.0@sha256:0123'}", []string{"image.tag"}},
	"a Kubernetes memory unit": {"go: {memLimit: 200Mi}", []string{"go.memLimit is 200Mi", "200MiB"}},
	"a long full name":         {"fullnameOverride: " + strings.Repeat("f", 51), []string{"/fullnameOverride"}},
	"a full name in capitals":  {"fullnameOverride: Wxgate", []string{"/fullnameOverride"}},
	"a name with dots":         {"nameOverride: a.b", []string{"/nameOverride"}},
	"a tag with a colon": {"image: {repository: 'wxgate:1.0.0'}",
		[]string{"image.repository is wxgate:1.0.0", "image.tag"}},
	"a digest without its kind":    {"image: {digest: 0123456789abcdef}", []string{"image.digest", "sha256:"}},
	"an unknown pull policy":       {"image: {pullPolicy: Sometimes}", []string{"/image/pullPolicy"}},
	"a number as a label":          {"commonLabels: {a: 1}", []string{"/commonLabels"}},
	"a number as an annotation":    {"podAnnotations: {a: true}", []string{"/podAnnotations"}},
	"an unknown type of a Service": {"service: {type: ExternalName}", []string{"/service/type"}},
	"no use of the CPU": {
		"autoscaling: {targetCPUUtilizationPercentage: 0}", []string{"/autoscaling/targetCPUUtilizationPercentage"},
	},
	"no grace at all": {"terminationGracePeriodSeconds: -1", []string{"/terminationGracePeriodSeconds"}},
	"a namespace in an object": {
		"networkPolicy: {monitoringNamespaces: monitoring}", []string{"/networkPolicy/monitoringNamespaces"},
	},
	"a peer as a text": {"networkPolicy: {from: [ingress-nginx]}", []string{"/networkPolicy/from"}},
	"a misspelt peer": {
		"networkPolicy: {siteFrom: [{namespaceselector: {matchLabels: {a: b}}}]}", []string{"namespaceselector"},
	},
	"a misspelt selector, which would select all": {
		"networkPolicy: {siteFrom: [{namespaceSelector: {matchlabels: {a: b}}}]}", []string{"matchlabels"},
	},
	"no peer":                    {"networkPolicy: {from: [{}]}", []string{"/networkPolicy/from/0"}},
	"a name of a label":          {"commonLabels: {a b: c}", []string{"/commonLabels", "'a b'"}},
	"a label's text":             {"podLabels: {a: b c}", []string{"/podLabels/a"}},
	"a name of an annotation":    {"podAnnotations: {a/b/c: d}", []string{"/podAnnotations", "'a/b/c'"}},
	"another probe":              {"livenessProbe: {httpGet: {path: /, port: 1}}", []string{"/livenessProbe", "httpGet"}},
	"two kinds of a probe":       {"readinessProbe: {exec: {command: [a]}}", []string{"/readinessProbe", "exec"}},
	"an unknown strategy":        {"strategy: {type: BlueGreen}", []string{"/strategy/type"}},
	"a name that Services lack":  {"fullnameOverride: 1shop", []string{"/fullnameOverride"}},
	"a Gateway as a text":        {"httpRoute: {enabled: true, parentRefs: [eg]}", []string{"/httpRoute/parentRefs"}},
	"TLS as a text":              {"ingress: {tls: [h5-tls]}", []string{"/ingress/tls"}},
	"TLS without a Secret":       {"ingress: {tls: [{hosts: [h5.example.com]}]}", []string{"/ingress/tls"}},
	"a collector without scheme": {"tracing: {endpoint: 'otel-collector:4318'}", []string{"tracing.endpoint"}},
	"an unknown protocol": {
		"tracing: {endpoint: 'http://otel', protocol: http}", []string{"/tracing/protocol"},
	},
	"an interval without unit": {
		"metrics: {podMonitor: {interval: '30'}}", []string{"metrics.podMonitor.interval"},
	},
	"a password in an upstream": {"config: {upstream: 'http://u:planted@web:80'}", []string{"config.upstream"}},
	"a password in one of two upstreams": {
		"config: {upstream: [{path: /, url: 'http://u:planted@web'}]}", []string{"config.upstream"},
	},
	"an upstream inside another": {
		"config: {upstream: [{path: /, url: 'http://web'}, {path: /a/, url: 'http://a,/admin/=http://evil'}]}",
		[]string{"config.upstream"},
	},
	"a password for the collector": {"tracing: {endpoint: 'http://u:planted@c:4318'}", []string{"tracing.endpoint"}},
	"a token for the collector": {"tracing: {endpoint: 'http://c:4318/?token=planted'}",
		[]string{"tracing.endpoint"}},
	"a password in an API's address": {
		"config: {wechatApiUrl: 'https://u:planted@api.weixin.qq.com'}", []string{"config.wechatApiUrl"},
	},
	"a prefix with a space":      {"config: {prefix: '/a b'}", []string{"config.prefix"}},
	"a prefix that is not clean": {"config: {prefix: /a/../b}", []string{"config.prefix"}},
	"a prefix with two slashes":  {"config: {prefix: /a//b}", []string{"config.prefix"}},
	"a prefix with a percent":    {"config: {prefix: /a%2f}", []string{"config.prefix"}},
	"a prefix with a backtick":   {"config: {prefix: '/_wx`) || PathPrefix(`/x'}", []string{"config.prefix"}},
	"a host with a rule in it": {
		"sites: [{hosts: ['a.example.com`) || PathPrefix(`/'], publicUrl: 'https://a.example.com'}]",
		[]string{"sites[0].hosts"},
	},
	"a host name with a rule in it": {httpRoute + "  hostnames: ['a`b']", []string{"/httpRoute/hostnames"}},
	"a variable without a name":     {"extraEnv: [{value: a}]", []string{"/extraEnv"}},
	"variables as a map":            {"extraEnv: {A: b}", []string{"/extraEnv"}},
}

func TestMalformedValues(t *testing.T) {
	t.Parallel()
	refusedEach(t, malformed)
}
