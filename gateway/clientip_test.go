package gateway

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func trusting(prefixes ...string) (t trust) {
	for _, p := range prefixes {
		t = append(t, netip.MustParsePrefix(p))
	}
	return t
}

func TestClient(t *testing.T) {
	t.Parallel()
	proxies := trusting("10.0.0.0/8", "192.168.1.1/32", "2001:db8:1::/48", "fe80::/10")
	tests := []struct {
		name    string
		trust   trust
		peer    string
		chain   []string // X-Forwarded-For, a string a line
		want    string
		trusted bool
	}{
		{"nobody is trusted", nil, "10.0.0.1:5000", []string{"203.0.113.7"}, "10.0.0.1", false},
		{"untrusted peer", proxies, "198.51.100.9:5000", nil, "198.51.100.9", false},
		{"untrusted peer with a chain", proxies, "198.51.100.9:5000", []string{"203.0.113.7, 10.0.0.2"}, "198.51.100.9", false},
		{"untrusted peer names a proxy", proxies, "198.51.100.9:5000", []string{"10.0.0.1"}, "198.51.100.9", false},
		{"untrusted peer, IPv6", proxies, "[2001:db8:2::1]:5000", []string{"203.0.113.7"}, "2001:db8:2::1", false},
		{"trusted peer without a chain", proxies, "10.0.0.1:5000", nil, "10.0.0.1", true},
		{"trusted peer, empty chain", proxies, "10.0.0.1:5000", []string{""}, "10.0.0.1", true},
		{"trusted peer by its address", proxies, "192.168.1.1:5000", []string{"203.0.113.7"}, "203.0.113.7", true},
		{"its neighbour", proxies, "192.168.1.2:5000", []string{"203.0.113.7"}, "192.168.1.2", false},
		{"one hop", proxies, "10.0.0.1:5000", []string{"203.0.113.7"}, "203.0.113.7", true},
		{"two hops", proxies, "10.0.0.1:5000", []string{"203.0.113.7, 10.0.0.2"}, "203.0.113.7", true},
		{"all trusted", proxies, "10.0.0.1:5000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", true},
		{"spoofed left part", proxies, "10.0.0.1:5000", []string{"1.1.1.1, 203.0.113.7"}, "203.0.113.7", true},
		{"spoofed left part, two hops", proxies, "10.0.0.1:5000", []string{"1.1.1.1, 203.0.113.7, 10.0.0.2"}, "203.0.113.7", true},
		{"spoofed as a proxy", proxies, "10.0.0.1:5000", []string{"1.1.1.1, 10.0.0.9, 203.0.113.7"}, "203.0.113.7", true},
		{"spoofed garbage", proxies, "10.0.0.1:5000", []string{"'; drop table, 203.0.113.7"}, "203.0.113.7", true},
		{"several lines", proxies, "10.0.0.1:5000", []string{"1.1.1.1", "203.0.113.7", "10.0.0.2"}, "203.0.113.7", true},
		{"several lines with lists", proxies, "10.0.0.1:5000", []string{"1.1.1.1, 2.2.2.2", "203.0.113.7,10.0.0.2"}, "203.0.113.7", true},
		{"no spaces, many spaces", proxies, "10.0.0.1:5000", []string{" \t203.0.113.7 ,10.0.0.2\t"}, "203.0.113.7", true},
		{"garbage at the right", proxies, "10.0.0.1:5000", []string{"203.0.113.7, garbage"}, "10.0.0.1", true},
		{"garbage behind a proxy", proxies, "10.0.0.1:5000", []string{"203.0.113.7, unknown, 10.0.0.2"}, "10.0.0.2", true},
		{"trailing comma", proxies, "10.0.0.1:5000", []string{"203.0.113.7,"}, "10.0.0.1", true},
		{"half an address", proxies, "10.0.0.1:5000", []string{"203.0.113"}, "10.0.0.1", true},
		{"address with a prefix length", proxies, "10.0.0.1:5000", []string{"203.0.113.7/8"}, "10.0.0.1", true},
		{"leading zeros", proxies, "10.0.0.1:5000", []string{"203.0.113.007"}, "10.0.0.1", true},
		{"host name", proxies, "10.0.0.1:5000", []string{"localhost"}, "10.0.0.1", true},
		{"port", proxies, "10.0.0.1:5000", []string{"203.0.113.7:4711"}, "203.0.113.7", true},
		{"port, of a proxy", proxies, "10.0.0.1:5000", []string{"203.0.113.7, 10.0.0.2:80"}, "203.0.113.7", true},
		{"bad port", proxies, "10.0.0.1:5000", []string{"203.0.113.7:x"}, "10.0.0.1", true},
		{"IPv6", proxies, "10.0.0.1:5000", []string{"2001:db8:2::7"}, "2001:db8:2::7", true},
		{"IPv6 in brackets", proxies, "10.0.0.1:5000", []string{"[2001:db8:2::7]"}, "2001:db8:2::7", true},
		{"IPv6 with a port", proxies, "10.0.0.1:5000", []string{"[2001:db8:2::7]:4711"}, "2001:db8:2::7", true},
		{"IPv6 peer", proxies, "[2001:db8:1::1]:5000", []string{"203.0.113.7, 2001:db8:1::2"}, "203.0.113.7", true},
		{"IPv6 with a zone", proxies, "10.0.0.1:5000", []string{"fe80::7%eth0"}, "fe80::7", true},
		{"IPv6 peer with a zone", proxies, "[fe80::1%eth0]:5000", []string{"203.0.113.7"}, "203.0.113.7", true},
		{"IPv4 in IPv6, peer", proxies, "[::ffff:10.0.0.1]:5000", []string{"203.0.113.7"}, "203.0.113.7", true},
		{"IPv4 in IPv6, untrusted peer", proxies, "[::ffff:198.51.100.9]:5000", []string{"203.0.113.7"}, "198.51.100.9", false},
		{"IPv4 in IPv6, client", proxies, "10.0.0.1:5000", []string{"::ffff:203.0.113.7"}, "203.0.113.7", true},
		{"IPv4 in IPv6, proxy", proxies, "10.0.0.1:5000", []string{"203.0.113.7, ::ffff:10.0.0.2"}, "203.0.113.7", true},
		{"everybody is trusted", trusting("0.0.0.0/0"), "198.51.100.9:1", []string{"203.0.113.7"}, "203.0.113.7", true},
		{"IPv4 is not IPv6", trusting("::/0"), "198.51.100.9:1", []string{"203.0.113.7"}, "198.51.100.9", false},
		{"Unix socket", trusting("0.0.0.0/0", "::/0"), "@", []string{"203.0.113.7"}, "invalid IP", false},
		{"no peer", trusting("0.0.0.0/0", "::/0"), "", []string{"203.0.113.7"}, "invalid IP", false},
	}
	for _, test := range tests {
		r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.chain}}
		client, trusted := test.trust.client(r)
		if client.String() != test.want || trusted != test.trusted {
			t.Errorf("%s: client of %s, %q = %v, %t, want %s, %t", test.name, test.peer, test.chain, client, trusted, test.want, test.trusted)
		}
	}
}

