package helm_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// texts are values that the templates write into YAML, with the values that they need.
var texts = map[string]string{
	"existingSecret":                     "",
	"secrets.cookieKeys.key":             "",
	"secrets.adminToken.key":             "",
	"secrets.appSecret.existingSecret":   "",
	"files.denyOpenids.configMap":        "",
	"files.pages.configMap":              "",
	"tls.existingSecret":                 "",
	"tracing.headers.key":                "tracing: {endpoint: 'http://c:4318'}",
	"priorityClassName":                  "",
	"dnsPolicy":                          "",
	"serviceAccount.name":                "serviceAccount: {create: false}",
	"ingress.className":                  "ingress: {enabled: true, tlsElsewhere: true}",
	"config.cookieName":                  asked("forward-auth") + "traefik: {enabled: true}",
	"config.prefix":                      asked("forward-auth") + "traefik: {enabled: true}",
	"site.service":                       asked("forward-auth") + "traefik: {enabled: true}",
	"istio.provider":                     extauthz + "istio: {enabled: true}",
	"istio.gateway":                      extauthz + "istio: {enabled: true}",
	"istio.gatewayNamespace":             extauthz + "istio: {enabled: true}",
	"metrics.podMonitor.interval":        "metrics: {podMonitor: {enabled: true}}",
	"image.tag":                          "",
	"fullnameOverride":                   "",
	"nameOverride":                       "",
	"podDisruptionBudget.maxUnavailable": "",
}

// A value is either refused with a sentence, or stays the text that it is: it neither
// adds a key nor becomes a number, true or null.
func TestValuesStayTexts(t *testing.T) {
	t.Parallel()
	for name, needs := range texts {
		for _, text := range []string{
			"x\nplanted: true", "x # y", "a: b", "*x", "'", `"`, "123", "1e3", "true", "null", "~", "[a",
		} {
			t.Run(name+" "+text, func(t *testing.T) {
				t.Parallel()
				value := any(text)
				keys := strings.Split(name, ".")
				for i := len(keys) - 1; i >= 0; i-- {
					value = map[string]any{keys[i]: value}
				}
				planted, err := yaml.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				r := withFour(needs)
				r.values = append(r.values, string(planted))
				if _, err := render(r); err != nil {
					if text := err.Error(); !strings.Contains(text, "cannot work") && !strings.Contains(text, "of the schema") {
						t.Errorf("error without a sentence: %v", err)
					}
					return
				}
				for _, o := range mustRender(t, r).objects { // decodes strictly
					if hasText(o, `"planted":`) {
						t.Errorf("%s has a key of the value", o)
					}
				}
			})
		}
	}
}
