package origin_test

import (
	"testing"

	"github.com/wxgate/wxgate/gateway/origin"
)

// hostKinds are hosts of requests, and whether each is private.
var hostKinds = map[string]bool{
	"127.0.0.1": true, "127.0.0.1:8082": true, "10.1.2.3": true, "203.0.113.7:80": true, "127.0.0.1.": true,
	"[::1]": true, "[::1]:8082": true, "[2001:DB8::1]:80": true, "[fe80::1]": true, "::1": true,
	"localhost": true, "LOCALHOST:8082": true, "localhost.": true, "localhost.:8082": true, "localhost:": true,
	"relay": true, "my_app:80": true, "Relay": true,
	"wxgate.shop.svc": true, "wxgate.shop.svc.cluster.local:8082": true, "WXGATE.shop.SVC.Cluster.LOCAL.": true,
	"host.docker.internal": true, "box.local": true, "box.LOCAL.:80": true, "evil.example.internal": true,

	"[fe80::1%25eth0]": false, "::1%evil.example": false,
	"": false, ".": false, ":": false, ":80": false, "..": false, "[]": false, "[": false, "[]:80": false,
	"evil.example": false, "evil.example:8082": false, "EVIL.EXAMPLE.": false, "wxgate.example.com": false,
	"127.0.0.1.evil.example": false, "localhost.evil.example": false, "relay.svc.evil.example": false,
	"evil.example.svc.cluster": false, "evil.svc.cluster.com": false, "evil.localhost": false, "a.internal.cn": false,
	"evilinternal.example": false, "xlocal.example": false, "evil.notlocal": false, "evil.mysvc": false,
	".internal": false, ".svc": false, "a..internal": false, "a.internal..": false, "-.internal": false,
	"[localhost]": false, "[relay]": false, "[127.0.0.1]": false, "[evil.example]:80": false, "[::1]evil.example": false,
	"relay:http": false, "evil.example:80:internal": false, "evil.example/.internal": false, "a@b.internal": false,
	"evil.example .internal": false, "evil.example%00.internal": false, "*.internal": false, "微信.internal": false,
	"127.1": false, "0x7f.0.0.1": false, "2130706433": false, "evil.example,relay.internal": false,
}

func TestIsPrivate(t *testing.T) {
	t.Parallel()
	for host, want := range hostKinds {
		if got := origin.IsPrivate(host); got != want {
			t.Errorf("IsPrivate(%q) = %t, want %t", host, got, want)
		}
	}
}

// FuzzIsPrivate checks that case, a port and a dot at the end change nothing, and
// that no name under a public domain is private.
func FuzzIsPrivate(f *testing.F) {
	for host := range hostKinds {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		name := origin.Canonical(host)
		if origin.IsPrivate(name + ".example.com") {
			t.Errorf("%q under example.com is private", name)
		}
		if !origin.IsHostname(name) {
			return
		}
		want := origin.IsPrivate(name)
		for _, spelled := range []string{name + ".", name + ":80", name + ".:80"} {
			if got := origin.IsPrivate(spelled); got != want {
				t.Errorf("IsPrivate(%q) = %t, but of %q %t", spelled, got, name, want)
			}
		}
	})
}