// FuzzClient checks that a client cannot change its address by sending its own
// X-Forwarded-For, to which the proxies append.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{"", "1.1.1.1", "10.0.0.9", "10.0.0.9,", "::1, [", "unknown", "203.0.113.7:1"} {
		f.Add(seed)
	}
	proxies := trusting("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, sent string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:5000", Header: http.Header{"X-Forwarded-For": {sent, "203.0.113.7, 10.0.0.2"}}}
		if client, _ := proxies.client(r); client.String() != "203.0.113.7" {
			t.Errorf("client behind %q = %v, want 203.0.113.7", sent, client)
		}
		r.Header["X-Forwarded-For"] = []string{sent}
		if client, _ := proxies.client(r); !client.IsValid() || client.Is4In6() || client.Zone() != "" {
			t.Errorf("client in %q = %v, want a plain address", sent, client)
		}
	})
}

func TestSetForwarded(t *testing.T) {
	t.Parallel()
	s := &site{addresses: *returnAddresses(t)}
	tests := []struct {
		name    string
		trusted bool
		peer    string
		in      []string
		want    http.Header
	}{
		{"no headers", false, "203.0.113.7:5000", nil, http.Header{
			"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Host": {"h5.example.com"}, "X-Forwarded-Proto": {"https"},
		}},
		{"untrusted", false, "203.0.113.7:5000", []string{
			"X-Forwarded-For: 1.1.1.1", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http", "X-Request-Id: evil", "X-Forwarded-Uri: /x", "X-Real-Ip: 1.1.1.1",
			"X-Original-Url: /x", "Forwarded: for=1.1.1.1", "X_forwarded_for: 1.1.1.1", "Accept: */*",
		}, http.Header{
			"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Host": {"h5.example.com"}, "X-Forwarded-Proto": {"https"}, "Accept": {"*/*"},
		}},
		{"trusted", true, "10.0.0.1:5000", []string{
			"X-Forwarded-For: 1.1.1.1, 203.0.113.7", "X-Forwarded-For: 10.0.0.2", "X-Forwarded-Host: shop.example.com",
			"X-Forwarded-Proto: http", "X-Forwarded-Uri: /x", "X-Real-Ip: 203.0.113.7",
			"X-Request-Id: from the proxy", "Forwarded: for=1.1.1.1", "X_forwarded_for: 1.1.1.1",
		}, http.Header{
			"X-Forwarded-For": {"1.1.1.1, 203.0.113.7, 10.0.0.2, 10.0.0.1"}, "X-Forwarded-Host": {"shop.example.com"}, "X-Forwarded-Proto": {"http"},
			"X-Real-Ip": {"203.0.113.7"},
		}},
		{"trusted, no headers", true, "[::ffff:10.0.0.1]:5000", []string{"X-Forwarded-Host: ", "X-Forwarded-Proto: "}, http.Header{
			"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Host": {"h5.example.com"}, "X-Forwarded-Proto": {"https"},
		}},
		{"IPv6 with a zone", false, "[fe80::1%eth0]:5000", nil, http.Header{
			"X-Forwarded-For": {"fe80::1"}, "X-Forwarded-Host": {"h5.example.com"}, "X-Forwarded-Proto": {"https"},
		}},
		{"Unix socket", false, "@", nil, http.Header{
			"X-Forwarded-For": {"unknown"}, "X-Forwarded-Host": {"h5.example.com"}, "X-Forwarded-Proto": {"https"},
		}},
	}
	for _, test := range tests {
		in := &http.Request{Host: "h5.example.com", RemoteAddr: test.peer, Header: header(test.in...)}
		out := in.Header.Clone()
		s.setForwarded(out, in, &facts{trusted: test.trusted, id: "its id"})
		test.want.Set("X-Request-Id", "its id")
		if diff := cmp.Diff(test.want, out); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", test.name, diff)
		}
	}
}

