package helm_test

import (
	"fmt"
	"maps"
	"strings"

	"sigs.k8s.io/yaml"
)

// A setting is how the chart sets one variable: values, and what is then in the
// environment. The name of the variable ends with _FILE if the value is a file.
type setting struct{ values, variable, text string }

// settings are those of the variables that are not values of `config`.
var settings = map[string]setting{
	"MODE": {
		"mode: forward-auth\nconfig: {upstream: '', trustedProxies: [10.244.0.0/16]}",
		"MODE", "forward-auth"},
	"LISTEN":       {"containerPorts: {http: 8000}", "LISTEN", ":8000"},
	"ADMIN_LISTEN": {"containerPorts: {admin: 9000}", "ADMIN_LISTEN", ":9000"},
	"RELAY_LISTEN": {"containerPorts: {relay: 8002}\nconfig: {relayPaths: [POST /cgi-bin/message/template/send]}\n" +
		relayPeers, "RELAY_LISTEN", ":8002"},
	"EXTAUTHZ_LISTEN": {"mode: extauthz\ncontainerPorts: {extauthz: 9100}\n" +
		"config: {upstream: '', trustedProxies: [10.244.0.0/16]}\n" +
		"networkPolicy: {extauthzFrom: [{namespaceSelector: {matchLabels: {app: istio}}}]}",
		"EXTAUTHZ_LISTEN", ":9100"},
	"APP_SECRET":  {"secrets: {appSecret: {key: k}}", "APP_SECRET_FILE", "/etc/wxgate/app-secret"},
	"COOKIE_KEYS": {"secrets: {cookieKeys: {key: k}}", "COOKIE_KEYS_FILE", "/etc/wxgate/cookie-keys"},
	"QR_APP_SECRET": {"config: {qrAppId: wxbbbbbbbbbbbbbbbb}\nsecrets: {qrAppSecret: {key: k}}",
		"QR_APP_SECRET_FILE", "/etc/wxgate/qr-app-secret"},
	"REDIS_URL":   {"secrets: {redisUrl: {key: k}}", "REDIS_URL_FILE", "/etc/wxgate/redis-url"},
	"ADMIN_TOKEN": {"secrets: {adminToken: {key: k}}", "ADMIN_TOKEN_FILE", "/etc/wxgate/admin-token"},
	"HUB_KEY": {"config: {hubUrl: 'https://hub.example.com'}\nsecrets: {hubKey: {key: k}}",
		"HUB_KEY_FILE", "/etc/wxgate/hub-key"},
	"ASSERTION_KEYS_FILE": {"secrets: {assertionKeys: {key: k}}", "ASSERTION_KEYS_FILE", "/etc/wxgate/assertion-keys"},
	"ALLOW_OPENIDS_FILE": {"files: {allowOpenids: {configMap: c}}", "ALLOW_OPENIDS_FILE",
		"/etc/wxgate/allow-openids"},
	"DENY_OPENIDS_FILE": {"files: {denyOpenids: {secret: s}}", "DENY_OPENIDS_FILE", "/etc/wxgate/deny-openids"},
	"REDIS_CA_FILE": {"files: {redisCa: {configMap: c}}\nsecrets: {redisUrl: {key: k}}", "REDIS_CA_FILE",
		"/etc/wxgate/redis-ca"},
	"UPSTREAM_CA_FILE": {"files: {upstreamCa: {configMap: c}}", "UPSTREAM_CA_FILE", "/etc/wxgate/upstream-ca"},
	"PAGES_DIR":        {"files: {pages: {configMap: c}}", "PAGES_DIR", "/etc/wxgate-pages"},
	"TLS_CERT_FILE":    {"tls: {existingSecret: s}", "TLS_CERT_FILE", "/etc/wxgate/tls/tls.crt"},
	"TLS_KEY_FILE":     {"tls: {existingSecret: s}", "TLS_KEY_FILE", "/etc/wxgate/tls/tls.key"},
}

const (
	relayPeers = "networkPolicy: {relayFrom: [{podSelector: {matchLabels: {app: web}}}]}\n"
	redisKey   = "secrets: {redisUrl: {key: redis-url}}\n"
	hubKey     = "secrets: {hubKey: {key: hub-key}}\n"
)

