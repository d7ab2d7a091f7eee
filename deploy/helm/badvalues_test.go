package helm_test

import (
	"strings"
	"testing"
)

// A badValue is values that cannot work, over the four values, and the parts of the
// sentence that says so.
type badValue struct {
	values string
	want   []string
}

// contradictions are values that do not fit each other.
var contradictions = map[string]badValue{
	"no AppID":       {"config: {appId: ''}", []string{"config.appId is empty"}},
	"original id":    {"config: {appId: gh_0123456789ab}", []string{"config.appId", "begins with wx"}},
	"no public URL":  {"config: {publicUrl: ''}", []string{"config.publicUrl is empty"}},
	"no upstream":    {"config: {upstream: ''}", []string{"config.upstream is empty"}},
	"no Secret":      {"existingSecret: ''", []string{"existingSecret is empty", "app-secret"}},
	"no cookie keys": {"secrets: {cookieKeys: {key: ''}}", []string{"secrets.cookieKeys.key is empty"}},
	"no Secret for a key": {
		"existingSecret: ''\n" +
			"secrets: {appSecret: {existingSecret: a}, cookieKeys: {existingSecret: a}, redisUrl: {key: k}}",
		[]string{"WXGATE_REDIS_URL_FILE", "existingSecret"},
	},
	"two upstreams for one path": {
		"config: {upstream: [{path: /, url: 'http://a'}, {path: /api/, url: 'http://b'}, " +
			"{path: /api/, url: 'http://c'}]}",
		[]string{"config.upstream has two upstreams for the path /api"},
	},
	"two upstreams for /": {
		"config: {upstream: [{path: /, url: 'http://a'}, {path: /, url: 'http://b'}]}",
		[]string{"config.upstream has two upstreams for the path /"},
	},
	"two upstreams in a text": {
		"config: {upstream: '/=http://a,/api/=http://b,/api/=http://c'}", []string{"config.upstream", "two", "/api"},
	},
	"two upstreams of a site": {
		"sites: [{hosts: [a.example.com], publicUrl: 'https://a.example.com', " +
			"upstream: [{path: /, url: 'http://a'}, {path: /, url: 'http://b'}]}]",
		[]string{"sites[0].upstream", "two"},
	},
	"no upstream for /": {
		"config: {upstream: [{path: /api/, url: 'http://a'}]}",
		[]string{"config.upstream has no upstream for the path /"},
	},
	"an upstream of no use": {
		"mode: forward-auth\nconfig: {trustedProxies: [10.244.0.0/16]}",
		[]string{"config.upstream is set, but mode forward-auth forwards nothing"},
	},
	"a site's upstream of no use": {
		asked("forward-auth") + "sites: [{publicUrl: 'https://a.example.com', upstream: 'http://a'}]",
		[]string{"sites[0].upstream is set, but mode forward-auth forwards nothing"},
	},
	"wxgate as its own upstream": {
		"config: {upstream: 'http://127.0.0.1:8080'}", []string{"config.upstream", "own"},
	},
	"wxgate as the upstream of a site": {
		"sites: [{hosts: [a.example.com], publicUrl: 'https://a.example.com', upstream: 'http://localhost:8080'}]",
		[]string{"sites[0].upstream", "own"},
	},
	"wxgate's Service without its port": {
		"service: {port: 80}\nconfig: {upstream: 'http://wxgate/'}", []string{"config.upstream", "own"},
	},
	"wxgate's Service as its own upstream": {
		"config: {upstream: 'http://wxgate:8080'}", []string{"config.upstream", "own"},
	},
	"sidecar without containers": {
		"mode: sidecar\nconfig: {upstream: ''}", []string{"sidecar.containers is empty"},
	},
	"sidecar containers in mode proxy": {
		"sidecar: {containers: [{name: site, image: site:1}]}", []string{"sidecar.containers is set", "mode"},
	},
	"sidecar container named wxgate": {
		"mode: sidecar\nconfig: {upstream: ''}\nsidecar: {containers: [{name: wxgate, image: site:1}]}",
		[]string{"sidecar.containers", "called wxgate"},
	},
	"sidecar's port is the gateway's": {sidecar + "  port: 8080", []string{"sidecar.port is 8080"}},
	"sidecar's port is the admin's":   {sidecar + "  port: 9090", []string{"sidecar.port is 9090"}},
	"forward-auth, no trusted proxy": {
		"mode: forward-auth\nconfig: {upstream: ''}", []string{"config.trustedProxies is empty"},
	},
	"extauthz, no trusted proxy": {
		extauthz + "\n---\nconfig: {trustedProxies: []}", []string{"config.trustedProxies is empty"},
	},
	"extauthz, no peers": {
		"mode: extauthz\nconfig: {upstream: '', trustedProxies: [10.0.0.0/8]}",
		[]string{"networkPolicy.extauthzFrom is empty"},
	},
	"relay, no peers": {"config: {relayPaths: [/cgi-bin/menu/get]}", []string{"networkPolicy.relayFrom is empty"}},
	"relay hosts without paths": {
		"config: {relayHosts: [relay.example.com]}",
		[]string{"config.relayHosts is set, but config.relayPaths is empty"},
	},
	"min above max": {
		"autoscaling: {enabled: true, minReplicas: 5, maxReplicas: 3}",
		[]string{"autoscaling.minReplicas is 5", "autoscaling.maxReplicas, 3"},
	},
	"autoscaling without CPU request": {
		"autoscaling: {enabled: true}\nresources: {requests: {cpu: null}}", []string{"resources.requests.cpu"},
	},
	"budget of 0": {"podDisruptionBudget: {maxUnavailable: 0}", []string{"podDisruptionBudget.maxUnavailable is 0"}},
	"budget of 0 %": {
		"podDisruptionBudget: {maxUnavailable: 0%}", []string{"podDisruptionBudget.maxUnavailable is 0%"},
	},
	"request above limit": {
		"resources: {requests: {memory: 512Mi}}",
		[]string{"resources.requests.memory is 512Mi", "resources.limits.memory"},
	},
	"unit of memory":      {"resources: {limits: {memory: 256MB}}", []string{"resources.limits.memory", "MB"}},
	"unit of its request": {"resources: {requests: {memory: 96MB}}", []string{"resources.requests.memory", "MB"}},
	"store without Redis": {
		"config: {sessionStore: redis}", []string{"config.sessionStore is redis, but secrets.redisUrl.key is empty"},
	},
	"site's store without Redis": {
		"sites: [{publicUrl: 'https://a.example.com', sessionStore: redis}]",
		[]string{"sites[0].sessionStore is redis, but secrets.redisUrl.key is empty"},
	},
	"legacy tokens without Redis": {"config: {tokenMode: legacy}", []string{"config.tokenMode is legacy", "redisUrl"}},
	"CA of Redis without Redis":   {"files: {redisCa: {configMap: ca}}", []string{"files.redisCa is set", "redisUrl"}},
	"access token in a cookie": {
		"config: {passAccessToken: true}", []string{"config.passAccessToken is true", "sessionStore is not redis"},
	},
	"access token in a site's cookie": {
		"secrets: {redisUrl: {key: k}}\nsites: [{publicUrl: 'https://a.example.com', passAccessToken: true}]",
		[]string{"sites[0].passAccessToken is true"},
	},
	"scan login without AppID": {
		"config: {outsideWechat: qrconnect}\nsecrets: {qrAppSecret: {key: k}}", []string{"config.qrAppId is empty"},
	},
	"scan login without AppSecret": {
		"config: {outsideWechat: qrconnect, qrAppId: wxbbbbbbbbbbbbbbbb}", []string{"secrets.qrAppSecret.key is empty"},
	},
	"AppSecret of scan login alone": {
		"secrets: {qrAppSecret: {key: k}}", []string{"secrets.qrAppSecret.key is set", "config.qrAppId"},
	},
	"scan login with the account": {
		"config: {qrAppId: wx0123456789abcdef}\nsecrets: {qrAppSecret: {key: k}}",
		[]string{"config.qrAppId is the official account's AppID"},
	},
	"hub of a hub": {
		"config: {hubUrl: 'https://a.example.com', hubSites: ['https://b.example.com']}\n" + hubKey,
		[]string{"config.hubUrl and config.hubSites are both set"},
	},
	"hub without key":   {"config: {hubUrl: 'https://a.example.com'}", []string{"secrets.hubKey.key is empty"}},
	"hub key of no use": {hubKey, []string{"secrets.hubKey.key is set", "config.hubUrl", "config.hubSites"}},
	"itself as its hub": {"config: {hubUrl: 'https://h5.example.com'}\n" + hubKey, []string{"config.hubUrl", "own"}},
	"itself as its site": {
		"config: {hubSites: ['https://h5.example.com']}\n" + hubKey, []string{"config.hubSites", "own"},
	},
	"session longer than its most": {
		"config: {sessionTtl: 48h, sessionMaxTtl: 24h}", []string{"config.sessionTtl is 48h", "config.sessionMaxTtl"},
	},
	"session longer than the preset": {
		"config: {sessionTtl: 1000h}", []string{"config.sessionTtl is 1000h", "config.sessionMaxTtl"},
	},
	"cookie of another domain": {
		"config: {cookieDomain: example.org}", []string{"config.cookieDomain is example.org", "config.publicUrl"},
	},
	"site without host": {"sites: [{upstream: 'http://a'}]", []string{"sites[0] has neither hosts nor publicUrl"}},
	"site without AppID": {
		"config: {appId: ''}\nsites: [{publicUrl: 'https://a.example.com'}]", []string{"sites[0].appId is empty"},
	},
	"site without Secret": {
		"sites: [{publicUrl: 'https://a.example.com', appId: wx1111111111111111}]",
		[]string{"sites[0].existingSecret is empty"},
	},
	"one host of two sites": {
		"sites: [{publicUrl: 'https://a.example.com'}, {hosts: [A.example.com], publicUrl: 'https://b.example.com'}]",
		[]string{"sites[1] has the host a.example.com, and so has sites[0]"},
	},
	"site without upstream": {
		"config: {upstream: ''}\nsites: [{publicUrl: 'https://a.example.com'}]", []string{"sites[0].upstream is empty"},
	},
	"relay without account": {
		"config: {appId: '', relayPaths: [/cgi-bin/menu/get]}\n" + relayPeers +
			"sites: [{publicUrl: 'https://a.example.com', appId: wx1111111111111111, existingSecret: a}]",
		[]string{"config.relayPaths is set, but config.appId is empty"},
	},
	"no time to stop": {
		"terminationGracePeriodSeconds: 30", []string{"terminationGracePeriodSeconds is 30"},
	},
	"http beside a TLS Ingress": {
		"config: {publicUrl: 'http://h5.example.com'}\ningress: {enabled: true, tls: [{secretName: a}]}",
		[]string{"config.publicUrl is http://h5.example.com, but ingress.tls is set"},
	},
	"a site's http beside a TLS Ingress": {
		"ingress: {enabled: true, tls: [{secretName: a}]}\nsites: [{publicUrl: 'http://a.example.com'}]",
		[]string{"sites[0].publicUrl is http://a.example.com, but ingress.tls is set"},
	},
	"http beside TLS at wxgate": {
		"config: {publicUrl: 'http://h5.example.com'}\ntls: {existingSecret: a}",
		[]string{"config.publicUrl is http://h5.example.com, but tls.existingSecret is set"},
	},
	"https without TLS at the Ingress": {
		"ingress: {enabled: true}", []string{"config.publicUrl is https://h5.example.com, but ingress.tls is empty"},
	},
	"a site's https without TLS at the Ingress": {
		"ingress: {enabled: true}\nconfig: {publicUrl: ''}\nsites: [{publicUrl: 'https://a.example.com'}]",
		[]string{"sites[0].publicUrl is https://a.example.com, but ingress.tls is empty"},
	},
	"TLS at wxgate behind an Ingress": {
		"tls: {existingSecret: a}\ningress: {enabled: true, tls: [{secretName: a}]}",
		[]string{"tls.existingSecret is set", "ingress"},
	},
	"TLS at wxgate behind a route": {
		"tls: {existingSecret: a}\n" + httpRoute, []string{"tls.existingSecret is set", "httpRoute"},
	},
	"TLS at wxgate behind Traefik": {
		asked("forward-auth") + "tls: {existingSecret: a}\ntraefik: {enabled: true}",
		[]string{"tls.existingSecret is set", "traefik"},
	},
	"an Ingress and a route": {
		httpRoute + "ingress: {enabled: true, tls: [{secretName: a}]}",
		[]string{"ingress and httpRoute are both enabled"},
	},
	"route without Gateway": {"httpRoute: {enabled: true}", []string{"httpRoute.parentRefs is empty"}},
	"route for other hosts": {
		httpRoute + "  hostnames: [other.example.com]", []string{"httpRoute.hostnames", "h5.example.com"},
	},
	"Ingress for other hosts": {
		"ingress: {enabled: true, hosts: [other.example.com], tls: [{secretName: a}]}",
		[]string{"ingress.hosts", "h5.example.com"},
	},
	"route for an address": {
		"config: {publicUrl: 'http://10.0.0.1'}\n" + httpRoute, []string{"config.publicUrl", "10.0.0.1", "httpRoute"},
	},
	"a guard in mode proxy": {"traefik: {enabled: true}", []string{"traefik is enabled, but in mode proxy"}},
	"a policy in mode sidecar": {
		sidecar + httpRoute + "envoyGateway: {enabled: true}", []string{"envoyGateway is enabled, but in mode sidecar"},
	},
	"an open route": {
		asked("forward-auth") + httpRoute, []string{"httpRoute in mode forward-auth would open the site"},
	},
	"an open Ingress": {
		asked("forward-auth") + "ingress: {enabled: true, tlsElsewhere: true}",
		[]string{"ingress in mode forward-auth would open the site"},
	},
	"no site": {
		asked("forward-auth") + "\n---\nsite: {service: ''}\ntraefik: {enabled: true}",
		[]string{"site.service is empty"},
	},
	"Traefik over gRPC": {extauthz + "traefik: {enabled: true}", []string{"choose mode forward-auth"}},
	"Istio over HTTP":   {asked("forward-auth") + "istio: {enabled: true}", []string{"choose mode extauthz"}},
	"clients' headers through Envoy over HTTP": {
		asked("forward-auth") + httpRoute + "envoyGateway: {enabled: true}",
		[]string{"envoyGateway over HTTP", "envoyGateway.clientTrafficPolicy"},
	},
	"a policy for clients' headers alone": {
		asked("forward-auth") + "envoyGateway: {clientTrafficPolicy: true}", []string{"envoyGateway.enabled is false"},
	},
	"Istio for any host": {
		extauthz + httpRoute + "  hostnames: [h5.example.com, '*.example.com']\nistio: {enabled: true}",
		[]string{"httpRoute.hostnames has *.example.com", "istio.everyHost"},
	},
	"Istio at a Service": {
		extauthz + "httpRoute: {enabled: true, parentRefs: [{name: web, kind: Service, group: ''}]}\n" +
			"istio: {enabled: true}", []string{"httpRoute.parentRefs[0] is a Service"},
	},
	"Istio at another Gateway": {
		extauthz + httpRoute + "istio: {enabled: true, gateway: web}", []string{"istio.gateway is set"},
	},
	"Istio at every pod": {
		extauthz + "istio: {enabled: true, gatewayLabels: {istio: null}}", []string{"istio.gatewayLabels is empty"},
	},
	"nginx's annotations at Traefik": {
		asked("forward-auth") + "nginx: {enabled: true}\ningress: {enabled: true, className: traefik, tlsElsewhere: true}",
		[]string{"ingress.className is traefik", "nginx.controllerIsIngressNginx"},
	},
	"nginx's annotations at the default class": {
		asked("forward-auth") + "nginx: {enabled: true}\ningress: {enabled: true, tlsElsewhere: true}",
		[]string{"ingress.className is empty"},
	},
	"an open relay": {
		relayPeers + "\n---\nconfig: {relayPaths: [/cgi-bin/menu/get]}\nnetworkPolicy: {enabled: false}",
		[]string{"networkPolicy.enabled is false", "networkPolicy.openRelay"},
	},
	"a site's policy that is off": {
		"networkPolicy: {enabled: false, siteSelector: {app: web}}",
		[]string{"networkPolicy.siteSelector is set, but networkPolicy.enabled is false"},
	},
	"a policy without a route": {
		asked("forward-auth") + "envoyGateway: {enabled: true}", []string{"enable httpRoute"},
	},
	"nginx without its Ingress": {asked("forward-auth") + "nginx: {enabled: true}", []string{"enable ingress"}},
	"two ways to ask": {
		asked("forward-auth") + httpRoute + "  externalAuth: {enabled: true}\nenvoyGateway: {enabled: true}",
		[]string{"httpRoute.externalAuth and envoyGateway"},
	},
	"no proxy may reach the site": {
		asked("forward-auth") + "\n---\nnetworkPolicy: {siteFrom: []}", []string{"networkPolicy.siteFrom is empty"},
	},
	"a policy for a site in the same pod": {
		sidecar + "networkPolicy: {siteSelector: {app: web}}",
		[]string{"networkPolicy.siteSelector has no use in mode sidecar"},
	},
	"a variable twice": {"extraEnv: [{name: WXGATE_APP_ID, value: wx1}]", []string{"extraEnv has WXGATE_APP_ID"}},
	"a file twice": {
		"extraEnv: [{name: WXGATE_APP_SECRET, value: abc}]", []string{"extraEnv has WXGATE_APP_SECRET"},
	},
	"a limit of memory more": {"extraEnv: [{name: GOMEMLIMIT, value: 1GiB}]", []string{"extraEnv has GOMEMLIMIT"}},
	"a variable that is not set": {
		extauthz + "extraEnv: [{name: WXGATE_PREFIX, value: /orders}]", []string{"extraEnv has WXGATE_PREFIX"},
	},
	"a mode behind the routes' back": {
		"extraEnv: [{name: WXGATE_MODE, value: forward-auth}]", []string{"extraEnv has WXGATE_MODE"},
	},
	"a port without its Service": {
		"extraEnv: [{name: WXGATE_RELAY_LISTEN, value: ':8082'}]", []string{"extraEnv has WXGATE_RELAY_LISTEN"},
	},
	"a secret in plain text": {
		"extraEnv: [{name: WXGATE_ADMIN_TOKEN, value: abc}]", []string{"extraEnv has WXGATE_ADMIN_TOKEN"},
	},
	"a variable of a site": {
		"extraEnv: [{name: WXGATE_SITES_0_PUBLIC_PATHS, value: /orders/}]", []string{"extraEnv has WXGATE_SITES_0"},
	},
	"a collector's token in plain text": {
		"extraEnv: [{name: OTEL_EXPORTER_OTLP_HEADERS, value: a=b}]", []string{"extraEnv has OTEL_EXPORTER_OTLP_HEADERS"},
	},
	"a collector twice": {
		"extraEnv: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'http://c:4318'}]",
		[]string{"extraEnv has OTEL_EXPORTER_OTLP_ENDPOINT"},
	},
	"GOGC twice": {"extraEnv: [{name: GOGC, value: '50'}]", []string{"extraEnv has GOGC"}},
	"one port twice": {
		"containerPorts: {http: 9090}", []string{"containerPorts.admin and containerPorts.http are both 9090"},
	},
	"two places of a file": {
		"files: {denyOpenids: {configMap: a, secret: b}}", []string{"files.denyOpenids has both"},
	},
	"a container twice": {
		"extraContainers: [{name: wxgate, image: a:1}]", []string{"extraContainers", "wxgate"},
	},
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	refusedEach(t, contradictions, "These values cannot work")
}

// refusedEach is [refused] for each of several values, by what is wrong with them.
func refusedEach(t *testing.T, all map[string]badValue, more ...string) {
	t.Helper()
	for name, bad := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, bad, more...)
		})
	}
}

// refused checks that the chart is not rendered, and that the message has the parts.
func refused(t *testing.T, bad badValue, more ...string) {
	t.Helper()
	_, err := render(withFour(bad.values))
	if err == nil {
		t.Fatalf("rendered, want an error with %q", bad.want)
	}
	if strings.Contains(err.Error(), "planted") && strings.Contains(bad.values, ":planted@") {
		t.Errorf("message shows a password:\n%v", err)
	}
	for _, part := range append(bad.want, more...) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("message lacks %q:\n%v", part, err)
		}
	}
}