// The values share one array: appending to one does not overwrite the next.
func TestSetForwardedValuesAreApart(t *testing.T) {
	t.Parallel()
	out := make(http.Header)
	s := &site{addresses: *returnAddresses(t)}
	s.setForwarded(out, &http.Request{Host: "h5.example.com", RemoteAddr: "203.0.113.7:1"}, new(facts))
	out.Add("X-Forwarded-For", "10.0.0.1")
	out.Add("X-Forwarded-Host", "more")
	if got := out.Get("X-Forwarded-Host") + " " + out.Get("X-Forwarded-Proto"); got != "h5.example.com https" {
		t.Errorf("after further values, host and scheme are %q", got)
	}
}

func TestStripForwarded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		stays, ifTrusted bool
	}{
		{"X-Forwarded-For", false, true},
		{"X-Forwarded-Host", false, true},
		{"X-Forwarded-Proto", false, true},
		{"X-Forwarded-Port", false, true},
		{"X-Forwarded-Server", false, true},
		{"X-Forwarded-Prefix", false, true},
		{"X-Forwarded-Method", false, false},
		{"X-Forwarded-Uri", false, false},
		{"X-Forwarded-", false, true},
		{"x-forwarded-for", false, true},
		{"X-FORWARDED-FOR", false, true},
		{"X-Rewrite-Url", false, false},
		{"X-Original-Url", false, false},
		{"X-Original-Uri", false, false},
		{"X-Original-Method", false, false},
		{"X-Original-Host", false, false},
		{"X-Real-Ip", false, true},
		{"X-Request-Id", false, true},
		{"X_forwarded_for", false, false},
		{"X_Forwarded_For", false, false},
		{"X-Forwarded_for", false, false},
		{"X_Forwarded-For", false, false},
		{"X.Forwarded.For", false, false},
		{"X~Forwarded!For", false, false},
		{"X_original_url", false, false},
		{"X_REAL_IP", false, false},
		{"X-Real_ip", false, false},
		{"X_request_id", false, false},
		{"Forwarded", false, false},
		{"X-Forwarded", true, true},
		{"X-Forwardedfor", true, true},
		{"X-Real-Ipsum", true, true},
		{"X-Request-Identity", true, true},
		{"X-Requested-With", true, true},
		{"Xx-Forwarded-For", true, true},
		{"Forwarded-To", true, true},
		{"Via", true, true},
		{"Accept", true, true},
		{"X", true, true},
		{"", true, true},
	}
	for _, test := range tests {
		for _, trusted := range []bool{false, true} {
			h := http.Header{test.name: {"x"}}
			stripForwarded(h, trusted)
			want := test.stays
			if trusted {
				want = test.ifTrusted
			}
			if got := len(h) == 1; got != want {
				t.Errorf("stripForwarded, trusted %t: %q stays is %t, want %t", trusted, test.name, got, want)
			}
		}
	}
}

func TestForwardedAddr(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "x", "[", "]", "[]", ":", ":80", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4:", "1.2.3.4:99999", "[1.2.3.4:80", "::g", "0x7f.1",
		"1.2.3.4 5", strings.Repeat("1", 5000),
	} {
		if addr, ok := forwardedAddr(in); ok {
			t.Errorf("forwardedAddr(%q) = %v, want none", in, addr)
		}
	}
}