// samples are values for the variables of `config` whose default is no sample, or that
// need further values. The text is YAML for the value.
var samples = map[string]struct{ value, text, needs string }{
	"APP_ID": {"wxaaaaaaaaaaaaaaaa", "wxaaaaaaaaaaaaaaaa", ""},
	"UPSTREAM": {"[{path: /, url: 'http://web'}, {path: /api/, url: 'http://api'}]",
		"/=http://web,/api/=http://api", ""},
	"PUBLIC_URL":    {"https://other.example.com", "https://other.example.com", ""},
	"SESSION_STORE": {"redis", "redis", redisKey},
	"COOKIE_DOMAIN": {"example.com", "example.com", ""},
	"PUBLIC_PATHS":  {"[/static/, 'GET /news/{id}']", "/static/,GET /news/{id}", ""},
	"API_PATHS":     {"[/api/]", "/api/", ""},
	"QR_APP_ID":     {"wxbbbbbbbbbbbbbbbb", "wxbbbbbbbbbbbbbbbb", "secrets: {qrAppSecret: {key: k}}"},
	"FOLLOW_QR_URL": {"/static/qr.png", "/static/qr.png", ""},
	"RELAY_PATHS":   {"[/cgi-bin/menu/get]", "/cgi-bin/menu/get", relayPeers},
	"RELAY_HOSTS": {"[relay.example.com]", "relay.example.com",
		"config: {relayPaths: [/cgi-bin/menu/get]}\n" + relayPeers},
	"VERIFY_FILES":      {"[abc123, def456]", "abc123,def456", ""},
	"PASS_ACCESS_TOKEN": {"true", "true", "config: {sessionStore: redis}\n" + redisKey},
	"TRUSTED_PROXIES":   {"[10.244.0.0/16, 'fd00::/8']", "10.244.0.0/16,fd00::/8", ""},
	"RETURN_HOSTS":      {"[shop.example.com]", "shop.example.com", ""},
	"ACCESS_LOG_SKIP":   {"[/ping]", "/ping", ""},
	"HUB_URL":           {"https://hub.example.com", "https://hub.example.com", hubKey},
	"HUB_SITES":         {"['https://a.example.com']", "https://a.example.com", hubKey},
}

// settingOf returns how the chart sets a variable.
func settingOf(v variable) (setting, error) {
	if s, ok := settings[v.name]; ok {
		return s, nil
	}
	sample, ok := samples[v.name]
	if !ok {
		sample.value, sample.text = v.preset, v.preset
	}
	if sample.value == "" {
		return setting{}, fmt.Errorf("the test has no sample for WXGATE_%s, which has no default", v.name)
	}
	values, err := mergeValues(sample.needs, "config: {"+camelCase(v.name)+": "+sample.value+"}")
	if err != nil {
		return setting{}, err
	}
	text, err := yaml.Marshal(values)
	return setting{string(text), v.name, sample.text}, err
}

// camelCase returns the chart's name of a variable: publicUrl of PUBLIC_URL.
func camelCase(name string) string {
	words := strings.Split(strings.ToLower(name), "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// siteSetting returns how the chart sets a variable for its first site.
func siteSetting(v variable) (setting, error) {
	s, err := settingOf(v)
	if err != nil {
		return s, err
	}
	values, err := mergeValues(s.values)
	if err != nil {
		return s, err
	}
	site := map[string]any{"hosts": []string{"shop.example.com"}, "publicUrl": "https://shop.example.com"}
	config, _ := values["config"].(map[string]any)
	maps.Copy(site, config)
	if v.name == "APP_ID" {
		site["existingSecret"] = "account"
	}
	secrets, _ := values["secrets"].(map[string]any)
	top := map[string]any{}
	if url, ok := secrets["redisUrl"]; ok && v.name != "REDIS_URL" { // of the process
		top["secrets"] = map[string]any{"redisUrl": url}
		delete(secrets, "redisUrl")
	}
	for _, section := range []string{"secrets", "files", "tls"} {
		if of, ok := values[section].(map[string]any); ok && len(of) > 0 {
			site[section] = of
		}
	}
	top["sites"] = []any{site}
	text, err := yaml.Marshal(top)
	s.values = string(text)
	s.text = strings.Replace(s.text, "/etc/wxgate/", "/etc/wxgate/sites/0/", 1)
	if v.name == "PAGES_DIR" {
		s.text = "/etc/wxgate-pages-0"
	}
	return s, err
}
