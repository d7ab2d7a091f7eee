package helm_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
)

var setHeader = regexp.MustCompile(`(?m)^    proxy_set_header ([A-Za-z-]+) +(""|\$wx_[a-z_]+);`)

// ingress-nginx sets each header that the annotation names, to nothing where wxgate's
// answer lacks it. So it has to name all that nginx/wxgate.conf removes or sets, except
// those that ingress-nginx sets for the connection.
func TestNginxReplacesTheClientsHeaders(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range setHeader.FindAllStringSubmatch(readFile(t, "../nginx/wxgate.conf"), -1) {
		if name := m[1]; name != "Upgrade" && name != "Connection" {
			want = append(want, name)
		}
	}
	for _, name := range []string{"X-WX-OpenID", "X-WX-From-OpenID", "X-WX-Env", "X-Rewrite-URL", "Forwarded"} {
		if !slices.Contains(want, name) {
			t.Fatalf("nginx/wxgate.conf sets %q, which lacks %s", want, name)
		}
	}
	for _, ingress := range all[networkingv1.Ingress](mustRender(t, withFour(modes["forward-auth, nginx"])).objects) {
		list, ok := ingress.Annotations["nginx.ingress.kubernetes.io/auth-response-headers"]
		if !ok {
			continue // of wxgate's own pages
		}
		got := strings.Split(list, ",")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("ingress-nginx replaces the headers\n%q\nwant\n%q", got, want)
		}
		return
	}
	t.Error("no Ingress asks wxgate")
}

// The question of ingress-nginx to wxgate has no Upgrade header, so wxgate cannot refuse
// h2c: the site gets no upgrade unless a value says that it may.
func TestNginxLetsNoUpgradePass(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"forward-auth, nginx": "keep-alive", "forward-auth, nginx of another name": "",
	} {
		for _, ingress := range all[networkingv1.Ingress](mustRender(t, withFour(modes[name])).objects) {
			if ingress.Annotations["nginx.ingress.kubernetes.io/auth-url"] == "" {
				continue
			}
			if got := ingress.Annotations["nginx.ingress.kubernetes.io/connection-proxy-header"]; got != want {
				t.Errorf("%s: Connection of the site's requests = %q, want %q", name, got, want)
			}
		}
	}
}
